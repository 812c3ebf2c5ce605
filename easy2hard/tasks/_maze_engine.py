"""Draws mazes: how random words become walls, endpoints and pixels, and which mazes are alike.

A maze of size n has m = (n + 1) / 2 cells a side, numbered along the rows. Its random words are one stream:

- block 0 gives the ends: start = floor(u m^2), with u the fraction whose 64 bits are words 0 and 1; end likewise
  from words 2 and 3 among the other m^2 - 1 cells.
- move t of the depth-first search, which is rooted at the start, takes word w = t % 4 of block 1 + t // 4. Of the k
  unvisited neighbours, in the order up, left, right, down, it goes to number floor(w k / 2^32); where there are
  none, it first goes back to the latest cell that has some. m^2 - 1 moves visit every cell, so the layout is a
  tree and the path from start to end is unique.

A layout's class is its symmetric hash mod 16 (see `_symmetric`). Attempts 0, 1, 2, ... are drawn until it
lies in the wanted range: splits with different ranges share no layout, not even a rotated or reflected one.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from easy2hard.rng import inlined, kernel, philox, word1

U8 = NDArray[np.uint8]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]

CLASSES = 16
ATTEMPTS = 4096  # half the classes fail that often with a chance of 2^-4096, one class with 10^-115

_UP, _LEFT, _RIGHT, _DOWN = 0, 1, 2, 3
_NEW, _ROOT, _BORDER = 4, 5, 6  # other values of a cell in the grid of directions to the parent


def draw(size: int, key: int, indices: I64, classes: tuple[int, int], stream: int = 0) -> tuple[U8, U8, I64]:
    """Image (n, S, S, 3), mask (n, S, S) of 0 and 1, and path length (n,) of mazes, with S = 2 * size + 6.

    The length is counted in steps between lattice points: two for each move from cell to cell.
    """
    side = 2 * size + 6
    image = np.zeros((len(indices), side, side, 3), np.uint8)
    mask = np.zeros((len(indices), side, side), np.uint8)
    length = np.empty(len(indices), np.int64)
    failed = _draw(*_arguments(size, key, indices, classes, stream), image, mask, length)
    _refuse(failed, classes)
    return image, mask, length


def fingerprints(size: int, key: int, indices: I64, classes: tuple[int, int], stream: int = 0) -> U64:
    """Three 64-bit hashes (n, 3): of the maze, of its layout alone, of its layout up to symmetry."""
    hashes = np.empty((len(indices), 3), np.uint64)
    failed = _fingerprints(*_arguments(size, key, indices, classes, stream), hashes)
    _refuse(failed, classes)
    return hashes


def _arguments(
    size: int, key: int, indices: I64, classes: tuple[int, int], stream: int
) -> tuple[U64, np.uint64, np.uint32, I64, int, int]:
    if size < 7 or size % 2 == 0:
        raise ValueError(f"a maze size is an odd whole number from 7 upwards; got {size}.")
    if not 0 <= classes[0] <= classes[1] < CLASSES:
        raise ValueError(f"classes are a first and a last one within 0..{CLASSES - 1}; got {classes}.")
    return weights(size), np.uint64(key), word1(stream), np.asarray(indices, np.int64), *classes


def _refuse(failed: int, classes: tuple[int, int]) -> None:
    if failed >= 0:
        raise RuntimeError(f"maze {failed}: none of {ATTEMPTS} attempts gave a layout of classes {classes}.")


@lru_cache(maxsize=16)
def weights(size: int) -> U64:
    """The weight of each edge under the 8 symmetries: uint64 (m, m, 2, 8).

    Edge (y, x, 0) joins cell (y, x) to the one on its right, (y, x, 1) to the one below; edges that leave the
    maze are there, too, and never used. The weight of the edge at lattice point (r, c), counted from the first
    cell, is output number r * (2 m - 1) + c of splitmix64 (Steele et al., OOPSLA 2014).
    """
    m = (size + 1) // 2
    last = 2 * m - 2
    y, x, down = np.meshgrid(np.arange(m), np.arange(m), np.arange(2), indexing="ij")
    r, c = 2 * y + down, 2 * x + 1 - down
    places = [
        (a, b) for row in (r, last - r) for column in (c, last - c) for a, b in ((row, column), (column, row))
    ]
    number = np.stack([a * (last + 1) + b + 1 for a, b in places], axis=-1).astype(np.uint64)
    table = _mix_array(number * np.uint64(0x9E3779B97F4A7C15))
    table.setflags(write=False)
    return table


def _mix_array(z: U64) -> U64:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@inlined
def _mix(z: np.uint64) -> np.uint64:
    """The finaliser of splitmix64: every bit of the result depends on every bit of z."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@inlined
def _below(high: np.uint32, low: np.uint32, bound: int) -> int:
    """floor(u * bound), u the fraction with the bits of `high` and then those of `low`; bound below 2^31."""
    carry = np.uint64(low) * np.uint64(bound) >> np.uint64(32)
    return np.int64(np.uint64(high) * np.uint64(bound) + carry >> np.uint64(32))


@inlined
def _ends(key: np.uint64, word: np.uint32, index: np.uint64, cells: int) -> tuple[int, int]:
    """Start and end: an ordered pair of distinct cells, every pair with equal chance."""
    a, b, c, d = philox(key, np.uint32(0), word, index)
    start, end = _below(a, b, cells), _below(c, d, cells - 1)
    return start, end + (end >= start)


@kernel
def _grow(
    grid: U8, stack: I64, m: int, start: int, key: np.uint64, word: np.uint32, index: np.uint64
) -> None:
    """Fill `grid` (m + 2, m + 2), flat, with the direction from each cell to its parent."""
    wide = m + 2
    steps = (-wide, -1, 1, wide)
    grid[:] = _BORDER
    for y in range(1, m + 1):
        grid[y * wide + 1 : y * wide + m + 1] = _NEW
    cell = (start // m + 1) * wide + start % m + 1
    grid[cell] = _ROOT
    depth = 0
    words = philox(key, np.uint32(0), word, index)
    for t in range(m * m - 1):
        if t % 4 == 0:
            words = philox(key, np.uint32(1 + t // 4), word, index)
        k = _free(grid, cell, wide)
        while k == 0:
            depth -= 1
            cell = stack[depth]
            k = _free(grid, cell, wide)
        stack[depth] = cell
        depth += 1
        pick = np.int64(np.uint64(words[t % 4]) * np.uint64(k) >> np.uint64(32))
        for direction in range(4):
            there = cell + steps[direction]
            if grid[there] == _NEW:
                if pick == 0:
                    break
                pick -= 1
        cell += steps[direction]
        grid[cell] = 3 - direction


@inlined
def _free(grid: U8, cell: int, wide: int) -> int:
    """How many neighbours of a cell are not visited yet."""
    return (
        (grid[cell - wide] == _NEW)
        + (grid[cell - 1] == _NEW)
        + (grid[cell + 1] == _NEW)
        + (grid[cell + wide] == _NEW)
    )


@kernel
def _sums(grid: U8, m: int, table: U64, sums: U64) -> None:
    """For each of the 8 symmetries, the sum of the weights of the open edges."""
    sums[:] = 0
    for y in range(m):
        for x in range(m):
            up = grid[(y + 1) * (m + 2) + x + 1]
            if up >= _NEW:
                continue
            y0, x0 = y - (up == _UP), x - (up == _LEFT)
            down = np.int64(up == _UP or up == _DOWN)
            for g in range(8):
                sums[g] += table[y0, x0, down, g]


@inlined
def _symmetric(sums: U64) -> np.uint64:
    """A hash of a layout that its rotations and reflections share."""
    total = np.uint64(0)
    for g in range(8):
        total += _mix(sums[g])
    return _mix(total)


@kernel
def _search(
    grid: U8,
    stack: I64,
    sums: U64,
    m: int,
    table: U64,
    key: np.uint64,
    word: np.uint32,
    index: np.uint64,
    lo: int,
    hi: int,
) -> tuple[int, int]:
    """Grow attempts until one has a class in lo..hi; its start and end, or (-1, -1)."""
    for attempt in range(ATTEMPTS):
        start, end = _ends(key, np.uint32(word + np.uint32(attempt)), index, m * m)
        _grow(grid, stack, m, start, key, np.uint32(word + np.uint32(attempt)), index)
        _sums(grid, m, table, sums)
        if lo <= np.int64(_symmetric(sums) % np.uint64(CLASSES)) <= hi:
            return start, end
    return -1, -1


@kernel
def _draw(
    table: U64,
    key: np.uint64,
    word: np.uint32,
    indices: I64,
    lo: int,
    hi: int,
    image: U8,
    mask: U8,
    length: I64,
) -> int:
    m = table.shape[0]
    grid, stack, sums = np.empty((m + 2) ** 2, np.uint8), np.empty(m * m, np.int64), np.empty(8, np.uint64)
    for i in range(indices.size):
        start, end = _search(grid, stack, sums, m, table, key, word, np.uint64(indices[i]), lo, hi)
        if start < 0:
            return indices[i]
        _paint_layout(grid, m, image[i])
        length[i] = _paint_path(grid, m, start, end, image[i], mask[i])
    return -1


@kernel
def _fingerprints(
    table: U64, key: np.uint64, word: np.uint32, indices: I64, lo: int, hi: int, hashes: U64
) -> int:
    m = table.shape[0]
    grid, stack, sums = np.empty((m + 2) ** 2, np.uint8), np.empty(m * m, np.int64), np.empty(8, np.uint64)
    for i in range(indices.size):
        start, end = _search(grid, stack, sums, m, table, key, word, np.uint64(indices[i]), lo, hi)
        if start < 0:
            return indices[i]
        hashes[i, 0] = _mix(sums[0] ^ _mix(np.uint64(start * m * m + end)))
        hashes[i, 1] = _mix(sums[0])
        hashes[i, 2] = _symmetric(sums)
    return -1


@inlined
def _square(picture: U8, row: int, column: int) -> U8:
    """The pixels of a lattice point, counted from the first cell, which lies behind 3 pixels of border."""
    return picture[2 * row + 3 : 2 * row + 5, 2 * column + 3 : 2 * column + 5]


@kernel
def _paint_layout(grid: U8, m: int, image: U8) -> None:
    for y in range(m):
        for x in range(m):
            up = grid[(y + 1) * (m + 2) + x + 1]
            _square(image, 2 * y, 2 * x)[:] = 255
            if up < _NEW:
                _square(image, 2 * y + (up == _DOWN) - (up == _UP), 2 * x + (up == _RIGHT) - (up == _LEFT))[
                    :
                ] = 255


@kernel
def _paint_path(grid: U8, m: int, start: int, end: int, image: U8, mask: U8) -> int:
    length = 0
    y, x = end // m, end % m
    _square(mask, 2 * y, 2 * x)[:] = 1
    while y * m + x != start:
        up = grid[(y + 1) * (m + 2) + x + 1]
        dy, dx = np.int64(up == _DOWN) - np.int64(up == _UP), np.int64(up == _RIGHT) - np.int64(up == _LEFT)
        _square(mask, 2 * y + dy, 2 * x + dx)[:] = 1
        y, x = y + dy, x + dx
        _square(mask, 2 * y, 2 * x)[:] = 1
        length += 2
    _square(image, 2 * (start // m), 2 * (start % m))[:, :, 0] = 0
    _square(image, 2 * (start // m), 2 * (start % m))[:, :, 2] = 0
    _square(image, 2 * (end // m), 2 * (end % m))[:, :, 1:] = 0
    return length
