"""Shrinkage: what makes a code sparse in every iteration of ISTA, and its only nonlinearity."""

from torch import Tensor
from torch.nn import functional as F


def soft_threshold(x: Tensor, threshold: Tensor) -> Tensor:
    """Move x towards 0 by `threshold`, and to 0 what lies nearer than that: sign(x) max(|x| - threshold, 0).

    `threshold` broadcasts against x. It should not be negative, which nothing stops a learnt one from becoming: then
    values grow, by at most as much as they are themselves, so that the function stays continuous.
    """
    return F.relu(x - threshold) - F.relu(-x - threshold)
