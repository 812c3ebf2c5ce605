"""DnCNN: a deep stack of 3x3 convolutions that predicts the noise. Zhang et al., IEEE TIP 26(7), 2017."""

from typing import cast

from torch import Tensor, nn

from easy2hard.models.dt import conv


class DnCNN(nn.Module):
    """conv + ReLU, `depth` - 2 times conv + batch norm + ReLU, conv; the answer is the input minus that.

    Convolutions have no bias, as in the PyTorch port that the 669,312 parameters of Raman et al.'s table 1 point to.
    """

    def __init__(self, channels: int, *, depth: int = 20, width: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = [conv(channels, width), nn.ReLU(inplace=True)]
        for _ in range(depth - 2):
            layers += [conv(width, width), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        self.noise = nn.Sequential(*layers, conv(width, channels))

    def forward(self, x: Tensor) -> Tensor:
        return x - cast(Tensor, self.noise(x))
