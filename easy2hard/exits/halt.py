"""Stop when the model itself says so: its chance that the answer is final reaches one half.

For nets that learn when to stop (adaptive computation time, Graves, 2016; PonderNet, Banino et al., 2021) and say it in
`halt`. The threshold stands at the median of the time at which such a net would stop if it drew lots: no lots are
drawn, so that the answer is the same every time.
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
