"""The deep-thinking net: one residual block of convolutions, applied again and again, that sees its input each time.

Bansal et al., "End-to-end algorithm synthesis with recurrent networks" (2022), class `DTNet`; Raman et al. use it at
width 20 on images. All convolutions are 3x3 with padding 1, without bias or normalisation.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from easy2hard.errors import UserError, whole
from easy2hard.layers.involution import involution
from easy2hard.layers.median import check_size, median_filter
from easy2hard.models.recurrent import Recurrent

QUIET = 0.1  # the start of a head that corrects an answer: at first it says little
_REDUCTION = 8  # by which an involution divides its channels


def conv(inputs: int, outputs: int) -> nn.Conv2d:
    """The family's convolution: 3x3, same size, no bias; `UserError` where either is no whole number of channels."""
    whole("a convolution", channels_in=inputs, channels_out=outputs)
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)


class Residual(nn.Module):
    """conv, ReLU, conv, plus the input, ReLU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = conv(width, width), conv(width, width)

    def forward(self, x: Tensor) -> Tensor:
        # In place wherever autograd allows it: an activation of an 801x801 maze takes 1.3 GB.
        inner = F.relu(self.first(x), inplace=True)
        return F.relu(self.second(inner).add_(x), inplace=True)


class Recall(nn.Module):
    """A convolution over [state, image], with no ReLU after it.

    A convolution of a concatenation is the sum of two, and the image's half is the same in every iteration: `image` is
    computed once, `forward` adds it. The weight is kept as one, (width, width + channels, 3, 3), state first.
    """

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.width = width
        self.both = conv(width + channels, width)

    def image(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.both.weight[:, self.width :], padding=1)

    def forward(self, state: Tensor, image: Tensor) -> Tensor:
        return F.conv2d(state, self.both.weight[:, : self.width], padding=1).add_(image)


def head(
    width: int, out_channels: int, hidden: tuple[int, int] = (32, 8), *, start: float = 1.0
) -> nn.Sequential:
    """The family's read-out: three convolutions with ReLU between them.

    The last begins with `start` times its usual weights: a net that corrects an answer says little at first.
    """
    first, second = hidden
    layers = conv(width, first), conv(first, second), conv(second, out_channels)
    with torch.no_grad():
        layers[-1].weight.mul_(start)
    return nn.Sequential(layers[0], nn.ReLU(inplace=True), layers[1], nn.ReLU(inplace=True), layers[2])


class DT(Recurrent):
    """Width w: project to w channels, then iterate [recall, residual block, residual block]; read out at any time."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        width: int,
        recall: bool = True,
        hidden: tuple[int, int] = (32, 8),
    ) -> None:
        super().__init__()
        whole("a DT", width=width)
        self.project = conv(in_channels, width)
        self.recall_conv = Recall(width, in_channels) if recall else None
        self.block = nn.Sequential(Residual(width), Residual(width))
        self.head = head(width, out_channels, hidden)

    def encode(self, x: Tensor) -> Tensor:
        return F.relu(self.project(x), inplace=True)

    def recall(self, x: Tensor) -> Tensor:
        return x if self.recall_conv is None else self.recall_conv.image(x)

    def step(self, state: Tensor, x: Tensor, t: int) -> Tensor:
        if self.recall_conv is not None:
            state = self.recall_conv(state, x)
        for residual in self.block:  # called as one, the block would keep its input to the end
            state = residual(state)
        return state

    def decode(self, state: Tensor, x: Tensor) -> Tensor:
        return cast(Tensor, self.head(state))


class MedianDT(DT):
    """A `DT` that takes the median of each pixel's neighbourhood of its state first in every iteration.

    Raman et al., table 1, row "DT + median": no parameter more. Borders are reflected.
    """

    def __init__(self, in_channels: int, out_channels: int, *, width: int, kernel_size: int = 5) -> None:
        super().__init__(in_channels, out_channels, width=width)
        check_size(kernel_size)
        self.kernel_size = kernel_size

    def step(self, state: Tensor, x: Tensor, t: int) -> Tensor:
        return super().step(median_filter(state, self.kernel_size), x, t)


class Involution(nn.Module):
    """An involution of one group whose kernels are made from its own input: span(ReLU(BN(reduce(x)))).

    Li et al. (CVPR 2021), algorithm 1 with the batch norm of its equation 6; `reduce` and `span` are 1x1 convolutions
    with bias, `reduce` to a `reduction`-th of the channels. It starts near the identity: kernels at random let little
    of state and image through, and the net that began with them stayed 5 dB below (26.4 dB against 20.8 at 0.1).
    """

    def __init__(self, channels: int, *, kernel_size: int = 5, reduction: int = _REDUCTION) -> None:
        super().__init__()
        whole("an involution", channels=channels, reduction=reduction)
        whole("an involution", kernel_size=kernel_size, odd=True)
        if channels < reduction:
            raise UserError(
                f"an involution that reduces its channels by {reduction} needs at least {reduction} channels; "
                f"got {channels}."
            )
        hidden = channels // reduction
        self.reduce = nn.Conv2d(channels, hidden, 1)
        self.norm = nn.BatchNorm2d(hidden)
        self.span = nn.Conv2d(hidden, kernel_size**2, 1)
        with torch.no_grad():
            self.span.weight.mul_(0.1)
            nn.init.zeros_(cast(Tensor, self.span.bias))[kernel_size**2 // 2] = 1

    def forward(self, x: Tensor) -> Tensor:
        kernels = self.span(F.relu(self.norm(self.reduce(x)), inplace=True))
        return involution(x, kernels.unsqueeze(1))


class DynamicDT(DT):
    """A `DT` that filters [state, image] by an `Involution` first in every iteration; Raman et al., "DT + dynamic".

    Its batch norm is shared by all iterations. The filtered image differs from one to the next, so the recall
    convolution runs over both halves each time.
    """

    def __init__(self, in_channels: int, out_channels: int, *, width: int, kernel_size: int = 5) -> None:
        super().__init__(in_channels, out_channels, width=width)
        if width + in_channels < _REDUCTION:
            raise UserError(
                f"a DT filtered by an involution needs at least {_REDUCTION} channels in width + channels of the "
                f"image; got {width} + {in_channels} = {width + in_channels}."
            )
        self.filter = Involution(width + in_channels, kernel_size=kernel_size)

    def recall(self, x: Tensor) -> Tensor:
        return x

    def step(self, state: Tensor, x: Tensor, t: int) -> Tensor:
        assert self.recall_conv is not None  # it was built with recall
        filtered = self.filter(torch.cat([state, x], dim=1))
        return cast(Tensor, self.block(self.recall_conv.both(filtered)))


class LatticeDT(DT):
    """A `DT` that thinks on the grid of a maze's lattice points, 2x2 pixels each, behind a border of 3.

    Padding by 1 and pooling 2x2 loses nothing of such a picture; a quarter of the pixels costs a quarter of the
    compute, and a path needs half the iterations. Every height and width works.
    """

    def encode(self, x: Tensor) -> Tensor:
        return super().encode(_pool(x))

    def recall(self, x: Tensor) -> Tensor:
        return super().recall(_pool(x))

    def decode(self, state: Tensor, x: Tensor) -> Tensor:
        answer = super().decode(state, x).repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        height, width = x.shape[-2:]
        return answer[:, :, 1 : 1 + height, 1 : 1 + width]


def _pool(x: Tensor) -> Tensor:
    """(n, c, height, width) -> (n, c, ceil(height / 2) + 1, ceil(width / 2) + 1); an odd side gets a pixel more."""
    padding = [1, 1 + x.shape[-1] % 2, 1, 1 + x.shape[-2] % 2]
    return F.avg_pool2d(F.pad(x, padding), 2)
