"""Answer with the thought that is surest of itself (Schwarzschild et al., 2021; Bansal et al., 2022).

The confidence of a thought is its mean over the pixels that are not wall; the first of several equal ones is taken. It
needs answers that say how sure they are, so it does not apply to images.
"""

from typing import ClassVar

import torch
from torch import Tensor

from easy2hard.exits import Thought

NEEDS: tuple[str, ...] = ("certainty",)


class Rule:
    """Keeps the largest confidence so far: within a budget, the surest of the thoughts up to it."""

    FINAL: ClassVar[bool] = False

    def __init__(self) -> None:
        self._best: Tensor | None = None

    def take(self, thought: Thought) -> Tensor:
        assert thought.certainty is not None  # the scorer leaves the rule out where there is none
        # Walls are 0 and their number does not change, so the sum orders thoughts as the mean does.
        now = thought.certainty.flatten(1).double().sum(dim=1)
        if self._best is None:
            self._best = torch.full_like(now, -torch.inf)
        better = now > self._best
        self._best = torch.maximum(now, self._best)
        return better

    def keep(self, rows: Tensor) -> None:
        if self._best is not None:
            self._best = self._best[rows]
