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
    noisy = np.empty_like(clean)
    values = (len(clean), clean[:1].size)
    threshold = np.uint64(_threshold(normalise(level)))
    word1 = rng.word1(stream)
    _apply(
        clean.reshape(values),
        noisy.reshape(values),
        clean.shape[3],
        threshold,
        np.uint64(key),
        word1,
        indices,
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
    clean: U8, noisy: U8, channels: int, threshold: np.uint64, key: np.uint64, word1: np.uint32, indices: I64
) -> None:
    pixels = clean.shape[1] // channels
    words = np.empty((pixels + 3) // 4 * 4, np.uint32)
    kept, white = np.empty(pixels, np.uint8), np.empty(pixels, np.uint8)
    black_below, white_from = np.uint32(threshold), np.uint32(np.uint64(1 << 32) - threshold)
    for i in range(indices.size):
        rng.fill(words, key, word1, np.uint64(indices[i]))
        for j in range(pixels):
            word = words[np.uintp(j)]
            kept[np.uintp(j)] = 255 if word >= black_below else 0
            white[np.uintp(j)] = 255 if word >= white_from else 0
        # With their number written out, the loop over channels becomes a few vector instructions.
        if channels == 3:
            _lose(clean[i], noisy[i], kept, white, 3)
        else:
            _lose(clean[i], noisy[i], kept, white, channels)


@rng.inlined
def _lose(clean: U8, noisy: U8, kept: U8, white: U8, channels: int) -> None:
    """Pixels are kept where `kept` is 255, else black, or white where `white` is 255."""
    for j in range(kept.size):
        pixel = np.uintp(j)
        for channel in range(channels):
            value = pixel * np.uintp(channels) + np.uintp(channel)
            noisy[value] = (clean[value] & kept[pixel]) | white[pixel]
