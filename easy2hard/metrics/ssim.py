"""Structural similarity, averaged over channels: Wang et al., IEEE TIP 13(4), 2004."""

from functools import cache

import torch
from torch import Tensor

TITLE = "SSIM"
UNIT = ""
HIGHER_IS_BETTER = True
SMALLEST = _WINDOW = 11  # pixels a side
_SIGMA = 1.5
_C1, _C2 = 0.01**2, 0.03**2


def score(final: Tensor, target: Tensor) -> Tensor:
    """Mean SSIM over the positions where the 11x11 Gaussian window (sigma 1.5) fits, for images in [0, 1]."""
    rows, columns = (_band(side).to(final) for side in final.shape[-2:])

    def blur(image: Tensor) -> Tensor:
        return rows @ image @ columns.T  # the window is separable, and a product with a band matrix is fast

    mean_f, mean_t = blur(final), blur(target)
    var_f, var_t = blur(final * final) - mean_f**2, blur(target * target) - mean_t**2
    covariance = blur(final * target) - mean_f * mean_t
    luminance = (2 * mean_f * mean_t + _C1) / (mean_f**2 + mean_t**2 + _C1)
    structure = (2 * covariance + _C2) / (var_f + var_t + _C2)
    return (luminance * structure).mean(dim=(1, 2, 3))


@cache
def _band(side: int) -> Tensor:
    """The (side - 10, side) matrix whose rows hold the Gaussian window at each position."""
    offsets = torch.arange(_WINDOW, dtype=torch.float64) - _WINDOW // 2
    window = torch.exp(-(offsets**2) / (2 * _SIGMA**2))
    window = (window / window.sum()).float()
    matrix = torch.zeros(side - _WINDOW + 1, side)
    for row in range(len(matrix)):
        matrix[row, row : row + _WINDOW] = window
    return matrix
