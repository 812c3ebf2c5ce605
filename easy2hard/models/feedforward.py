"""The feed-forward counterpart of the deep-thinking net: the same blocks, each stage with weights of its own.

Class `FeedForwardNet` of Bansal et al. (2022). The recall convolution is one, shared by all stages: that is what gives
the 84,960 parameters of Raman et al. at width 20 and 5 stages.
"""

from typing import cast

from torch import Tensor, nn
from torch.nn import functional as F

from easy2hard.errors import whole
from easy2hard.models.dt import Recall, Residual, conv, head
from easy2hard.models.recurrent import Recurrent


class FeedForward(Recurrent):
    """`stages` distinct pairs of residual blocks; iteration t is stage t, and there are no more."""

    def __init__(
        self, in_channels: int, out_channels: int, *, width: int, stages: int, recall: bool = True
    ) -> None:
        super().__init__()
        whole("a feed-forward net", width=width, stages=stages)
        self.max_iterations = stages
        self.project = conv(in_channels, width)
        self.recall_conv = Recall(width, in_channels) if recall else None
        self.blocks = nn.ModuleList(nn.Sequential(Residual(width), Residual(width)) for _ in range(stages))
        self.head = head(width, out_channels)

    def encode(self, x: Tensor) -> Tensor:
        return F.relu(self.project(x))

    def recall(self, x: Tensor) -> Tensor:
        return x if self.recall_conv is None else self.recall_conv.image(x)

    def step(self, state: Tensor, x: Tensor, t: int) -> Tensor:
        if self.recall_conv is not None:
            state = self.recall_conv(state, x)
        return cast(Tensor, self.blocks[t](state))

    def decode(self, state: Tensor, x: Tensor) -> Tensor:
        return cast(Tensor, self.head(state))
