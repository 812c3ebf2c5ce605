"""Stop when the model repeats itself: the answer equals an earlier one.

Schwarzschild et al. (2021) call two predictions equal when more than 99.9 % (budgets up to 10) or 99.99 % of the
pixels are; here they must be the same in every pixel, which means the same at any image size and budget. On images
that is equality of all 8-bit values.
"""

from functools import cache
from typing import ClassVar

import torch
from torch import Tensor

from easy2hard.exits import Thought

NEEDS: tuple[str, ...] = ()


class Rule:
    """Remembers one 64-bit hash of each earlier answer; limit cycles are found as well as fixed points."""

    FINAL: ClassVar[bool] = True

    def __init__(self) -> None:
        self._seen: list[Tensor] = []

    def take(self, thought: Thought) -> Tensor:
        hashes = _hash(thought.decided)
        repeated = torch.zeros_like(hashes, dtype=torch.bool)
        for earlier in self._seen:
            repeated |= hashes == earlier
        self._seen.append(hashes)
        return repeated

    def keep(self, rows: Tensor) -> None:
        self._seen = [hashes[rows] for hashes in self._seen]


def _hash(decided: Tensor) -> Tensor:
    """(n,) int64: the sum of the bytes times fixed random odd weights, modulo 2^64."""
    flat = decided.flatten(1)
    return (flat * _weights(flat.shape[1]).to(flat.device)).sum(dim=1)


@cache
def _weights(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(-(2**62), 2**62, (count,), generator=generator) * 2 + 1
