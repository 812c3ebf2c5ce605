"""The median of each pixel's neighbourhood, channel by channel."""

import torch
from torch import Tensor
from torch.nn import functional as F


def median_filter(x: Tensor, kernel_size: int = 3) -> Tensor:
    """Median over kernel_size x kernel_size pixels of x (n, channels, height, width), borders reflected.

    Size 3 is a network of minima and maxima over whole images: each column of three is sorted once and shared by the
    three windows that it belongs to. The gradient of a size that has no network is that of `torch.median`.
    """
    if kernel_size not in (3, 5):
        raise ValueError(f"kernel_size must be 3 or 5; got {kernel_size}.")
    margin = kernel_size // 2
    padded = F.pad(x, [margin] * 4, mode="reflect")
    if kernel_size == 3:
        return _median3(padded)
    height, width = x.shape[-2:]
    windows = [padded[..., i : i + height, j : j + width] for i in range(5) for j in range(5)]
    return torch.stack(windows, dim=-1).median(dim=-1).values


def _median3(padded: Tensor) -> Tensor:
    top, middle, bottom = padded[..., :-2, :], padded[..., 1:-1, :], padded[..., 2:, :]
    low, high = torch.minimum(top, middle), torch.maximum(top, middle)
    least, high = torch.minimum(low, bottom), torch.maximum(high, bottom)
    mid = torch.maximum(low, torch.minimum(torch.maximum(top, middle), bottom))
    lows = torch.maximum(torch.maximum(least[..., :-2], least[..., 1:-1]), least[..., 2:])
    highs = torch.minimum(torch.minimum(high[..., :-2], high[..., 1:-1]), high[..., 2:])
    return _median_of(lows, _median_of(mid[..., :-2], mid[..., 1:-1], mid[..., 2:]), highs)


def _median_of(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    return torch.maximum(torch.minimum(a, b), torch.minimum(torch.maximum(a, b), c))
