"""Which attempt at which maze each lane makes: those whose layout belongs to another split are made again."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from easy2hard.rng import inlined

U32 = NDArray[np.uint32]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]


class Tries(NamedTuple):
    """(lanes,) each."""

    sample: I64  # for which of the samples asked for
    attempt: U32  # 0, 1, 2, ...


def no_tries(lanes: int) -> Tries:
    return Tries(np.zeros(lanes, np.int64), np.zeros(lanes, np.uint32))


@inlined
def fill(tries: Tries, used: int, taken: int, wanted: int) -> tuple[int, int]:
    """Let lanes behind the used ones take new samples; returns how many are used, and taken, now."""
    while used < tries.sample.size and taken < wanted:
        tries.sample[used], tries.attempt[used] = taken, 0
        taken += 1
        used += 1
    return used, taken


@inlined
def put_back(tries: Tries, lane: int, place: int) -> int:
    """Move a lane's sample to the front, to be tried again; returns how many attempts it has had."""
    tries.sample[place], tries.attempt[place] = tries.sample[lane], tries.attempt[lane] + 1
    return int(tries.attempt[place])


@inlined
def counters(tries: Tries, word1: np.uint32, indices: I64, words1: U32, index: U64) -> None:
    """The two counter words of all lanes; unused ones draw what nobody reads."""
    for lane in range(index.size):
        index[lane] = np.uint64(indices[tries.sample[lane]])
        words1[lane] = word1 + tries.attempt[lane]
