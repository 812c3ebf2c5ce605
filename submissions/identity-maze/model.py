"""The empty answer: no pixel is on the path."""

import numpy as np
from numpy.typing import NDArray

from easy2hard.entry import TaskSpec

Pixels = NDArray[np.float32]


def answer(x: Pixels, task: TaskSpec) -> Pixels:
    """Logits (n, 2, height, width) that leave every pixel off the path."""
    logits = np.zeros((len(x), task.out_channels, *x.shape[-2:]), np.float32)
    logits[:, 0] = 1
    return logits
