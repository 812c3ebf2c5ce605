"""No early exit: the thought at the budget is the answer."""

from typing import ClassVar

import torch
from torch import Tensor

from easy2hard.exits import Thought

NEEDS: tuple[str, ...] = ()


class Rule:
    """Takes no thought, so that every budget answers with its last one."""

    FINAL: ClassVar[bool] = False

    def take(self, thought: Thought) -> Tensor:
        return torch.zeros(len(thought.decided), dtype=torch.bool, device=thought.decided.device)

    def keep(self, rows: Tensor) -> None:
        pass
