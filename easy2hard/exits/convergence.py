"""Stop when the answer no longer moves.

On images: no 8-bit value moves by more than 1. On answers that say how sure they are: the mean absolute change of the
per-pixel confidence is at most 1e-3, the rule of Schwarzschild et al.'s `stopping` branch, judged per sample.
"""

from typing import ClassVar

import torch
from torch import Tensor

from easy2hard.exits import Thought

NEEDS: tuple[str, ...] = ()
_LARGEST_STEP = 1  # of 255
_MEAN_CHANGE = 1e-3


class Rule:
    """Compares each thought with the one before it."""

    FINAL: ClassVar[bool] = True

    def __init__(self) -> None:
        self._before: Tensor | None = None

    def take(self, thought: Thought) -> Tensor:
        now = thought.decided if thought.certainty is None else thought.certainty
        before, self._before = self._before, now
        if before is None:
            return torch.zeros(len(now), dtype=torch.bool, device=now.device)
        if thought.certainty is None:
            step = torch.maximum(now, before) - torch.minimum(now, before)  # uint8 has no negative numbers
            return step.flatten(1).amax(dim=1) <= _LARGEST_STEP
        return (now - before).abs().flatten(1).mean(dim=1) <= _MEAN_CHANGE

    def keep(self, rows: Tensor) -> None:
        if self._before is not None:
            self._before = self._before[rows]
