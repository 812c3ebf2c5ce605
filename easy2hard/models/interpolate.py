"""A net that thinks about lost pixels only, and asks their neighbours again in every iteration.

Salt-and-pepper noise shows where it has struck: a pixel all black or all white. Such holes are filled by interpolation
first; then each iteration fills them again, from neighbours that may be filled holes themselves, and adds what the net
has to say. So what is known spreads over wide gaps one step at a time: more noise needs more iterations of the same.

In dense noise, which training never showed, such a net overshoots: a hole answers its neighbouring holes, and they it,
each time a little louder. So no thought may change an image by more than a fixed share of what the last one changed.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from easy2hard.models.classical import DetectInterpolate, lost
from easy2hard.models.dt import QUIET, Residual, conv, head
from easy2hard.models.recurrent import Recurrent

_DECAY = 0.9  # a thought changes at most this share of what the last one changed


class InterpolateDT(Recurrent):
    """State: features (n, width, height, width) of a `DT`, the image as filled so far, and how far it last changed.

    An iteration sees [features, image, holes], has the block of a `DT` between them, and moves each hole to the mean of
    its four neighbours plus the head's answer. Every other pixel passes through untouched. The Euclidean length of an
    image's move, (n, 1, 1, 1), is held to `_DECAY` times that of the one before, so any number of iterations converges.
    """

    def __init__(self, in_channels: int, out_channels: int, *, width: int) -> None:
        super().__init__()
        self.fill = DetectInterpolate()
        self.project = conv(in_channels + 1, width)
        self.look = conv(width + in_channels + 1, width)
        self.block = nn.Sequential(Residual(width), Residual(width))
        self.head = head(width, out_channels, start=QUIET)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        holes = lost(x)
        image = torch.where(holes > 0, _mean_of_four(self.fill(x)), x)
        features = F.relu(self.project(torch.cat([image, holes], dim=1)), inplace=True)
        return features, image, x.new_full((len(x), 1, 1, 1), math.inf)

    def recall(self, x: Tensor) -> Tensor:
        return lost(x)

    def step(self, state: tuple[Tensor, Tensor, Tensor], x: Tensor, t: int) -> tuple[Tensor, Tensor, Tensor]:
        (features, image, reach), holes = state, x
        features = self.block(self.look(torch.cat([features, image, holes], dim=1)))
        move = holes * (_mean_of_four(image) + self.head(features) - image)
        share, reach = _within(reach, move)
        return features, image + share * move, reach

    def decode(self, state: tuple[Tensor, Tensor, Tensor], x: Tensor) -> Tensor:
        return state[1]


def _within(reach: Tensor, move: Tensor) -> tuple[Tensor, Tensor]:
    """The share of each image's move that goes no further than `reach`, and how far the next move may go."""
    with torch.no_grad():
        length = torch.linalg.vector_norm(move, dim=(1, 2, 3), keepdim=True)
        share = torch.where(length > reach, reach / length, 1.0)
        return share, _DECAY * share * length


def _mean_of_four(image: Tensor) -> Tensor:
    """The mean of the pixels above, below, left and right; a missing one is taken for the pixel itself."""
    padded = F.pad(image, [1, 1, 1, 1], mode="replicate")
    across = padded[:, :, 1:-1, :-2] + padded[:, :, 1:-1, 2:]
    down = padded[:, :, :-2, 1:-1] + padded[:, :, 2:, 1:-1]
    return (across + down) / 4
