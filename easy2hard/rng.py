"""Random words that depend on nothing but what they are for: one Philox4x32-10 stream per sample.

Counter-based: word j of sample i is a function of (key, i, stream, attempt, j) alone, so any sample is
drawn at the same cost, in any order, on any number of threads, with the same bits. Integers only.
Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), section 3.3.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

_Function = TypeVar("_Function", bound=Callable[..., object])

# Two odd multipliers and two key increments (golden ratio, sqrt 3 - 1), table 2 and section 3.3 of the paper.
_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint32(0x9E3779B9), np.uint32(0xBB67AE85)
_ROUNDS = 10
_HALF = np.uint64(32)


def kernel(function: _Function) -> _Function:
    """Compile with numba: the GIL released while it runs, machine code kept on disk between runs.

    numba compiles anew when the kernel's own file has changed. After a change to a function that it inlines
    from another file, remove the `*.nbi` files beside it, or touch it.
    """
    return cast(_Function, numba.njit(nogil=True, cache=True)(function))


def inlined(function: _Function) -> _Function:
    """Compile as a part of every kernel that calls it, so that loops around it can be vectorised."""
    return cast(_Function, numba.njit(nogil=True, forceinline=True)(function))


def key(version: int, seed: int, task: str, split: str, level: str) -> int:
    """The 64-bit Philox key of one (suite version, seed, task, split, level).

    A hash, never a sum: `seed + 1` shares no stream with `seed`.
    """
    parts = ("easy2hard", str(version), str(seed), task, split, level)
    digest = blake2b(b"\0".join(part.encode() for part in parts), digest_size=8).digest()
    return int.from_bytes(digest, "little")


@inlined
def philox(
    key: np.uint64, block: np.uint32, word1: np.uint32, index: np.uint64
) -> tuple[np.uint32, np.uint32, np.uint32, np.uint32]:
    """Four random words: the counter (block, word1, index low, index high) under `key`.

    `word1` is `stream << 16 | attempt`.
    """
    k0, k1 = np.uint32(key), np.uint32(key >> _HALF)
    c0, c1 = np.uint32(block), np.uint32(word1)
    c2, c3 = np.uint32(index), np.uint32(index >> _HALF)
    for _ in range(_ROUNDS):
        left, right = _M0 * np.uint64(c0), _M1 * np.uint64(c2)
        c0 = np.uint32(np.uint32(right >> _HALF) ^ c1 ^ k0)
        c2 = np.uint32(np.uint32(left >> _HALF) ^ c3 ^ k1)
        c1, c3 = np.uint32(right), np.uint32(left)
        k0 = np.uint32(k0 + _W0)
        k1 = np.uint32(k1 + _W1)
    return c0, c1, c2, c3


@inlined
def fill(out: NDArray[np.uint32], key: np.uint64, word1: np.uint32, index: np.uint64) -> None:
    """Write the first words of a sample's stream to `out`; its length is a multiple of 8.

    Two blocks at a time, far apart: while the multiplications of one are under way, those of the other begin.
    """
    half = out.size // 8
    for block in range(half):
        first, second = np.uintp(4) * np.uintp(block), np.uintp(4) * np.uintp(block + half)
        words, others = (
            philox(key, np.uint32(block), word1, index),
            philox(key, np.uint32(block + half), word1, index),
        )
        for word in range(4):
            out[first + np.uintp(word)] = words[word]
            out[second + np.uintp(word)] = others[word]


@kernel
def _words(out: NDArray[np.uint32], key: np.uint64, word1: np.uint32, indices: NDArray[np.int64]) -> None:
    for i in range(indices.size):
        fill(out[i], key, word1, np.uint64(indices[i]))


def words(
    key: int, indices: NDArray[np.int64], count: int, stream: int = 0, attempt: int = 0
) -> NDArray[np.uint32]:
    """The first `count` words of each sample in `indices`: uint32 (n, count), uniform over 0..2^32-1.

    Word j is output `j % 4` of block `j // 4`. For noise and images written in plain NumPy.
    """
    out = np.empty((len(indices), -(-count // 8) * 8), np.uint32)
    _words(out, np.uint64(key), word1(stream, attempt), np.asarray(indices, np.int64))
    return out[:, :count]


def word1(stream: int, attempt: int = 0) -> np.uint32:
    """The second counter word; `ValueError` where stream or attempt do not fit their 16 bits."""
    if not (0 <= stream < 1 << 16 and 0 <= attempt < 1 << 16):
        raise ValueError(f"stream and attempt lie in 0..65535; got stream={stream}, attempt={attempt}.")
    return np.uint32(stream << 16 | attempt)
