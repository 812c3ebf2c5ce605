"""The client of the Hub: patient with what passes, and plain about what does not."""

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from easy2hard.errors import UserError
from easy2hard.progress import Listener, Step, silent
from easy2hard.version import VERSION

if TYPE_CHECKING:
    from huggingface_hub import HfApi

T = TypeVar("T")
_WAITS = (1.0, 2.0, 4.0, 8.0)  # seconds before the next attempt
_CONFLICTS = 20  # attempts on top of somebody else's commit: each means that another push went through
_LONGEST = 60.0  # seconds that a Retry-After may ask for


def connect() -> "HfApi":
    """The client, with the user's own token: `HF_TOKEN`, or what `hf auth login` stored."""
    from huggingface_hub import HfApi
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

    disable_progress_bars()  # ours counts the whole push
    return HfApi(library_name="easy2hard", library_version=VERSION)


def insist(call: Callable[[], T], where: str, listen: Listener = silent) -> T:
    """What `call` returns, called again after failures that pass: conflicts, overload, a connection that broke.

    `call` must do no harm the second time. `where` is the repo, for the message. Raises `UserError`.
    """
    waits, conflicts = list(_WAITS), _CONFLICTS
    while True:
        try:
            return call()
        except UserError:
            raise
        except Exception as error:
            if not _is_ours(error):
                raise
            status = _status(error)
            if status in (409, 412) and conflicts:
                conflicts -= 1
                wait = random.uniform(0.1, 1.0)  # several that met once need not meet again
            elif _passes(error, status) and waits:
                wait = max(waits.pop(0), _asked_wait(error))
            else:
                raise UserError(_explained(error, status, where)) from error
            why = f"the Hub answered {status}" if status else "the connection broke"
            listen(Step("send", 0, 0, {}, f"{where}: {why}; trying again in {wait:.0f} s."))
            time.sleep(wait)


def _is_ours(error: BaseException) -> bool:
    """Whether an exception is one that the client raises: of the Hub, of the network, or its own `RuntimeError`."""
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

    known = (HfHubHTTPError, HFValidationError, LocalTokenNotFoundError, ConnectionError, RuntimeError)
    return isinstance(error, known) or _is_network(error)


def _is_network(error: BaseException) -> bool:
    """Whether an exception is of the library below, `requests`, `httpx` or `httpx2` by version of the client."""
    return any(
        kind.__module__.split(".")[0] in ("requests", "httpx", "httpx2", "urllib3")
        for kind in type(error).__mro__
    )


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in found:
        found.append(cause)
        cause = cause.__cause__ or cause.__context__
    return found


def _status(error: BaseException) -> int | None:
    """The status that the Hub answered, of the error itself or of one behind it."""
    for cause in _chain(error):
        status = getattr(getattr(cause, "response", None), "status_code", None)
        if isinstance(status, int):
            return status
    return None


def _passes(error: BaseException, status: int | None) -> bool:
    from huggingface_hub.errors import HFValidationError, LocalTokenNotFoundError, OfflineModeIsEnabled

    if status is not None:
        return status in (408, 409, 412, 429) or status >= 500
    return not isinstance(error, HFValidationError | LocalTokenNotFoundError | OfflineModeIsEnabled)


def _asked_wait(error: BaseException) -> float:
    """How long the Hub asked to wait, in seconds; 0 where it did not."""
    for cause in _chain(error):
        headers = getattr(getattr(cause, "response", None), "headers", None) or {}
        if str(headers.get("Retry-After", "")).isdigit():
            return min(float(headers["Retry-After"]), _LONGEST)
    return 0.0


def _explained(error: BaseException, status: int | None, where: str) -> str:
    """One line: what happened, and what to do."""
    from huggingface_hub import errors

    resume = "run the same command again: it goes on with what is missing"
    if isinstance(error, errors.OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set, so the Hub is not asked; unset it and run the same command again."
    if isinstance(error, errors.HFValidationError):
        return f"'{where}' is not the name of a repo; it is ORGANISATION/NAME, of letters, digits, '-', '_' and '.'."
    if isinstance(error, errors.GatedRepoError):
        return f"{where} is gated; ask for access on its page, then run the same command again."
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{where} has no such revision; see its branches and tags on the Hub, or leave --revision out."
    if isinstance(error, errors.EntryNotFoundError):
        return f"{where} lacks a file that easy2hard needs ({_reason(error)})."
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            f"there is no repo {where}, or it is private and you may not see it; check the name, or log in with "
            "`hf auth login` to an account that has access."
        )
    if status == 401 and "Invalid credentials" in _text(error):
        return "the Hub does not know your token; log in again with `hf auth login`, or set HF_TOKEN to a valid one."
    if status == 401 or isinstance(error, errors.LocalTokenNotFoundError):
        return "you are not logged in to the Hub; run `hf auth login`, or set HF_TOKEN, and run the same command again."
    if status == 403:
        return (
            f"your token may not write to {where}; use one with write access of an account that belongs to "
            f"{where.split('/')[0]} (`hf auth login`), ask for write access, or add --create-pr to propose the change."
        )
    if status in (409, 412):
        return f"others kept pushing to {where} at the same time; {resume}."
    if status == 429:
        return f"the Hub asks for patience (429, too many requests); wait some minutes, then {resume}."
    if status is not None and status >= 500:
        return f"the Hub has a fault of its own ({status}, {len(_WAITS) + 1} attempts); later {resume}."
    if status is not None:
        return f"the Hub refused what was asked of {where} ({status}): {_reason(error)}; mend that, then run it again."
    return f"the Hub cannot be reached ({_reason(error)}); check the connection, then {resume}."


def _text(error: BaseException) -> str:
    return " ".join(str(cause) for cause in _chain(error))


def _reason(error: BaseException) -> str:
    """What the server said, or the first line of the error of the network behind this one, or of this one."""
    told = next((cause for cause in _chain(error) if _is_network(cause)), error)
    lines = [line.strip() for line in str(told).splitlines() if line.strip()]
    message = getattr(error, "server_message", None)
    return str(message or (lines[0] if lines else type(error).__name__))[:200]
