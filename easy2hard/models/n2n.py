"""The nets of a Noise2Noise course project (EPFL, deep learning, 2022): from 1,728 to 79,552 parameters.

All but the first are stacks of 3x3 convolutions, from a noisy RGB image in [0, 1] to a clean one. With `padding=3`
an image grows by 4 pixels in a convolution, and shrinks by as many in a transposed one.
"""

from collections.abc import Callable
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from easy2hard.errors import UserError

_ROW = 32  # pixels that `model1` mixes


def net(name: str) -> nn.Module:
    """The net called `name` in the project, such as `"model2v1"`; `UserError`, with the names, for an unknown one."""
    if name not in NETS:
        raise UserError(f"there is no Noise2Noise net '{name}'; there are: {', '.join(NETS)}.")
    return NETS[name]()


class Rows(nn.Module):
    """model1: two linear layers over the 32 pixels of a row, no activation. A wider image is cut into such rows."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(_ROW, 128), nn.Linear(128, _ROW))

    def forward(self, x: Tensor) -> Tensor:
        n, channels, height, width = x.shape
        rows = F.pad(x, (0, -width % _ROW, 0, 0), mode="replicate").reshape(n, channels, height, -1, _ROW)
        answer: Tensor = self.layers(rows)
        return answer.reshape(n, channels, height, -1)[..., :width]


class Pooling(nn.Module):
    """model_pooling: two convolutions around a max-pool, and the same backwards; an odd side is padded by a pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _into(3, 32, bias=False),
            nn.ReLU(),
            nn.MaxPool2d(2),
            _into(32, 128, bias=False),
            nn.ReLU(),
            _out(128, 32, bias=False),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 32, 2, stride=2, bias=False),
            _out(32, 3, bias=False),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        answer: Tensor = self.layers(F.pad(x, (0, width % 2, 0, height % 2), mode="replicate"))
        return answer[..., :height, :width]


def _into(inputs: int, outputs: int, *, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=3, bias=bias)


def _out(inputs: int, outputs: int, *, bias: bool = True) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, 3, padding=3, bias=bias)


def _shallow(width: int, *, bias: bool = True, middle: tuple[nn.Module, ...] | None = None) -> nn.Module:
    """One convolution in, one out; `middle` between them (a ReLU), and a ReLU at the end."""
    return nn.Sequential(
        _into(3, width, bias=bias), *(middle or (nn.ReLU(),)), _out(width, 3, bias=bias), nn.ReLU()
    )


def _deep() -> nn.Module:
    """model6: two convolutions in, two out, a ReLU after each."""
    layers = (_into(3, 32), _into(32, 128), _out(128, 32), _out(32, 3))
    return nn.Sequential(*(part for layer in layers for part in (layer, nn.ReLU())))


def _final() -> nn.Module:
    """model_final: five convolutions that keep the size; the last answer is positive, what was below 0 reflected."""
    widths = (3, 64, 48, 48, 64, 3)
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.ReLU()]
    return nn.Sequential(*layers[:-1], nn.LeakyReLU(-0.1))


NETS: dict[str, Callable[[], nn.Module]] = {
    "model1": Rows,
    "model2": lambda: _shallow(32),
    "model2v1": lambda: _shallow(32, bias=False),
    "model2v2": lambda: _shallow(32, bias=False, middle=(nn.LeakyReLU(),)),
    "model3": lambda: _shallow(32, middle=(nn.BatchNorm2d(32), nn.ReLU())),
    "model4": lambda: _shallow(64),
    "model5": lambda: _shallow(128),
    "model6": _deep,
    "pooling": Pooling,
    "final": _final,
}
