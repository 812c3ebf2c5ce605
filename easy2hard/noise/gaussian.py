"""Gaussian noise on 8-bit images, exactly: no floating point is involved in drawing it.

Input and output are whole numbers, so rounding v + 255 * sigma * z to the nearest one is v + k with k from
a discrete Gaussian: P(k) = Phi((k + 1/2) / (255 sigma)) - Phi((k - 1/2) / (255 sigma)). k is drawn from an
alias table (Walker 1977; Vose 1991) of whole numbers that hold P to 2^-32. The result is clipped to 0..255,
so that collecting the tails at k = -255 and 255 changes nothing. Value j (row, column, channel) takes word j.
"""

from decimal import Context, Decimal, localcontext
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from easy2hard import rng
from easy2hard.errors import UserError
from easy2hard.noise import I64, U8, checked
from easy2hard.suite import canonical

_LARGEST = 255  # the largest |k|: beyond it, any 8-bit value is clipped
_COLUMNS = 512  # of the alias table: column c stands for k = c - 256, and c = 0 for nothing
_HEIGHT_BITS = 23  # of a word: its upper 9 bits pick a column, these a height in it
_DIGITS = Context(prec=50)


class AliasTable(NamedTuple):
    """A word w falls into column c = w >> 23; it stands for `low[c]` where w < `limit[c]`, else for `high[c]`."""

    limit: NDArray[np.uint32]  # (512,)
    low_high: NDArray[np.int16]  # (1024,): low and high of each column in turn


def normalise(level: str | float) -> str:
    """A standard deviation above 0 and at most 1 (white), as a canonical decimal; `UserError` otherwise."""
    level = canonical(level)
    if not 0 < Decimal(level) <= 1:
        raise UserError(
            "a Gaussian level is the standard deviation in units of white: above 0 and at most 1, "
            f"such as 0.1 for 25.5 grey levels; got {level}."
        )
    return level


def apply(clean: U8, level: str, key: int, indices: I64, stream: int = 0) -> U8:
    """Noisy copies of `clean` (n, height, width, channels); see `easy2hard.noise.Noise`."""
    clean, indices = checked(clean, indices)
    noisy = np.empty_like(clean)
    values = (len(clean), clean[:1].size)
    table = alias_table(normalise(level))
    _apply(clean.reshape(values), noisy.reshape(values), table, np.uint64(key), rng.word1(stream), indices)
    return noisy


def stamp(level: str) -> dict[str, str]:
    """The rule in words, with the hash of this level's alias table."""
    table = alias_table(level)
    content = table.limit.astype("<u4").tobytes() + table.low_high.astype("<i2").tobytes()
    return {
        "dtype": "uint8",
        "unit": "value, each channel on its own",
        "clip": "to 0..255, after rounding",
        "rounding": "to nearest",
        "table": blake2b(content, digest_size=16).hexdigest(),
    }


@rng.kernel
def _apply(clean: U8, noisy: U8, table: AliasTable, key: np.uint64, word1: np.uint32, indices: I64) -> None:
    values, bits = clean.shape[1], np.uint64(_HEIGHT_BITS)
    # `w + lift[c] >> 23` is 2c where w < limit[c], else 2c + 1: an addition is cheaper than a comparison.
    lift = np.empty(_COLUMNS, np.uint64)
    for c in range(_COLUMNS):
        lift[c] = (np.uint64(2 * c + 1) << bits) - np.uint64(table.limit[c])
    words = np.empty((values + 7) // 8 * 8, np.uint32)
    shifts = np.empty(values, np.int16)
    for i in range(indices.size):
        rng.fill(words, key, word1, np.uint64(indices[i]))
        # Two loops, because look-ups in the loop with the arithmetic would keep it from being vectorised.
        for j in range(values):
            word = np.uint64(words[np.uintp(j)])
            shifts[np.uintp(j)] = table.low_high[np.uintp(word + lift[np.uintp(word >> bits)] >> bits)]
        for j in range(values):
            at = np.uintp(j)
            moved = np.int16(np.int16(clean[i, at]) + shifts[at])
            noisy[i, at] = np.uint8(min(max(moved, np.int16(0)), np.int16(255)))


@lru_cache(maxsize=64)
def alias_table(level: str) -> AliasTable:
    """The alias table of a level."""
    weights = [0, *_weights(Decimal(level))]
    full = 1 << _HEIGHT_BITS
    heights, others = [0] * _COLUMNS, list(range(_COLUMNS))  # a full column is its own other
    small = [column for column in range(_COLUMNS) if weights[column] < full]
    large = [column for column in range(_COLUMNS) if weights[column] > full]
    while small:
        column, other = small.pop(), large[-1]
        heights[column], others[column] = weights[column], other
        weights[other] -= full - weights[column]
        if weights[other] <= full:
            large.pop()
            if weights[other] < full:
                small.append(other)
    limit = [column << _HEIGHT_BITS | height for column, height in enumerate(heights)]
    low_high = [pick - _COLUMNS // 2 for pair in enumerate(others) for pick in pair]
    return AliasTable(np.array(limit, np.uint32), np.array(low_high, np.int16))


def _weights(sigma: Decimal) -> list[int]:
    """P(k) in units of 2^-32 for k = -255..255, each rounded to nearest; k = 0 completes the sum 2^32."""
    with localcontext(_DIGITS):
        scale = 1 / (_LARGEST * sigma)
        upper = [_above_mean((k + Decimal("0.5")) * scale) for k in range(_LARGEST)]  # Phi - 1/2
        chances = [b - a for a, b in pairwise(upper)] + [Decimal("0.5") - upper[-1]]
        side = [int((chance * 2**32).to_integral_value()) for chance in chances]
    return [*reversed(side), 2**32 - 2 * sum(side), *side]


def _above_mean(x: Decimal) -> Decimal:
    """Phi(x) - 1/2 for x >= 0: the series phi(x) (x + x^3 / 3 + x^5 / 15 + ...), all its terms positive."""
    if x > 14:
        return Decimal("0.5")  # what is missing, 8e-45, is far below the 2^-33 at which a weight is rounded
    term = total = x
    odd = 1
    while term > total.scaleb(-_DIGITS.prec):
        odd += 2
        term = term * x * x / odd
        total += term
    return total * (-x * x / 2).exp() / (2 * _pi()).sqrt()


def _pi() -> Decimal:
    """Machin (1706): pi = 16 arctan(1/5) - 4 arctan(1/239)."""
    return 16 * _arctan_of_inverse(5) - 4 * _arctan_of_inverse(239)


def _arctan_of_inverse(n: int) -> Decimal:
    power = total = Decimal(1) / n
    odd = 1
    while abs(power) > Decimal(10) ** -_DIGITS.prec:
        odd += 2
        power /= -n * n
        total += power / odd
    return total
