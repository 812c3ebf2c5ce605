"""A noise turns clean images into noisy ones. Each is one file with the three functions of `Noise`.

To write your own, put them into `mine.py` and say `noise = "./mine.py"` in a suite. `easy2hard.rng.words`
gives random words, so that plain NumPy is enough; a noisy image depends on nothing but the arguments.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from easy2hard.errors import UserError

U8 = NDArray[np.uint8]
I64 = NDArray[np.int64]


class Noise(Protocol):
    """What the files of this shelf have in common."""

    def normalise(self, level: str | float) -> str:
        """The level as a canonical decimal (`0.10` -> `"0.1"`); `UserError` where it is out of range."""
        ...

    def apply(self, clean: U8, level: str, key: int, indices: I64, stream: int = 0) -> U8:
        """Noisy copies of `clean`, both (n, height, width, channels).

        A pure function of `key`, `stream` and, image by image, of its index and pixels: any order, any subset
        and any number of threads give the same bits. A second noisy copy of an image is another stream.
        """
        ...

    def stamp(self, level: str) -> dict[str, str]:
        """What the definition fixes: clipping, rounding, dtype, unit of corruption."""
        ...


def checked(clean: U8, indices: I64) -> tuple[U8, I64]:
    """Both as kernels want them, contiguous; `UserError` where images are not uint8 (n, h, w, channels)."""
    if clean.dtype != np.uint8 or clean.ndim != 4 or 0 in clean.shape[1:] or len(clean) != len(indices):
        raise UserError(
            "noise is put on uint8 images (n, height, width, channels), with one index for each; "
            f"got {clean.dtype} {clean.shape} and {len(indices)} indices."
        )
    return np.ascontiguousarray(clean), np.ascontiguousarray(indices, np.int64)
