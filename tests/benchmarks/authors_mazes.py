"""The authors' way of making mazes, written anew for the benchmark: objects, a heap, float64 pictures.

It takes the steps of `gen_dataset` in make_mazes.py of github.com/aks2203/easy-to-hard-data (described there and in
Schwarzschild et al., "Datasets for studying generalization from easy to hard examples", 2021): depth-first
search over cell objects that hold a dictionary of walls, Dijkstra's algorithm over the lattice of their picture,
then four strided copies that enlarge all pictures twofold.
"""

import heapq
import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.float64]
OPPOSITE = {"N": "S", "S": "N", "W": "E", "E": "W"}
TOWARDS = {"W": (-1, 0), "E": (1, 0), "S": (0, 1), "N": (0, -1)}


class Cell:
    def __init__(self, x: int, y: int) -> None:
        self.x, self.y = x, y
        self.walls = {"N": True, "S": True, "E": True, "W": True}

    def untouched(self) -> bool:
        return all(self.walls.values())


@dataclass(order=True)
class Node:
    cost: float
    x: int = field(compare=False)
    y: int = field(compare=False)
    before: Any = field(compare=False)


def dataset(n: int, m: int) -> tuple[Pictures, NDArray[np.float64], Pictures]:
    """Inputs (n, 4m + 4, 4m + 4, 3), path lengths (n,) and solutions like the inputs, all float64."""
    lattice = 2 * m + 1
    inputs, solutions = np.zeros((n, lattice, lattice, 3)), np.zeros((n, lattice, lattice, 1))
    lengths = np.zeros(n)
    for i in range(n):
        start, end = np.random.choice(m * m, 2, replace=False)
        (start_y, start_x), (end_y, end_x) = divmod(start, m), divmod(end, m)
        picture = lattice_picture(carve(m, int(start_x), int(start_y)))
        path = shortest_path(
            picture[:, :, 0], (2 * start_x + 1, 2 * start_y + 1), (2 * end_x + 1, 2 * end_y + 1)
        )
        solutions[i][path[1], path[0]] = 1
        lengths[i] = path.shape[1] - 1
        inputs[i] = picture
        inputs[i, 2 * start_y + 1, 2 * start_x + 1] = [0, 1, 0]
        inputs[i, 2 * end_y + 1, 2 * end_x + 1] = [1, 0, 0]
    return enlarged(inputs), lengths, enlarged(solutions)


def carve(m: int, x: int, y: int) -> list[list[Cell]]:
    cells = [[Cell(x, y) for y in range(m)] for x in range(m)]
    here, stack, visited = cells[x][y], [], 1
    while visited < m * m:
        around = untouched_neighbours(cells, here)
        if not around:
            here = stack.pop()
            continue
        direction, there = random.choice(around)
        here.walls[direction] = there.walls[OPPOSITE[direction]] = False
        stack.append(here)
        here = there
        visited += 1
    return cells


def untouched_neighbours(cells: list[list[Cell]], here: Cell) -> list[tuple[str, Cell]]:
    found = []
    for direction, (dx, dy) in TOWARDS.items():
        x, y = here.x + dx, here.y + dy
        if 0 <= x < len(cells) and 0 <= y < len(cells):
            there = cells[x][y]
            if there.untouched():
                found.append((direction, there))
    return found


def lattice_picture(cells: list[list[Cell]]) -> Pictures:
    m = len(cells)
    plane = np.zeros((2 * m + 1, 2 * m + 1))
    for x in range(m):
        for y in range(m):
            plane[2 * y + 1, 2 * x + 1] = 1
            if not cells[x][y].walls["S"]:
                plane[2 * y + 2, 2 * x + 1] = 1
            if not cells[x][y].walls["E"]:
                plane[2 * y + 1, 2 * x + 2] = 1
    return np.dstack([plane, plane, plane])


def shortest_path(plane: Pictures, start: tuple[Any, Any], end: tuple[Any, Any]) -> NDArray[np.int64]:
    """Dijkstra's algorithm with unit steps; the points (x, y) of the path, (2, length + 1)."""
    wide = plane.shape[0]
    steps = np.array([[0, 1, 1], [1, 0, 1], [0, -1, 1], [-1, 0, 1]])
    first = Node(0.0, start[0], start[1], None)
    waiting, settled, heap = {first.x * wide + first.y: first}, {}, [(first.cost, first)]
    node = first
    while heap:
        node = heapq.heappop(heap)[1]
        if (node.x, node.y) == end:
            break
        number = node.x * wide + node.y
        if number in settled:
            continue
        settled[number] = node
        del waiting[number]
        for i in range(steps.shape[0]):
            near = Node(node.cost + steps[i][2], node.x + steps[i][0], node.y + steps[i][1], node)
            number = near.x * wide + near.y
            if not plane[int(near.y)][int(near.x)] or number in settled:
                continue
            if number in waiting and waiting[number].cost <= near.cost:
                near = waiting[number]
            waiting[number] = near
            heapq.heappush(heap, (near.cost, near))
    points = []
    while node is not None:
        points.append((node.x, node.y))
        node = node.before
    return np.array(points[::-1]).T


def enlarged(pictures: Pictures) -> Pictures:
    """Every lattice point as 2x2 pixels, behind one more pixel of border; three channels."""
    n, lattice = pictures.shape[:2]
    side = 2 * lattice + 2
    large = np.zeros((n, side, side, 3))
    for row in (1, 2):
        for column in (1, 2):
            large[:, row : row + 2 * lattice : 2, column : column + 2 * lattice : 2] = pictures
    return large
