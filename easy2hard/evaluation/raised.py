"""What goes wrong in the run of an entry, as one line that says whose and where; its traceback stays as the cause."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from easy2hard import entry as entries
from easy2hard.entry import Entry
from easy2hard.errors import UserError, WrongAnswer


@contextmanager
def told(entry: Entry, when: str, *, always: bool = False) -> Iterator[None]:
    """Make a `UserError` of an exception that comes through the entry's file, or of any where nothing but it runs.

    `when` says what it was doing. An object has no file: its exception stays as it is, for a notebook to show.
    """
    try:
        yield
    except WrongAnswer as error:
        if not entry.sha256:
            raise
        raise UserError(f"{entry.name}: {str(error).rstrip('.')}; {check_it(entry)}.") from error
    except UserError:
        raise
    except Exception as error:
        place = _place(entry, error)
        if not entry.sha256 or not (place or always):
            raise
        said = " ".join(str(error).split())[:400]
        raise UserError(
            f"{entry.name} raised {type(error).__name__}{f': {said}' if said else ''}"
            f"{f' ({place})' if place else ''} {when}; {check_it(entry)}."
        ) from error


@contextmanager
def named(entry: Entry) -> Iterator[None]:
    """Put the entry's name before a `UserError` that does not begin with it, so that of several one knows which.

    An object is evaluated alone; its errors stay as they are.
    """
    try:
        yield
    except UserError as error:
        if not entry.sha256 or str(error).startswith((f"{entry.name}: ", f"{entry.name} ")):
            raise
        raise UserError(f"{entry.name}: {error}") from error


def check_it(entry: Entry) -> str:
    """The next step of whoever wrote the entry."""
    return f"run `easy2hard check {_name(entry)}`" if entry.sha256 else "run `easy2hard check` on its file"


def _place(entry: Entry, error: Exception) -> str | None:
    """The innermost line of the entry's own code that the exception came through; files beside it are its own too."""
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).parent == entry.path.parent
    ]
    return f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else None


def _name(entry: Entry) -> str:
    """How the entry is named on the command line: by its name where it comes with the package, else by its file."""
    if entry.path.parent.parent == entries.folder().resolve():
        return entry.name
    here = Path.cwd()
    return str(entry.path.relative_to(here) if entry.path.is_relative_to(here) else entry.path)
