"""A loss is one file with `loss(lesson) -> scalar`; a recipe names those it wants, with their weights.

A `Lesson` is one batch with what a loss may do with it. The full unroll is computed once, when a loss first asks for
it, and shared by all that do.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from torch import Tensor


class Thinks(Protocol):
    """The part of the model contract that losses use."""

    def encode(self, x: Tensor) -> Any: ...
    def recall(self, x: Tensor) -> Any: ...
    def step(self, state: Any, x: Any, t: int) -> Any: ...
    def decode(self, state: Any, x: Tensor) -> Tensor: ...


@dataclass
class Lesson:
    """One training batch."""

    model: Thinks
    x: Tensor  # (n, channels, height, width)
    target: Tensor
    judge: Callable[[Tensor, Tensor, Tensor], Tensor]  # the task's loss of (answer, target, x)
    iterations: int  # of the full unroll
    horizon: int  # m of the progressive loss
    chance: random.Random  # this step's own, so that a resumed run draws the same

    @cached_property
    def states(self) -> list[Any]:
        """The states after iterations 1, …, `iterations`."""
        state, seen = self.model.encode(self.x), self.model.recall(self.x)
        states = []
        for t in range(self.iterations):
            state = self.model.step(state, seen, t)
            states.append(state)
        return states
