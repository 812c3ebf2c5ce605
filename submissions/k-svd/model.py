"""K-SVD on each noisy image, told the standard deviation of the noise."""

from easy2hard.entry import TaskSpec
from easy2hard.models.k_svd import KSVD

needs = ("level",)


def build(task: TaskSpec) -> KSVD:
    return KSVD()
