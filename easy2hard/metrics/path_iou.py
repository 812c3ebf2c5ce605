"""How well the path is marked, pixel by pixel: intersection over union."""

from torch import Tensor

TITLE = "path IoU"
UNIT = "%"
HIGHER_IS_BETTER = True


def score(final: Tensor, target: Tensor) -> Tensor:
    """|answer and target| / |answer or target|: plain pixel accuracy would reward an empty answer."""
    both = (final & target).sum(dim=(1, 2))
    either = (final | target).sum(dim=(1, 2))
    return both.float() / either.float()
