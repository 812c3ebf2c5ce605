"""Salt-and-pepper noise: a share of the pixels is lost, each to black or to white with equal chance.

A pixel is lost as a whole, all its channels together, and independently of the others; the level is the
probability. Pixel j, counted along the rows, takes word j of its image's stream.
"""

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from easy2hard import rng
from easy2hard.errors import UserError
from easy2hard.noise import I64, U8, checked
from easy2hard.suite import canonical

_WHITE, _BLACK, _KEPT = np.uint16(255), np.uint16(0), np.uint16(1)  # what becomes of a pixel


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
    values, width = clean.shape[1], np.uintp(channels)
    # 16 bits for a fate: with 8, compiling takes a second more.
    fates = np.empty((values // channels + 7) // 8 * 8, np.uint16)
    spread = np.empty(values, np.uint8)
    for i in range(indices.size):
        _draw(fates, threshold, key, word1, np.uint64(indices[i]))
        if channels == 3:  # with the number written out, this becomes a few vector instructions
            for pixel in range(values // 3):
                for channel in range(3):
                    spread[np.uintp(3 * pixel + channel)] = fates[np.uintp(pixel)]
        else:
            for value in range(values):
                spread[np.uintp(value)] = fates[np.uintp(value) // width]
        for value in range(values):
            at = np.uintp(value)
            noisy[i, at] = clean[i, at] if spread[at] == _KEPT else spread[at]


@rng.inlined
def _draw(
    fates: NDArray[np.uint16], threshold: np.uint64, key: np.uint64, word1: np.uint32, index: np.uint64
) -> None:
    """The fate of every pixel.

    Two blocks of words at a time, as in `rng.fill`; the words are never written to memory.
    """
    black_below, white_from = np.uint32(threshold), np.uint32(np.uint64(1 << 32) - threshold)
    half = fates.size // 8
    for block in range(half):
        first, second = np.uintp(4) * np.uintp(block), np.uintp(4) * np.uintp(block + half)
        words = rng.philox(key, np.uint32(block), word1, index)
        others = rng.philox(key, np.uint32(block + half), word1, index)
        for pixel in range(4):
            fates[first + np.uintp(pixel)] = _fate(words[pixel], black_below, white_from)
            fates[second + np.uintp(pixel)] = _fate(others[pixel], black_below, white_from)


@rng.inlined
def _fate(word: np.uint32, black_below: np.uint32, white_from: np.uint32) -> np.uint16:
    return _WHITE if word >= white_from else _KEPT if word >= black_below else _BLACK
