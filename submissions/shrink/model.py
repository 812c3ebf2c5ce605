"""Shrink the cosine coefficients of patches by the noise's own sigma, and take back the pull of clipping."""

from torch import nn

from easy2hard.entry import TaskSpec
from easy2hard.models.shrink import Shrink

needs = ("level",)


def build(task: TaskSpec) -> nn.Module:
    return Shrink(task.in_channels)
