"""Slow, plain-Python versions of what easy2hard draws, written for reading and compared with by the tests."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple, TypeVar

_Pixel = TypeVar("_Pixel")

_MASK = 0xFFFFFFFF


def philox(key: tuple[int, int], counter: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Philox4x32-10 on plain integers: key and counter as 32-bit words, lowest first."""
    k0, k1 = key
    c0, c1, c2, c3 = counter
    for _ in range(10):
        left, right = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (right >> 32) ^ c1 ^ k0, right & _MASK, (left >> 32) ^ c3 ^ k1, left & _MASK
        k0, k1 = (k0 + 0x9E3779B9) & _MASK, (k1 + 0xBB67AE85) & _MASK
    return c0, c1, c2, c3


def words(key: int, index: int, count: int, stream: int = 0, attempt: int = 0) -> list[int]:
    """The first `count` words of one sample's stream."""
    halves = key & _MASK, key >> 32
    blocks = [
        philox(halves, (block, stream << 16 | attempt, index & _MASK, index >> 32))
        for block in range(-(-count // 4))
    ]
    return [word for block in blocks for word in block][:count]


def salt_and_pepper(
    clean: list[list[int]], level: str, key: int, index: int, stream: int = 0
) -> list[list[int]]:
    """One image as a list of pixels, a pixel as the list of its channels."""
    threshold = round(Fraction(level) * 2**31)
    noisy = []
    for pixel, word in zip(clean, words(key, index, len(clean), stream), strict=True):
        black, white = word < threshold, word >= 2**32 - threshold
        noisy.append([0 if black else 255 if white else value for value in pixel])
    return noisy


def gaussian(
    clean: list[int], limit: list[int], low_high: list[int], key: int, index: int, stream: int = 0
) -> list[int]:
    """One image as a list of values, with an alias table."""
    noisy = []
    for value, word in zip(clean, words(key, index, len(clean), stream), strict=True):
        column = word >> 23
        shift = low_high[2 * column] if word < limit[column] else low_high[2 * column + 1]
        noisy.append(min(max(value + shift, 0), 255))
    return noisy


Cell = tuple[int, int]  # row, column
Edge = frozenset[Cell]


class Maze(NamedTuple):
    """A maze of m x m cells: its open edges, its ends, and the cells of its path from start to end."""

    m: int
    edges: set[Edge]
    start: Cell
    end: Cell
    path: list[Cell]


def maze(size: int, key: int, index: int, classes: tuple[int, int], stream: int = 0) -> Maze:
    """The first attempt whose layout has a class in the range (both ends included)."""
    m = (size + 1) // 2
    for attempt in range(4096):
        first, *moves = (tuple(drawn) for drawn in _maze_words(m, key, index, stream, attempt))
        start, end = _ends(m, first)
        parents = _grow(m, start, [word for block in moves for word in block])
        edges = {frozenset((cell, parent)) for cell, parent in parents.items()}
        if classes[0] <= symmetric_hash(m, edges) % 16 <= classes[1]:
            return Maze(m, edges, start, end, _path(parents, start, end))
    raise RuntimeError("no attempt had a layout of these classes")


def _maze_words(m: int, key: int, index: int, stream: int, attempt: int) -> Iterator[list[int]]:
    drawn = words(key, index, 4 + m * m, stream, attempt)
    return (drawn[place : place + 4] for place in range(0, len(drawn), 4))


def _ends(m: int, block: tuple[int, ...]) -> tuple[Cell, Cell]:
    start = (block[0] << 32 | block[1]) * m * m >> 64
    end = (block[2] << 32 | block[3]) * (m * m - 1) >> 64
    cells = [divmod(cell, m) for cell in range(m * m)]
    return cells[start], (cells[:start] + cells[start + 1 :])[end]


def _grow(m: int, start: Cell, moves: list[int]) -> dict[Cell, Cell]:
    """Depth-first search from the start; the parent of every other cell."""
    parents: dict[Cell, Cell] = {}
    stack = [start]
    while len(parents) < m * m - 1:
        y, x = stack[-1]
        around = [(y - 1, x), (y, x - 1), (y, x + 1), (y + 1, x)]
        free = [c for c in around if min(c) >= 0 and max(c) < m and c not in parents and c != start]
        if not free:
            stack.pop()
            continue
        chosen = free[(moves[len(parents)] >> 2) * len(free) >> 30]
        parents[chosen] = (y, x)
        stack.append(chosen)
    return parents


def _path(parents: dict[Cell, Cell], start: Cell, end: Cell) -> list[Cell]:
    path = [end]
    while path[-1] != start:
        path.append(parents[path[-1]])
    return path[::-1]


def _mix(z: int) -> int:
    """The finaliser of splitmix64."""
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
    return z ^ z >> 31


SYMMETRIES = [
    (flip_rows, flip_columns, transpose)
    for flip_rows in (False, True)
    for flip_columns in (False, True)
    for transpose in (False, True)
]


def moved(m: int, cell: Cell, symmetry: tuple[bool, bool, bool]) -> Cell:
    """Where a symmetry of the square takes a cell."""
    y, x = cell
    y, x = (m - 1 - y if symmetry[0] else y), (m - 1 - x if symmetry[1] else x)
    return (x, y) if symmetry[2] else (y, x)


def _weight(m: int, edge: Iterable[Cell]) -> int:
    """Of the lattice point between two cells; cell (y, x) lies at lattice point (2y, 2x)."""
    (y0, x0), (y1, x1) = edge
    return _mix(((y0 + y1) * (2 * m - 1) + x0 + x1 + 1) * 0x9E3779B97F4A7C15 % 2**64)


def layout_sum(m: int, edges: set[Edge], symmetry: tuple[bool, bool, bool]) -> int:
    """The sum of the weights of a layout's edges after a symmetry."""
    return sum(_weight(m, [moved(m, cell, symmetry) for cell in edge]) for edge in edges) % 2**64


def symmetric_hash(m: int, edges: set[Edge]) -> int:
    """Equal for layouts that are rotations or reflections of each other."""
    return _mix(sum(_mix(layout_sum(m, edges, symmetry)) for symmetry in SYMMETRIES) % 2**64)


def fingerprints(drawn: Maze) -> tuple[int, int, int]:
    """Of the maze, of its layout, and of its layout up to symmetry."""
    plain = layout_sum(drawn.m, drawn.edges, SYMMETRIES[0])
    start, end = (y * drawn.m + x for y, x in (drawn.start, drawn.end))
    exact = _mix(plain ^ _mix(start * drawn.m**2 + end))
    return exact, _mix(plain), symmetric_hash(drawn.m, drawn.edges)


Picture = list[list[list[int]]]


def picture(drawn: Maze) -> tuple[Picture, list[list[int]]]:
    """Image of (red, green, blue) and mask of 0 and 1, 2x2 pixels a lattice point behind a border of 3."""
    side = 4 * drawn.m + 4
    image = [[[0, 0, 0]] * side for _ in range(side)]
    mask = [[0] * side for _ in range(side)]
    for edge in drawn.edges:
        for point in _points(edge):
            _fill(image, point, [255, 255, 255])
    for edge in pairwise(drawn.path):
        for point in _points(edge):
            _fill(mask, point, 1)
    _fill(image, (2 * drawn.start[0], 2 * drawn.start[1]), [0, 255, 0])
    _fill(image, (2 * drawn.end[0], 2 * drawn.end[1]), [255, 0, 0])
    return image, mask


def _points(edge: Iterable[Cell]) -> list[Cell]:
    """The three lattice points of an edge: its cells, and what lies between them."""
    (y0, x0), (y1, x1) = edge
    return [(2 * y0, 2 * x0), (y0 + y1, x0 + x1), (2 * y1, 2 * x1)]


def _fill(rows: list[list[_Pixel]], point: Cell, value: _Pixel) -> None:
    for row in rows[2 * point[0] + 3 : 2 * point[0] + 5]:
        row[2 * point[1] + 3 : 2 * point[1] + 5] = [value, value]
