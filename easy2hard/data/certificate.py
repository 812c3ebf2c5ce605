"""The overlap certificate: how many samples repeat within a split, and how many two splits share."""

from collections.abc import Callable, Iterable
from itertools import combinations

import numpy as np

from easy2hard.data.manifest import Overlap, Side
from easy2hard.suite import Suite
from easy2hard.tasks import U64, Task

Pair = tuple[Side, Side]
Hashes = dict[str, U64]  # (n,) each, by notion of equality


def pairs(suite: Suite, task: Task, sides: Iterable[Side]) -> list[Pair]:
    """What is compared: each split with itself; a level's splits with one another; and what is trained on
    with the test split of every other level whose images have the same shape.
    """
    sides = list(sides)
    alone = [(side, side) for side in sides]
    level = [(a, b) for a, b in combinations(sides, 2) if a.level == b.level]
    trained = [side for side in sides if side.split == "train" and suite.kind(side.level) == "easy"]
    tests = [side for side in sides if side.split == "test"]
    across = [(a, b) for a in trained for b in tests if a.level != b.level]
    return alone + level + [(a, b) for a, b in across if task.shape(a.level) == task.shape(b.level)]


def certify(pair: Pair, hashes: Callable[[Side], Hashes]) -> list[Overlap]:
    """What a pair shares, for every notion of equality that the task has."""
    first, second = map(hashes, pair)
    return [
        Overlap(
            notion=notion,
            first=str(pair[0]),
            second=str(pair[1]),
            shared=_repeats(first[notion]) if pair[0] == pair[1] else _shared(first[notion], second[notion]),
            rows=(len(first[notion]), len(second[notion])),
        )
        for notion in first
    ]


def _repeats(hashes: U64) -> int:
    """How many samples are equal to an earlier one."""
    return len(hashes) - len(np.unique(hashes))


def _shared(first: U64, second: U64) -> int:
    """How many different samples occur on both sides."""
    return len(np.intersect1d(first, second))
