"""A net that thinks about lost pixels only, and asks their neighbours again in every iteration.

Salt-and-pepper noise shows where it has struck: a pixel all black or all white. Such holes are filled by interpolation
first; then each iteration fills them again, from neighbours that may be filled holes themselves, and adds what the net
has to say. So what is known spreads over wide gaps one step at a time: more noise needs more iterations of the same.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from easy2hard.models.classical import DetectInterpolate, lost
from easy2hard.models.dt import QUIET, Residual, conv, head
from easy2hard.models.recurrent import Recurrent


class InterpolateDT(Recurrent):
    """State: features (n, width, height, width) of a `DT`, and the image as filled so far.

    An iteration sees [features, image, holes], has the block of a `DT` between them, and sets each hole to the mean of
    its four neighbours plus the head's answer. Every other pixel passes through untouched.
    """

    def __init__(self, in_channels: int, out_channels: int, *, width: int) -> None:
        super().__init__()
        self.fill = DetectInterpolate()
        self.project = conv(in_channels + 1, width)
        self.look = conv(width + in_channels + 1, width)
        self.block = nn.Sequential(Residual(width), Residual(width))
        self.head = head(width, out_channels, start=QUIET)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        holes = lost(x)
        image = torch.where(holes > 0, _mean_of_four(self.fill(x)), x)
        return F.relu(self.project(torch.cat([image, holes], dim=1)), inplace=True), image

    def recall(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, lost(x)

    def step(self, state: tuple[Tensor, Tensor], x: tuple[Tensor, Tensor], t: int) -> tuple[Tensor, Tensor]:
        features, image = state
        noisy, holes = x
        features = self.block(self.look(torch.cat([features, image, holes], dim=1)))
        return features, torch.where(holes > 0, _mean_of_four(image) + self.head(features), noisy)

    def decode(self, state: tuple[Tensor, Tensor], x: Tensor) -> Tensor:
        return state[1]


def _mean_of_four(image: Tensor) -> Tensor:
    """The mean of the pixels above, below, left and right; a missing one is taken for the pixel itself."""
    padded = F.pad(image, [1, 1, 1, 1], mode="replicate")
    across = padded[:, :, 1:-1, :-2] + padded[:, :, 1:-1, 2:]
    down = padded[:, :, :-2, 1:-1] + padded[:, :, 2:, 1:-1]
    return (across + down) / 4
