"""Which samples each step of a training sees: a function of (recipe, seed, step), and of nothing that came before."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from easy2hard import shelf
from easy2hard.data import Stream, check_pairs, stream
from easy2hard.recipe import Recipe
from easy2hard.suite import Suite
from easy2hard.tasks import Task

Second = Callable[[], Tensor]  # draws the noise of a batch once more


class Plan(NamedTuple):
    """Which samples each step sees: the levels take turns, a batch of one after a batch of the other."""

    streams: tuple[Stream, ...]  # one for each level
    levels: tuple[str, ...]
    steps: int
    steps_per_epoch: float

    @classmethod
    def of(cls, task: Task, suite: Suite, recipe: Recipe, levels: tuple[str, ...], seed: int) -> "Plan":
        """The batches of a recipe; `UserError` where it wants noisy pairs and the suite has none."""
        for level in levels if wants_pairs(recipe) else ():
            check_pairs(task, suite, level)
        available = task.available("train") or suite.rows.train
        rows = min(recipe.rows or available, suite.rows.train, available)
        streams = tuple(
            stream(
                suite,
                level,
                "train",
                rows=rows,
                seed=seed,
                fresh=recipe.fresh,
                batch_size=recipe.batch_size,
                part=(0, 1),
                task=task,
            )
            for level in levels
        )
        per_epoch = rows * len(levels) / recipe.batch_size
        return cls(streams, levels, max(1, round(recipe.epochs * per_epoch)), per_epoch)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """The samples of step 0, 1, …"""
        number, turn = divmod(step, len(self.streams))
        return self.streams[turn].batch(number)

    def level(self, step: int) -> str:
        """The level of the samples of a step."""
        return self.levels[step % len(self.levels)]

    def second(self, step: int, device: str) -> Second:
        """Draws the noise of that step's images once more, when it is called."""
        number, turn = divmod(step, len(self.streams))
        return lambda: self.streams[turn].second(number).to(device, memory_format=torch.channels_last)

    def ends_epoch(self, step: int) -> bool:
        """Whether an epoch, or the whole run, is over after this step."""
        return (step + 1) // self.steps_per_epoch > step // self.steps_per_epoch or step + 1 == self.steps


def wants_pairs(recipe: Recipe) -> bool:
    """Whether a recipe has a loss that learns from noisy pairs."""
    return any(
        weight and getattr(shelf.take("losses", name), "NEEDS_PAIR", False)
        for name, weight in recipe.losses.items()
    )


def training_steps(task: Task, suite: Suite, recipe: Recipe, levels: Sequence[str]) -> int:
    """How many steps a recipe takes on the train split of `levels`."""
    return Plan.of(task, suite, recipe, tuple(levels), seed=0).steps
