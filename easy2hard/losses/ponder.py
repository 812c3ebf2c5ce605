"""Learn when to stop: an answer counts as much as it is likely to be the last. PonderNet, Banino et al. (2021), eq. 5.

For a model whose `halt` says after each iteration how likely it is to have stopped by then.
"""

import math
from typing import cast

import torch
from torch import Tensor

from easy2hard.errors import UserError, positive
from easy2hard.losses import Lesson

_LEAST = 1e-6  # a chance is never quite 0, so that its logarithm is finite


def loss(lesson: Lesson, prior: float = 0.2, beta: float = 0.01) -> Tensor:
    """The mean over samples of sum_n p_n L_n + beta KL(p || geometric(prior)), over n = 1, …, N training iterations.

    p_n is the chance of stopping at iteration n, the last one taking what is left; L_n the task's loss of that answer.
    A chance of having stopped never falls: where `halt` does, the earlier one holds. The prior stops a share `prior` of
    what still runs in each iteration; `beta` has the unit of the task's loss. Raises `UserError` for a model without
    `halt`, a single iteration, a prior outside ]0, 1[, or a beta that is negative or not finite.
    """
    if not 0 < prior < 1:
        raise UserError(
            f"the option prior of the loss ponder must be above 0 and below 1; got {prior}. At 0.2 a fifth of what "
            "still runs stops in each iteration."
        )
    positive("the loss ponder", or_zero=True, beta=beta)
    if lesson.iterations < 2:
        raise UserError(
            "the loss ponder learns at which iteration to stop, and with one training iteration there is no choice; "
            "set train_iterations to 2 or more."
        )
    stopped = [lesson.model.halting(state, lesson.x) for state in lesson.states]
    if any(chance is None for chance in stopped):
        raise UserError("the loss ponder needs a model that says when it is done, by halt(state, x).")
    p = _stops(torch.stack(cast(list[Tensor], stopped)))
    losses = torch.stack([_each(lesson, n) for n in range(1, lesson.iterations + 1)])
    return ((p * losses).sum(dim=0) + beta * _divergence(p, prior)).mean()


def _stops(stopped: Tensor) -> Tensor:
    """From the chance (N, n) of having stopped by each iteration to that of stopping there; a column sums to 1."""
    stopped = torch.cat([stopped[:-1].cummax(dim=0).values, torch.ones_like(stopped[:1])])
    return stopped.diff(dim=0, prepend=torch.zeros_like(stopped[:1])).clamp(min=_LEAST)


def _each(lesson: Lesson, iteration: int) -> Tensor:
    """The task's loss (n,) of each sample by itself."""
    answer, target, x = lesson.thought(iteration), lesson.target, lesson.x
    samples = (slice(i, i + 1) for i in range(len(x)))
    return torch.stack([lesson.judge(answer[i], target[i], x[i]) for i in samples])


def _divergence(p: Tensor, prior: float) -> Tensor:
    """KL (n,) of p (N, n) from the geometric distribution whose last iteration takes what is left."""
    n = torch.arange(len(p), device=p.device)
    log_prior = n * math.log(1 - prior) + math.log(prior) * (n < len(p) - 1)
    return (p * (p.log() - log_prior[:, None])).sum(dim=0)
