"""What an entry's code raises, as one line that says where; its traceback stays behind it as the cause."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from easy2hard import entry as entries
from easy2hard.entry import Entry
from easy2hard.errors import UserError


@contextmanager
def told(entry: Entry, when: str, *, always: bool = False) -> Iterator[None]:
    """Make a `UserError` of an exception that comes through the entry's file, or of any where nothing but it runs.

    `when` says what it was doing. An object has no file: its exception stays as it is, for a notebook to show.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        place = _place(entry, error)
        if not entry.sha256 or not (place or always):
            raise
        said = " ".join(str(error).split())[:400]
        raise UserError(
            f"{entry.name} raised {type(error).__name__}{f': {said}' if said else ''}"
            f"{f' ({place})' if place else ''} {when}; run `easy2hard check {_name(entry)}`."
        ) from error


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
