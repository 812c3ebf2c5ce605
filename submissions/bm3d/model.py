"""BM3D, told the standard deviation of the noise."""

from easy2hard.entry import TaskSpec
from easy2hard.models.library import BM3D

needs = ("level",)
# built here, so that a missing library shows at once
denoise = BM3D()


def build(task: TaskSpec) -> BM3D:
    return denoise
