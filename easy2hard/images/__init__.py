"""A source of clean images. Each is one file with a function `open`, which returns a `Source`.

`open(size, key, directory, hub, revision)`: `size` is the side of the square images in pixels; `key(split)`
the 64-bit Philox key under which a procedural source draws a split; `directory` where the user's images lie
(`--images-dir` or EASY2HARD_IMAGES), or None; `hub` and `revision` the Hub dataset pinned in the suite's file,
or None. It raises `UserError` where there are no such images.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # (n, size, size, 3), RGB
Indices = NDArray[np.int64]  # (n,)
SPLITS = ("train", "validation", "test")


class Source(Protocol):
    """What the tasks know of a source of images."""

    name: str
    notes: tuple[str, ...]  # what the user should hear about these images

    def rows(self, split: str) -> int | None:
        """How many images a split has; None where it is endless."""
        ...

    def take(self, split: str, indices: Indices) -> Pixels:
        """The images with these indices, the same bits in whatever order and company they are asked for."""
        ...

    def digest(self) -> str:
        """BLAKE2b-128, in hex, of the pixels of train, validation and test in index order.

        An endless source hashes its definition's version and the first 64 images of each split.
        """
        ...
