"""The loss of the thought after the full unroll: L_fixed of Raman et al., equation 4."""

from torch import Tensor

from easy2hard.losses import Lesson


def loss(lesson: Lesson) -> Tensor:
    """The task's loss after `lesson.iterations` iterations."""
    return lesson.judge(lesson.thought(lesson.iterations), lesson.target, lesson.x)
