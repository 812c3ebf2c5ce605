"""What the random words of a maze mean: its ends, and the digits that its moves take; see `easy2hard.mazes`."""

import numpy as np
from numpy.typing import NDArray

from easy2hard.rng import inlined, philox

U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]

DIGITS = (
    12  # all that a move needs of its word: floor(w k / 2^30) = floor(digit k / 12), as k is 1, 2, 3 or 4
)


@inlined
def draw_block(words: U32, key: np.uint64, block: int, words1: U32, index: U64) -> None:
    """Four words (4, lanes) for all lanes, in one loop that can be vectorised."""
    first, second, third, fourth = words[0], words[1], words[2], words[3]
    for lane in range(index.size):
        at = np.uintp(lane)
        drawn = philox(key, np.uint32(block), words1[at], index[at])
        first[at], second[at], third[at], fourth[at] = drawn


@inlined
def digit(word: np.uint32) -> np.uint8:
    """floor(12 u), u the fraction with the upper 30 bits of the word."""
    return np.uint8(np.uint32(np.uint32(word >> np.uint32(2)) * np.uint32(3)) >> np.uint32(28))


@inlined
def ends(words: U32, m: int) -> tuple[np.uint64, np.uint64]:
    """The numbers of start and end: every pair of distinct cells has the same chance."""
    cells, one = np.uint64(m * m), np.uint64(1)
    start, end = _below(words[0], words[1], cells), _below(words[2], words[3], cells - one)
    if end >= start:
        end += one
    return start, end


@inlined
def _below(high: np.uint32, low: np.uint32, bound: np.uint64) -> np.uint64:
    """floor(u * bound), u the fraction with the bits of `high` and then those of `low`; bound below 2^32."""
    carry = np.uint64(low) * bound >> np.uint64(32)
    return np.uint64(high) * bound + carry >> np.uint64(32)
