"""Stop when the model itself says so: its chance that the answer is final reaches one half.

For nets that learn when to stop (adaptive computation time, Graves, 2016; PonderNet, Banino et al., 2021) and say it in
`halt`. The threshold stands at the median of the time at which such a net would stop if it drew lots: no lots are
drawn, so that the answer is the same every time. ACT stops where its sum comes within epsilon of 1: such a net hands
out 0 before that, and 1 from there on.
"""

from typing import ClassVar

import torch
from torch import Tensor

from easy2hard.exits import Thought

NEEDS: tuple[str, ...] = ("halting",)
_CHANCE = 0.5


class Rule:
    """Looks at the present thought alone."""

    FINAL: ClassVar[bool] = True

    def take(self, thought: Thought) -> Tensor:
        assert thought.halting is not None  # the scorer leaves the rule out where there is none
        return torch.ge(thought.halting, _CHANCE)

    def keep(self, rows: Tensor) -> None:
        pass
