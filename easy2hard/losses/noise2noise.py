"""Noise2Noise: learn from a second noisy draw in place of the clean image. Lehtinen et al. (2018), equation 6.

Where the noise leaves the mean as it is, the average noisy image is the clean one, and so has the same minimum. Clipped
Gaussian noise moves the mean a little; salt and pepper draws it towards grey, by the share of pixels lost.
"""

from torch import Tensor

from easy2hard.losses import Lesson

NEEDS_PAIR = True


def loss(lesson: Lesson) -> Tensor:
    """The task's loss of the thought after the full unroll against `lesson.pair`; the clean target is not looked at."""
    return lesson.judge(lesson.thought(lesson.iterations), lesson.pair, lesson.x)
