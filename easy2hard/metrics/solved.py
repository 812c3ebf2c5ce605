"""The share of mazes in which every pixel of the masked answer is right."""

from torch import Tensor

TITLE = "solved"
UNIT = "%"
HIGHER_IS_BETTER = True


def score(final: Tensor, target: Tensor) -> Tensor:
    """1 where the whole mask equals the target, else 0: the accuracy of Schwarzschild et al. (2021)."""
    return (final == target).all(dim=(1, 2)).float()
