"""Breadth-first search on the pixels of a maze."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from easy2hard.entry import TaskSpec

Pixels = NDArray[np.float32]


def answer(x: Pixels, task: TaskSpec) -> Pixels:
    """Logits (n, 2, height, width) that mark the path from the green pixels to the red ones."""
    paths = np.stack([solve(image) for image in x])
    return np.stack([-paths, paths], axis=1).astype(np.float32)


def solve(image: Pixels) -> NDArray[np.int8]:
    """+1 on the path and -1 off it, for one image (3, height, width) in [0, 1].

    A lattice point is 2x2 pixels behind a border of 3, so one pixel of each, from (1, 1) in steps of 2, holds the maze.
    """
    red, green, _ = image[:, 1:-1:2, 1:-1:2] > 0.5
    open_ = red | green
    start, end = (tuple(np.argwhere(colour)[0]) for colour in (green & ~red, red & ~green))
    path = np.full(open_.shape, -1, np.int8)
    for point in walk(open_, start, end):
        path[point] = 1
    return np.pad(path.repeat(2, axis=0).repeat(2, axis=1), 1, constant_values=-1)


def walk(open_: NDArray[np.bool_], start: tuple[int, ...], end: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The points of a shortest way from start to end; empty where there is none."""
    before = {start: start}
    queue = deque([start])
    while queue and end not in before:
        y, x = queue.popleft()
        for point in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if open_[point] and point not in before:
                before[point] = (y, x)
                queue.append(point)
    points = [end] if end in before else []
    while points and points[-1] != start:
        points.append(before[points[-1]])
    return points
