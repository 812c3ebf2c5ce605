"""A loss is one file with `loss(lesson) -> scalar`; a recipe names those it wants, with their weights.

Further parameters of that function, with defaults, are what a recipe may set in its `options`. Where something
outside the recipe decides what a loss is, such as the weights of another network, `stamp(**options) -> str` says what.

A file whose loss takes `lesson.pair` says `NEEDS_PAIR = True`. A `Lesson` is one batch with what a loss may do with it.
The full unroll is computed once, when a loss first asks for it, and shared by all that do; so is every thought.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from torch import Tensor

from easy2hard import shelf
from easy2hard.errors import UserError


class Thinks(Protocol):
    """The part of the model contract that losses use."""

    def encode(self, x: Tensor) -> Any: ...
    def recall(self, x: Tensor) -> Any: ...
    def step(self, state: Any, x: Any, t: int) -> Any: ...
    def decode(self, state: Any, x: Tensor) -> Tensor: ...
    def halting(self, state: Any, x: Tensor) -> Tensor | None: ...


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
    second: Callable[[], Tensor] | None = None  # draws the noise of the same images once more
    _read_out: dict[int, Tensor] = field(default_factory=dict, init=False)

    @cached_property
    def states(self) -> list[Any]:
        """The states after iterations 1, …, `iterations`."""
        state, seen = self.model.encode(self.x), self.model.recall(self.x)
        states = []
        for t in range(self.iterations):
            state = self.model.step(state, seen, t)
            states.append(state)
        return states

    @cached_property
    def pair(self) -> Tensor:
        """The same images under a second, independent draw of the noise, like `x`; drawn when a loss first asks."""
        if self.second is None:
            raise UserError("a loss asks for a second noisy draw of the batch, and this lesson offers none.")
        return self.second()

    def thought(self, iteration: int) -> Tensor:
        """What the model answers after iteration 1, …, `iterations` of the full unroll; `UserError` for another."""
        if not 1 <= iteration <= self.iterations:
            raise UserError(
                f"a loss asks for the thought after iteration {iteration}; in this lesson there are those after "
                f"1 to {self.iterations}. Set train_iterations, or ask for one of them."
            )
        if iteration not in self._read_out:
            self._read_out[iteration] = self.model.decode(self.states[iteration - 1], self.x)
        return self._read_out[iteration]


def stamps(options: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The stamps of the losses named, each with its options; a loss that has none is left out."""
    taken = {name: shelf.take("losses", name) for name in options}
    return {name: module.stamp(**options[name]) for name, module in taken.items() if hasattr(module, "stamp")}
