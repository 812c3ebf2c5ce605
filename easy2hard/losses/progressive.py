"""The incremental progress loss: go on from wherever the model is. Bansal et al. (2022), algorithm 1.

It trains the iteration to improve any state that it can reach, not to be right after a fixed number, and so keeps
long runs from destroying a good answer.
"""

from typing import Any

import torch
from torch import Tensor

from easy2hard.losses import Lesson


def loss(lesson: Lesson) -> Tensor:
    """n ~ U{0, …, m-1} iterations without gradient, then k ~ U{1, …, m-n} with; the loss of the last thought alone.

    n and k are drawn once per batch; the state is detached between the two, and the recall is computed anew, with
    gradient.
    """
    model, x = lesson.model, lesson.x
    untracked = lesson.chance.randrange(lesson.horizon)
    tracked = lesson.chance.randint(1, lesson.horizon - untracked)
    if untracked == 0:
        state: Any = model.encode(x)
    else:
        with torch.no_grad():
            state, seen = model.encode(x), model.recall(x)
            for t in range(untracked):
                state = model.step(state, seen, t)
    seen = model.recall(x)
    for t in range(untracked, untracked + tracked):
        state = model.step(state, seen, t)
    return lesson.judge(model.decode(state, x), lesson.target, x)
