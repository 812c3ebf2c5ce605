"""Thoughts on the way stay near the image that the model was given: L_sim of Raman et al., in their equation 7."""

import torch
from torch import Tensor

from easy2hard.errors import UserError
from easy2hard.losses import Lesson


def loss(lesson: Lesson, gamma: float = 0.8) -> Tensor:
    """The sum over i = 1, …, n-1 of gamma^i times the mean squared error between the *noisy* input and thought i.

    n is the number of training iterations; the last thought is left to the other losses. Raises `UserError` for a
    single iteration, for answers that are no images like the input, and for a gamma outside ]0, 1].
    """
    if not 0 < gamma <= 1:
        raise UserError(
            f"the option gamma of the loss similarity must be above 0 and at most 1; got {gamma}."
        )
    if lesson.iterations < 2:
        raise UserError(
            "the loss similarity looks at the thoughts before the last, and with one training iteration there are "
            "none; set train_iterations to 2 or more, or leave the loss out."
        )
    total = torch.zeros((), device=lesson.x.device)
    for iteration in range(1, lesson.iterations):
        thought = lesson.thought(iteration)
        if thought.shape != lesson.x.shape:
            raise UserError(
                f"the loss similarity compares thoughts with the input and needs both of one shape; thoughts are "
                f"{tuple(thought.shape[1:])}, inputs {tuple(lesson.x.shape[1:])}. Use it where answers are images."
            )
        total = total + gamma**iteration * (thought - lesson.x).square().mean()
    return total
