"""Any folder of images: with subfolders train/ and test/ (and validation/ or val/), or flat and split by a rule.

Images larger than the suite's size are cut out at the centre; smaller ones are refused. All become 8-bit RGB:
grey is repeated over the channels, of 16 bits the upper 8 are kept, transparency is laid over black.
Orientation tags are not followed, and of a moving image the first frame is taken.
"""

from collections.abc import Callable
from pathlib import Path

from easy2hard.errors import UserError
from easy2hard.images import Source, _files


def open(
    size: int, key: Callable[[str], int], directory: Path | None, hub: str | None, revision: str | None
) -> Source:
    """Read the images of `directory`. Raises `UserError` for a missing one, or for an image that will not do."""
    if directory is None:
        raise UserError(
            "the image source 'folder' reads a folder of your own; say which with --images-dir PATH or "
            "EASY2HARD_IMAGES=PATH."
        )
    return _files.folder(directory, size)
