"""A DT that learns when to stop: after each iteration it says how likely it is to need no more. PonderNet's lambda."""

import math

import torch
from torch import Tensor, nn

from easy2hard.models.dt import DT

_START = 0.2  # the chance of stopping after an iteration, of a net that has learnt nothing


class PonderDT(DT):
    """A `DT` and a linear layer over the mean of its state: width + 1 parameters more.

    The state is (features, going): going (n,) is the chance that it has not stopped yet. Every image decides for
    itself, whatever its size.
    """

    def __init__(self, in_channels: int, out_channels: int, *, width: int) -> None:
        super().__init__(in_channels, out_channels, width=width)
        self.stop = nn.Linear(width, 1)
        nn.init.zeros_(self.stop.weight)
        nn.init.constant_(self.stop.bias, math.log(_START / (1 - _START)))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]  # a state of two parts
        features = super().encode(x)
        return features, features.new_ones(len(x))

    def step(self, state: tuple[Tensor, Tensor], x: Tensor, t: int) -> tuple[Tensor, Tensor]:  # type: ignore[override]  # as above
        features, going = state
        features = super().step(features, x, t)
        chance = torch.sigmoid(self.stop(features.mean(dim=(2, 3)))[:, 0])
        return features, going * (1 - chance)

    def decode(self, state: tuple[Tensor, Tensor], x: Tensor) -> Tensor:  # type: ignore[override]  # as above
        return super().decode(state[0], x)

    def halt(self, state: tuple[Tensor, Tensor], x: Tensor) -> Tensor:
        return 1 - state[1]
