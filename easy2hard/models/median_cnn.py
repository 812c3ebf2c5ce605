"""A deep residual net with median layers between its convolutions, against impulse noise.

Liang et al.; the layers are those of their code (github.com/llmpass/medianDenoise), 3,563,011 parameters as in Raman et
al.'s table 1. Convolutions are 3x3 with bias and zero padding; there is no global skip, and the answer is linear.
"""

from torch import Tensor, nn

from easy2hard.errors import whole
from easy2hard.layers.median import median_filter
from easy2hard.models.dncnn import near_identity


class MedianCNN(nn.Module):
    """Two medians, conv, PReLU, `blocks` blocks, conv; a median after each of the first `medians` blocks too.

    `medians=None` has none at all, not even on the image: what the published code computes, whose median layer
    returns its input.
    """

    def __init__(self, channels: int, *, width: int = 64, blocks: int = 32, medians: int | None = 16) -> None:
        super().__init__()
        whole("a median CNN", channels=channels, width=width)
        whole("a median CNN", blocks=blocks, medians=medians or 0, least=0)
        self.medians = medians
        self.first = nn.Sequential(_conv(channels, width), nn.PReLU(width, init=0))
        self.blocks = nn.ModuleList(Block(width) for _ in range(blocks))
        self.last = _conv(width, channels)

    def forward(self, x: Tensor) -> Tensor:
        if self.medians is not None:
            x = median_filter(median_filter(x, 5), 5)
        x = self.first(x)
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number < (self.medians or 0):
                x = median_filter(x, 5)
        answer: Tensor = self.last(x)
        return answer


class Block(nn.Module):
    """conv, batch norm, ReLU; then conv, batch norm, PReLU, conv, batch norm, plus what went into these.

    Epsilon of the batch norms is 1e-4 in the first and 1e-3 in the others, as in the Keras code. Its statistics keep
    0.99 of the old ones in every step, which changes no training but leaves a short one to be scored by those of its
    first steps; here they keep 0.9. The Keras code starts at random; a block here starts near the identity: its
    convolution is one, its batch norm lifts all but the lowest 2 % above the ReLU, its residual is 0. 32 random
    blocks pass little of an image on, and 32 ReLUs that cut off half of it do no better.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        norm = nn.BatchNorm2d(width, eps=1e-4)
        self.plain = nn.Sequential(near_identity(_conv(width, width)), norm, nn.ReLU(inplace=True))
        last = nn.BatchNorm2d(width, eps=1e-3)
        nn.init.zeros_(last.weight)
        nn.init.constant_(norm.bias, 2)
        self.residual = nn.Sequential(
            _conv(width, width),
            nn.BatchNorm2d(width, eps=1e-3),
            nn.PReLU(width, init=0),
            _conv(width, width),
            last,
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.plain(x)
        residual: Tensor = self.residual(x)
        return residual + x


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)
