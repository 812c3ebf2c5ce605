"""A net that corrects what a classical denoiser has made of the image, and knows how strong the noise is.

A net without biases is homogeneous: it does to a third of an image with a third of the noise just what it does to the
image, so it meets more noise as less contrast. What does not scale is done before it, by rules that hold at every
level: coefficients of patches are shrunk by the noise's own sigma, and the pull of clipping to [0, 1] is taken back.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from easy2hard.layers.shrinkage import dct_basis, hard_threshold, unclip, wiener
from easy2hard.models.dt import QUIET, Recall, Residual, conv, head
from easy2hard.models.recurrent import Recurrent

_PATCH, _SECOND_PATCH = 8, 4  # pixels a side: of the threshold, and of the Wiener filter after it


class Shrink(nn.Module):
    """The image that thinking starts from: an 8x8 threshold, a 4x4 Wiener filter after it, and clipping taken back."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("basis", dct_basis(channels, _PATCH), persistent=False)
        self.register_buffer("second_basis", dct_basis(channels, _SECOND_PATCH), persistent=False)

    def forward(self, x: Tensor, sigma: float) -> Tensor:
        pilot = hard_threshold(x, self.get_buffer("basis"), sigma)
        return unclip(wiener(x, pilot, self.get_buffer("second_basis"), sigma), sigma)


class ShrinkDT(Recurrent):
    """A `DT` that sees [shrunk image, what was taken away] and answers with the shrunk image plus its head.

    State: features (n, width, height, width), and the two images that it sees, which are shrunk once and stay.
    """

    needs = ("level",)

    def __init__(self, in_channels: int, out_channels: int, *, width: int) -> None:
        super().__init__()
        self.channels = in_channels
        self.shrink = Shrink(in_channels)
        self.project = conv(2 * in_channels, width)
        self.recall_conv = Recall(width, 2 * in_channels)
        self.block = nn.Sequential(Residual(width), Residual(width))
        self.head = head(width, out_channels, start=QUIET)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        assert self.level is not None  # `needs` has it told before every pass
        shrunk = self.shrink(x, self.level)
        seen = torch.cat([shrunk, x - shrunk], dim=1)
        return F.relu(self.project(seen), inplace=True), seen

    def step(self, state: tuple[Tensor, Tensor], x: Tensor, t: int) -> tuple[Tensor, Tensor]:
        features, seen = state
        # The image's half of the recall is computed in each step: a loss may begin anywhere, and it has to learn there.
        return self.block(self.recall_conv(features, self.recall_conv.image(seen))), seen

    def decode(self, state: tuple[Tensor, Tensor], x: Tensor) -> Tensor:
        features, seen = state
        answer: Tensor = seen[:, : self.channels] + self.head(features)
        return answer
