"""Salt-and-pepper noise: a share of the pixels is lost, each to black or to white with equal chance.

A pixel is lost as a whole, all its channels together, and independently of the others; the level is the
probability. Pixel j, counted along the rows, takes word j of its image's stream.
"""

from fractions import Fraction

import numpy as np

from easy2hard import rng
from easy2hard.errors import UserError
from easy2hard.noise import I64, U8, checked
from easy2hard.suite import canonical


def normalise(level: str | float) -> str:
    """A probability above 0 and at most 1, as a canonical decimal; `UserError` for any other level."""
    level = canonical(level)
    if Fraction(level) > 1 or _threshold(level) < 1:
        raise UserError(
            "a salt-and-pepper level is the probability that a pixel is lost: above 0 and at most 1, "
            f"such as 0.1; got {level}."
        )
    return level


def apply(clean: U8, level: str, key: int, indices: I64, stream: int = 0) -> U8:
    """Noisy copies of `clean` (n, height, width, channels); see `easy2hard.noise.Noise`."""
    clean, indices = checked(clean, indices)
    n, height, width, channels = clean.shape
    noisy = np.empty_like(clean)
    pixels = (n, height * width, channels)
    threshold = np.uint64(_threshold(normalise(level)))
    _apply(
        clean.reshape(pixels), noisy.reshape(pixels), threshold, np.uint64(key), rng.word1(stream), indices
    )
    return noisy


def stamp(level: str) -> dict[str, str]:
    """The rule in words, with this level's integer threshold."""
    return {
        "dtype": "uint8",
        "unit": "pixel, all channels together",
        "values": "0 and 255 with equal chance",
        "clip": "none needed",
        "rounding": "none needed",
        "threshold": str(_threshold(level)),
    }


def _threshold(level: str) -> int:
    """T = round(p * 2^31), half to even: black where word < T, white where word >= 2^32 - T."""
    return round(Fraction(level) * 2**31)


@rng.kernel
def _apply(
    clean: U8, noisy: U8, threshold: np.uint64, key: np.uint64, word1: np.uint32, indices: I64
) -> None:
    pixels, channels = clean.shape[1], clean.shape[2]
    words = np.empty((pixels + 3) // 4 * 4, np.uint32)
    white_from = np.uint64(1 << 32) - threshold
    for i in range(indices.size):
        rng.fill(words, key, word1, np.uint64(indices[i]))
        for j in range(pixels):
            word = np.uint64(words[j])
            kept = np.uint8(255) if word >= threshold else np.uint8(0)
            white = np.uint8(255) if word >= white_from else np.uint8(0)
            for channel in range(channels):
                noisy[i, j, channel] = (clean[i, j, channel] & kept) | white
