"""The deep-thinking net and its training step in the straightforward way of the authors' public code, in own words.

Bansal et al. (2022): the state and the image are concatenated before every iteration, the head reads out after each
one into a tensor of all answers, everything is NCHW, and Adam is the plain one.
"""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from easy2hard.models.dt import DT


class AuthorsDT(nn.Module):
    """Has the weights of a `DT` with recall; answers (n, iterations, channels, height, width)."""

    def __init__(self, dt: DT) -> None:
        super().__init__()
        assert dt.recall_conv is not None
        self.project, self.recall, self.block, self.head = (
            _copy(module) for module in (dt.project, dt.recall_conv.both, dt.block, dt.head)
        )

    def forward(self, x: Tensor, iterations: int) -> Tensor:
        state = F.relu(self.project(x))
        answers = []
        for _ in range(iterations):
            state = self.recall(torch.cat([state, x], dim=1))
            for residual in self.block:
                inner = residual.second(F.relu(residual.first(state)))
                state = F.relu(inner + state)
            answers.append(self._read_out(state))
        return torch.stack(answers, dim=1)

    def _read_out(self, state: Tensor) -> Tensor:
        first, _, second, _, last = self.head
        answer: Tensor = last(F.relu(second(F.relu(first(state)))))
        return answer


def _copy(module: nn.Module) -> nn.Module:
    """The same weights in memory of their own, laid out NCHW."""
    return copy.deepcopy(module).to(memory_format=torch.contiguous_format)


def training_step(
    net: AuthorsDT, x: Tensor, target: Tensor, iterations: int, clip: float
) -> Callable[[], float]:
    """One step of Adam on the loss of the last answer; returns the loss."""
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)

    def step() -> float:
        optimizer.zero_grad()
        loss = (net(x, iterations)[:, -1] - target).square().mean()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        nn.utils.clip_grad_norm_(net.parameters(), clip)
        optimizer.step()
        return float(loss.detach())

    return step
