"""The U-Net of Lehtinen et al. (2018), Noise2Noise: five max-pools down, nearest-neighbour steps and skips up."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from easy2hard.errors import whole

_DOWN = 5
_MULTIPLE = 2**_DOWN


class UNet(nn.Module):
    """Widths of the paper's table 2: 48 down, 96 up, then 64, 32 and the answer; leaky ReLUs of slope 0.1.

    Sides that are no multiple of 32 are padded up to one, the border repeated, and the answer is cut back. Inside,
    images lie in [-0.5, 0.5]. 991,203 parameters for RGB.
    """

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        whole("a U-Net", channels=channels)
        self.first = _conv(channels, 48)
        self.down = nn.ModuleList(_conv(48, 48) for _ in range(_DOWN))
        self.bottom = _conv(48, 48)
        widths = (96, 144, 144, 144)  # what comes from below, and the skip beside it
        self.up = nn.ModuleList(nn.Sequential(_conv(width, 96), _conv(96, 96)) for width in widths)
        self.last = nn.Sequential(_conv(96 + channels, 64), _conv(64, 32))
        self.answer = _started(nn.Conv2d(32, channels, 3, padding=1), gain=1.0)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        image = F.pad(x, (0, -width % _MULTIPLE, 0, -height % _MULTIPLE), mode="replicate") - 0.5
        seen, state = [image], self.first(image)
        for convolution in self.down:
            state = F.max_pool2d(convolution(state), 2)
            seen.append(state)
        state = self.bottom(seen.pop())
        for convolutions in (*self.up, self.last):
            state = convolutions(torch.cat([F.interpolate(state, scale_factor=2.0), seen.pop()], dim=1))
        answer: Tensor = self.answer(state) + 0.5
        return answer[..., :height, :width]


def _conv(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(_started(nn.Conv2d(inputs, outputs, 3, padding=1)), nn.LeakyReLU(0.1))


def _started(convolution: nn.Conv2d, gain: float = math.sqrt(2)) -> nn.Conv2d:
    """The authors' start: normal weights of deviation gain / sqrt(inputs of a unit), and no bias."""
    inputs = convolution.in_channels * 9
    nn.init.normal_(convolution.weight, std=gain / math.sqrt(inputs))
    assert convolution.bias is not None  # Conv2d has one unless told otherwise
    nn.init.zeros_(convolution.bias)
    return convolution
