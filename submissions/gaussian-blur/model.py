"""A Gaussian blur of one pixel."""

from torch import nn

from easy2hard.entry import TaskSpec
from easy2hard.models.classical import GaussianBlur


def build(task: TaskSpec) -> nn.Module:
    return GaussianBlur(1.0)
