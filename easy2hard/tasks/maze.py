"""Mazes: mark every pixel of the only path from the green start to the red end.

The layout follows Schwarzschild et al. (2021) and Bansal et al. (2022): size n has (n + 1) / 2 cells a side, each
lattice point is 2x2 pixels behind a black border of 3, so that the image has 2n + 6 pixels a side.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from easy2hard import rng
from easy2hard.errors import UserError
from easy2hard.suite import Suite, canonical
from easy2hard.tasks import I64, U64, Batch

if TYPE_CHECKING:
    from torch import Tensor

_LARGEST = 13_373  # beyond, a single image of 8-bit RGB takes more than 2 GiB
# Layouts are divided among the splits by their class mod 16, equal for symmetric layouts.
_CLASSES = {"train": (0, 7), "validation": (8, 11), "test": (12, 15)}


class Maze:
    """Fresh mazes at any size; train, validation and test share none, even up to rotation and reflection."""

    name = "maze"
    in_channels = 3
    out_channels = 2
    columns = ("path_length",)
    notes: tuple[str, ...] = ()

    def __init__(self, suite: Suite) -> None:
        self._suite = suite

    def normalise(self, level: str | float) -> str:
        level = canonical(level)
        if "." in level or int(level) < 7 or int(level) % 2 == 0:
            raise UserError(
                f"a maze size is an odd whole number from 7 upwards, such as 9 or 59; got {level}."
            )
        if int(level) > _LARGEST:
            side = 2 * int(level) + 6
            raise UserError(
                f"a maze's image must fit into 2 GiB, which is size {_LARGEST:,}; one of size {level} has "
                f"{side:,} x {side:,} pixels, {3 * side**2 / 2**30:,.1f} GiB. Name a smaller size."
            )
        return level

    def shape(self, level: str) -> tuple[int, int]:
        side = 2 * int(level) + 6
        return side, side

    def available(self, split: str) -> int | None:
        return None

    def draw(self, split: str, level: str, indices: I64, stream: int = 0) -> Batch:
        from easy2hard import mazes

        image, mask, length, hashes = mazes.draw(
            int(level), self._key(split, level), indices, _CLASSES[split], stream
        )
        return Batch(image, mask, {"path_length": length}, _named(hashes))

    def fingerprints(
        self, split: str, level: str, indices: I64, batch: Batch | None = None
    ) -> dict[str, U64]:
        """Of the whole maze, of its walls alone, and of its walls up to rotation and reflection."""
        if batch is not None and batch.hashes is not None:
            return batch.hashes
        from easy2hard import mazes

        return _named(mazes.fingerprints(int(level), self._key(split, level), indices, _CLASSES[split]))

    def summary(self, level: str, batch: Batch) -> dict[str, float]:
        length = batch.extra["path_length"]
        return {"path_length_mean": float(length.mean()), "path_length_max": float(length.max())}

    def source_digest(self) -> str:
        return ""

    def stamp(self, level: str) -> dict[str, str]:
        return {
            "dtype": "uint8",
            "layout": "2x2 pixels per lattice point, border of 3; walls 0, corridors white, start green, end red",
            "target": "1 on the path, both ends included",
        }

    def tensors(self, batch: Batch) -> "tuple[Tensor, Tensor]":
        import torch

        x = torch.from_numpy(np.ascontiguousarray(batch.input)).permute(0, 3, 1, 2).float().div(255.0)
        return x, torch.from_numpy(np.ascontiguousarray(batch.target))

    def loss(self, answer: "Tensor", target: "Tensor", x: "Tensor") -> "Tensor":
        """Cross-entropy over the pixels that are not wall, averaged over all of them in the batch."""
        from torch.nn import functional as F

        open_ = (x.amax(dim=1) > 0).float()
        losses = F.cross_entropy(answer.float(), target.long(), reduction="none")
        return (losses * open_).sum() / open_.sum()

    def final(self, answer: "Tensor", x: "Tensor") -> "Tensor":
        """The more likely class of each pixel, walls forced to 0: uint8 (n, height, width)."""
        import torch

        return ((answer[:, 1] > answer[:, 0]) & (x.amax(dim=1) > 0)).to(torch.uint8)

    def decide(self, final: "Tensor") -> "Tensor":
        return final

    def certainty(self, answer: "Tensor", x: "Tensor") -> "Tensor | None":
        """The larger of the two class probabilities; 0 on walls, and where it is not a number."""
        sure = (answer[:, 1] - answer[:, 0]).abs().float().sigmoid()
        return sure.nan_to_num(0.0) * (x.amax(dim=1) > 0)

    def _key(self, split: str, level: str) -> int:
        return rng.key(self._suite.version, self._suite.seed, "maze", split, level)


def _named(hashes: U64) -> dict[str, U64]:
    return dict(zip(("exact", "layout", "symmetric"), hashes.T, strict=True))


def open(suite: Suite, directory: Path | None = None) -> Maze:
    """The task of a maze suite; it needs no folder."""
    if suite.noise or suite.images:
        raise UserError(f"suite {suite.name}: the task maze takes neither noise nor images; leave them out.")
    return Maze(suite)
