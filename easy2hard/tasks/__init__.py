"""A task says what a sample, a loss and an answer are. Each is one file with a function `open`.

`open(suite, directory=None)` returns a `Task`: the half that draws is NumPy alone, so that generating data
never loads torch; the half that learns takes and returns torch tensors.
"""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from easy2hard import shelf
from easy2hard.suite import Suite

if TYPE_CHECKING:
    from torch import Tensor

U8 = NDArray[np.uint8]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]


class Batch(NamedTuple):
    """Samples as they are stored."""

    input: U8  # (n, height, width, 3)
    target: U8  # (n, height, width, 3) for images; (n, height, width) of 0 and 1 for mazes
    extra: dict[str, I64]  # further columns, (n,) each
    hashes: dict[str, U64] | None = None  # their fingerprints, where drawing tells them


class Task(Protocol):
    """What the harness knows of a task; `level` is always a normalised one."""

    name: str
    in_channels: int
    out_channels: int
    columns: tuple[str, ...]  # the names of the further columns
    notes: tuple[str, ...]  # what the user should hear about the source of the samples

    def normalise(self, level: str | float) -> str:
        """The level in canonical form; raises `UserError` for one outside the task's range."""
        ...

    def shape(self, level: str) -> tuple[int, int]:
        """Height and width of a sample's image."""
        ...

    def available(self, split: str) -> int | None:
        """How many samples the source can give; None where it is endless."""
        ...

    def draw(self, split: str, level: str, indices: I64, stream: int = 0) -> Batch:
        """The samples with these indices, the same bits in whatever order and company they are asked for."""
        ...

    def fingerprints(
        self, split: str, level: str, indices: I64, batch: Batch | None = None
    ) -> dict[str, U64]:
        """Hashes (n,) per notion of equality: exact, up to symmetry, …: equal hashes are equal samples.

        `batch` holds these samples where they have been drawn already, to save drawing them again.
        """
        ...

    def summary(self, level: str, batch: Batch) -> dict[str, float]:
        """Figures of a batch that a reader of the data wants: noisy PSNR, path lengths."""
        ...

    def source_digest(self) -> str:
        """Hash of the source images; empty where the samples have no source but the generator."""
        ...

    def stamp(self, level: str) -> dict[str, str]:
        """What the definition fixes about the samples: clipping, rounding, dtype, units."""
        ...

    def tensors(self, batch: Batch) -> "tuple[Tensor, Tensor]":
        """Input as float32 (n, 3, height, width) in [0, 1], and the target as `loss` and the metrics want it."""
        ...

    def loss(self, answer: "Tensor", target: "Tensor", x: "Tensor") -> "Tensor":
        """The mean training loss of an answer, a scalar."""
        ...

    def final(self, answer: "Tensor", x: "Tensor") -> "Tensor":
        """The answer in the form that is scored: images clamped to [0, 1], mazes a mask of 0 and 1.

        What is not a number is 0: black, or not on the path.
        """
        ...

    def decide(self, final: "Tensor") -> "Tensor":
        """A final answer as the uint8 that a user would save: what `agreement` and `convergence` compare."""
        ...

    def certainty(self, answer: "Tensor", x: "Tensor") -> "Tensor | None":
        """How sure an answer is of each pixel, (n, height, width); None where an answer does not say."""
        ...


def open_task(suite: Suite, directory: Path | None = None) -> Task:
    """The task of a suite, its images read from `directory` where the suite's source lies on disk."""
    return cast(Task, shelf.take("tasks", suite.task).open(suite, directory))
