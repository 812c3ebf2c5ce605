"""Patches back into an image: every pixel is the weighted mean of what the patches that hold it say."""

import torch
from torch import Tensor
from torch.nn import functional as F


def overlap_average(
    patches: Tensor, shape: tuple[int, int], size: int, *, dilation: int = 1, weight: Tensor | None = None
) -> Tensor:
    """(n, channels, *shape) from patches (n, channels * size^2, places), the form and order of `F.unfold`.

    `weight` says how much each patch counts, (n, 1, places), or each pixel of a patch, (1, size^2, 1); by default all
    alike. The pixels of a patch lie `dilation` apart. A pixel that no patch holds becomes NaN.
    """
    weight = patches.new_ones(1, 1, patches.shape[-1]) if weight is None else weight
    total = F.fold(patches * weight, shape, size, dilation=dilation)
    share = F.fold(weight.expand(-1, size**2, patches.shape[-1]), shape, size, dilation=dilation)
    return torch.div(total, share)
