"""Non-local means; the standard deviation of the noise is estimated from each image."""

from easy2hard.entry import TaskSpec
from easy2hard.models.library import NonLocalMeans

# built here, so that a missing library shows at once
denoise = NonLocalMeans(patch=5, distance=6, strength=0.6)


def build(task: TaskSpec) -> NonLocalMeans:
    return denoise
