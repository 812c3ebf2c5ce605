"""BM3D; the standard deviation of the noise is estimated from each image."""

from easy2hard.entry import TaskSpec
from easy2hard.models.library import EstimatedBM3D

# built here, so that a missing library shows at once
denoise = EstimatedBM3D()


def build(task: TaskSpec) -> EstimatedBM3D:
    return denoise
