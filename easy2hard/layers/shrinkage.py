"""Denoising without learning: shrink the coefficients of overlapping patches, and put the patches together again.

Yu and Sapiro, "DCT image denoising: a simple and effective image denoising algorithm" (IPOL 1, 2011), with the second
stage of BM3D (Dabov et al., IEEE TIP 16(8), 2007, section 3.2). Images are (n, channels, height, width); `sigma` is the
standard deviation of their noise in the same unit.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from easy2hard.errors import UserError

_THRESHOLD = 2.5  # times sigma
_BISECTIONS = 12  # of the unit interval: finer than 8 bits by 4
_WHITE = 1.0


def dct_basis(channels: int, size: int) -> Tensor:
    """The orthonormal cosine basis of patches, (channels * size * size, channels, size, size), the constant first."""
    depth, side = _cosines(channels), _cosines(size)
    basis = torch.einsum("ac,iy,jx->aijcyx", depth, side, side)
    return basis.reshape(-1, channels, size, size)


def hard_threshold(x: Tensor, basis: Tensor, sigma: float) -> Tensor:
    """Coefficients below 2.5 sigma go, the constant stays; patches with fewer left weigh more."""
    found = _analyse(x, basis)
    kept = (found.abs() > _THRESHOLD * sigma).to(x.dtype)
    kept[:, 0] = 1
    return _synthesise(found * kept, kept.sum(dim=1, keepdim=True), basis)


def wiener(x: Tensor, pilot: Tensor, basis: Tensor, sigma: float) -> Tensor:
    """Coefficients shrink by what the pilot image has of them: p^2 / (p^2 + sigma^2)."""
    power = _analyse(pilot, basis).square()
    gain = power / (power + sigma**2)
    return _synthesise(_analyse(x, basis) * gain, gain.square().sum(dim=1, keepdim=True), basis)


def unclip(mean: Tensor, sigma: float) -> Tensor:
    """The c in [0, 1] for which c plus Gaussian noise, clipped to [0, 1], has this mean.

    Clipping pulls averages away from black and white: at sigma = 0.3 what averages to 0.12 was black.
    """
    low, step = torch.zeros_like(mean), _WHITE
    for _ in range(_BISECTIONS):
        step /= 2
        low = torch.where(clipped_mean(low + step, sigma) <= mean, low + step, low)
    return low + step / 2


def clipped_mean(c: Tensor, sigma: float) -> Tensor:
    """E[min(max(c + sigma z, 0), 1)] for a standard normal z."""
    black, white = c / sigma, (c - _WHITE) / sigma
    inside = torch.special.ndtr(black) - torch.special.ndtr(white)
    mean: Tensor = c * inside + sigma * (_density(black) - _density(white)) + torch.special.ndtr(white)
    return mean


def _density(z: Tensor) -> Tensor:
    return torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)


def _cosines(size: int) -> Tensor:
    """The orthonormal DCT-II, (frequency, place)."""
    k = torch.arange(size, dtype=torch.float64)
    rows = torch.cos(math.pi * (k + 0.5) * k.unsqueeze(1) / size) * math.sqrt(2 / size)
    rows[0] /= math.sqrt(2)
    return rows.float()


def _analyse(x: Tensor, basis: Tensor) -> Tensor:
    """The coefficients of every patch that touches the image, its border reflected."""
    margin = basis.shape[-1] - 1
    if min(x.shape[-2:]) <= margin:
        raise UserError(
            f"patches of {margin + 1}x{margin + 1} need an image of at least that size; "
            f"got {x.shape[-2]}x{x.shape[-1]}."
        )
    return F.conv2d(F.pad(x, [margin] * 4, mode="reflect"), basis)


def _synthesise(coefficients: Tensor, energy: Tensor, basis: Tensor) -> Tensor:
    """The weighted mean of the patches at each pixel; a patch weighs 1 / `energy`, the variance of its noise."""
    size = basis.shape[-1]
    weight = 1 / energy
    total = F.conv_transpose2d(coefficients * weight, basis)
    weights = F.conv_transpose2d(weight, basis.new_ones(1, 1, size, size))
    margin = size - 1
    return (total / weights)[..., margin:-margin, margin:-margin]
