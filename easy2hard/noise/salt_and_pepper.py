"""Salt-and-pepper noise: a share of the pixels is lost, each to black or to white with equal chance.

A pixel is lost as a whole, all its channels together, and independently of the others; the level is the
probability. Pixel j, counted along the rows, takes word j of its image's stream.
"""

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numba import literal_unroll

from easy2hard import rng
from easy2hard.errors import UserError
from easy2hard.noise import I64, U8, checked
from easy2hard.suite import canonical

_KEPT = np.uint8(1)  # stands for a pixel that is not lost


def normalise(level: str | float) -> str:
    """A probability above 0 and at most 1, as a canonical decimal; `UserError` for any other level."""
    level = canonical(level)
    if Decimal(level) > 1 or _threshold(level) < 1:
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


@lru_cache(maxsize=64)
def _threshold(level: str) -> int:
    """T = round(p * 2^31), half to even: black where word < T, white where word >= 2^32 - T."""
    return round(Fraction(level) * 2**31)


@rng.kernel
def _apply(
    clean: U8, noisy: U8, channels: int, threshold: np.uint64, key: np.uint64, word1: np.uint32, indices: I64
) -> None:
    values = clean.shape[1]
    fates = np.empty((values // channels + 7) // 8 * 8, np.uint8)
    spread = np.empty(values, np.uint8)
    for i in range(indices.size):
        _draw(fates, threshold, key, word1, np.uint64(indices[i]))
        # With their number written out, the loop over channels becomes a few vector instructions.
        if channels == 3:
            _spread(fates, spread, 3)
        else:
            _spread(fates, spread, channels)
        for j in range(values):
            at = np.uintp(j)
            noisy[i, at] = clean[i, at] if spread[at] == _KEPT else spread[at]


@rng.inlined
def _draw(fates: U8, threshold: np.uint64, key: np.uint64, word1: np.uint32, index: np.uint64) -> None:
    """The fate of every pixel: 0 for black, 255 for white, or `_KEPT`.

    Two blocks of words at a time, as in `rng.fill`; the words are never written to memory.
    """
    black_below, white_from = np.uint32(threshold), np.uint32(np.uint64(1 << 32) - threshold)
    half = fates.size // 8
    for block in range(half):
        first, second = np.uintp(4) * np.uintp(block), np.uintp(4) * np.uintp(block + half)
        words = rng.philox(key, np.uint32(block), word1, index)
        others = rng.philox(key, np.uint32(block + half), word1, index)
        for pixel in literal_unroll((0, 1, 2, 3)):
            fates[first + np.uintp(pixel)] = _fate(words[pixel], black_below, white_from)
            fates[second + np.uintp(pixel)] = _fate(others[pixel], black_below, white_from)


@rng.inlined
def _fate(word: np.uint32, black_below: np.uint32, white_from: np.uint32) -> np.uint8:
    if word >= white_from:
        return np.uint8(255)
    return np.uint8(0) if word < black_below else _KEPT


@rng.inlined
def _spread(fates: U8, spread: U8, channels: int) -> None:
    """The fate of a pixel for each of its channels."""
    for pixel in range(spread.size // channels):
        for channel in range(channels):
            spread[np.uintp(pixel) * np.uintp(channels) + np.uintp(channel)] = fates[np.uintp(pixel)]
