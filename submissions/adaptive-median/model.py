"""A median whose window grows until it holds a pixel that is no impulse."""

from torch import nn

from easy2hard.entry import TaskSpec
from easy2hard.models.classical import AdaptiveMedian


def build(task: TaskSpec) -> nn.Module:
    return AdaptiveMedian(largest=9)
