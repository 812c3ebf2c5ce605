"""Peak signal-to-noise ratio of an image clamped to [0, 1], in dB."""

import math

import torch
from torch import Tensor

TITLE = "PSNR"
UNIT = "dB"
HIGHER_IS_BETTER = True
_LEAST_ERROR = 1e-10  # an image restored without any error scores 100 dB, so that means stay finite


def score(final: Tensor, target: Tensor) -> Tensor:
    """10 log10(1 / mean squared error) over the pixels and channels of each image."""
    error = (final - target).square().mean(dim=(1, 2, 3)).clamp_min(_LEAST_ERROR)
    return -10 * error.log10()


def pooled(scores: Tensor) -> float:
    """The PSNR of the mean squared error over all images: what one gets by pooling before the logarithm."""
    return -10 * math.log10(torch.pow(10, -scores.double() / 10).mean().item())
