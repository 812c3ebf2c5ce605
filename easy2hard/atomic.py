"""Files that are either whole or not there: written beside their place, synced, then renamed."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from easy2hard.errors import UserError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Hand out a temporary path beside `path`, and put it in `path`'s place when the block succeeds.

    A kill at any moment leaves the old file or the new one, never a part. Raises `UserError` where
    the folder cannot be written or the disk is full; the temporary file is removed.
    """
    temporary = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise _explained(error, path) from error
    finally:
        temporary.unlink(missing_ok=True) if path.parent.is_dir() else None


def make_folder(path: Path) -> None:
    """Make a folder and those above it; `UserError` where it cannot be made, as where a file stands in its place."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> UserError:
    """What to say of a path that cannot be written."""
    reason = (error.strerror or "not permitted").lower()
    return UserError(f"{path} cannot be written ({reason}); choose another folder with --out.")


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write `content` to `path` as UTF-8 with Unix line ends, whole or not at all."""
    write_bytes(path, content.encode())


def _explained(error: OSError, path: Path) -> Exception:
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):  # Windows knows no quota
        return UserError(f"the disk is full while writing {path}; free some space and run the command again.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST):
        return unwritable(path, error)
    return error
