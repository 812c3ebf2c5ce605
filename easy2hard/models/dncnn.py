"""DnCNN: a deep stack of 3x3 convolutions that predicts the noise. Zhang et al., IEEE TIP 26(7), 2017."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from easy2hard.errors import whole


class DnCNN(nn.Module):
    """conv + ReLU, `depth` - 2 times conv + batch norm + ReLU, conv; the answer is the input minus that.

    Convolutions have no bias, as in the PyTorch port that the 669,312 parameters of Raman et al.'s table 1 point to.
    `residual=False` takes what comes out as the answer itself. `folded=True` has biases in the place of the batch
    norms, for inference: the form in which the weights of the paper's authors are published, whose files load as they
    are (parameters `model.0.weight`, `model.0.bias`, `model.2.weight`, …). `fold` makes one from a trained net.
    """

    def __init__(
        self, channels: int, *, depth: int = 20, width: int = 64, residual: bool = True, folded: bool = False
    ) -> None:
        super().__init__()
        whole("a DnCNN", channels=channels, width=width)
        whole("a DnCNN", depth=depth, least=2)
        self.channels, self.depth, self.width, self.residual = channels, depth, width, residual
        layers: list[nn.Module] = [_conv(channels, width, folded), nn.ReLU(inplace=True)]
        for _ in range(depth - 2):
            norm = [] if folded else [nn.BatchNorm2d(width)]
            layers += [near_identity(_conv(width, width, folded)), *norm, nn.ReLU(inplace=True)]
        self.model = nn.Sequential(*layers, _conv(width, channels, folded))

    def forward(self, x: Tensor) -> Tensor:
        seen = cast(Tensor, self.model(x))
        return x - seen if self.residual else seen


@torch.no_grad()
def near_identity(layer: nn.Conv2d) -> nn.Conv2d:
    """Start a convolution as the identity plus little noise.

    Twenty layers that start at random pass so little of the image on that the first hundred steps learn nothing: on
    salt-and-pepper at 0.1 the loss stays at that of the noisy image, where this start has a tenth of it by then.
    """
    layer.weight.mul_(0.3).add_(nn.init.dirac_(torch.empty_like(layer.weight)))
    return layer


@torch.no_grad()
def fold(model: DnCNN) -> DnCNN:
    """The same function as `model` in evaluation mode, each batch norm taken into the convolution before it."""
    folded = DnCNN(model.channels, depth=model.depth, width=model.width, residual=model.residual, folded=True)
    convolutions = (layer for layer in folded.model if isinstance(layer, nn.Conv2d))
    for layer in model.model:
        if isinstance(layer, nn.Conv2d):
            into = next(convolutions)
            into.weight.copy_(layer.weight)
            cast(Tensor, into.bias).zero_()
        elif isinstance(layer, nn.BatchNorm2d):
            into.weight, into.bias = fuse_conv_bn_weights(
                into.weight,
                into.bias,
                cast(Tensor, layer.running_mean),
                cast(Tensor, layer.running_var),
                layer.eps,
                layer.weight,
                layer.bias,
            )
    return folded.eval()


def _conv(inputs: int, outputs: int, bias: bool) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)
