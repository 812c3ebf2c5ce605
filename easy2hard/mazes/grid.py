"""Grows mazes of any size on grids in memory, a byte for each cell.

For speed, 16 mazes grow side by side, a move of each in turn: while one waits for memory, others advance.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from easy2hard.mazes.hashes import CLASSES, fingerprint, symmetric, weights
from easy2hard.mazes.tries import Tries, counters, fill, no_tries, put_back
from easy2hard.mazes.vectors import sum_rows
from easy2hard.mazes.words import DIGITS, digit, draw_block, ends
from easy2hard.rng import inlined, kernel

U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]
Places = NDArray[np.uintp]  # unsigned, because numba would check signed indices for being negative

_LANES = 16
_ROOT = 4  # stands for the direction to the parent, which the start has not


class Board(NamedTuple):
    """What all mazes of m x m cells share.

    Cells are numbered along the rows of a grid with a border. Its width is even, so that the sum of two
    neighbours tells which they are: that is the number of the edge between them.
    """

    m: int
    wide: int  # the grid's width
    side: int  # of the image, in pixels
    cell: Places  # by its number without the border
    number: U64  # by cell: its number without the border
    free: U8  # by cell: the directions in which there is another; bit 0 up, 1 left, 2 right, 3 down
    move: Places  # by choice, 16 * free directions + digit: what the move adds to the cell, modulo 2^64
    origin: U8  # by choice: the direction from which the move came
    step: Places  # by direction: what a move there adds to the cell; 0 for `_ROOT`
    weights: U64  # by edge: 8 weights
    pixel: Places  # by cell: where its first pixel lies in the mask
    between: Places  # by direction: from a cell's first pixel to that of the lattice point it opens
    picture: U8  # the image where all walls stand


class Lanes(NamedTuple):
    """The mazes that grow side by side. The arrays by cell are flat, one grid after the other."""

    free: U8  # by cell: the directions of unvisited neighbours
    parent: U8  # by cell: the direction to the parent
    stack: U32  # m^2 for each lane: the visited cells that may still have unvisited neighbours
    edges: U32  # (lanes, moves): the edges opened
    digits: U8  # (moves, lanes): random numbers below 12
    cell: Places  # (lanes,): where the search is
    depth: Places  # (lanes,): of the stack
    start: Places  # (lanes,)
    end: Places  # (lanes,)
    tries: Tries


@lru_cache(maxsize=16)
def board_for(m: int) -> Board:
    wide, side = m + 2 + m % 2, 4 * m + 4
    y, x = np.divmod(np.arange((m + 2) * wide), wide)
    free = (y > 1) << 0 | (x > 1) << 1 | (x < m) << 2 | (y < m) << 3
    picture = np.zeros((side, side, 3), np.uint8)
    for row, column in ((3, 3), (3, 4), (4, 3), (4, 4)):
        picture[row : side - 3 : 4, column : side - 3 : 4] = 255
    direction, step = _directions(), np.array([-wide, -1, 1, wide, 0]).astype(np.uintp)
    inside = np.flatnonzero((y >= 1) & (y <= m) & (x >= 1) & (x <= m))
    by_edge = np.zeros((2 * len(y), 8), np.uint64)
    by_edge[2 * inside + 1], by_edge[2 * inside + wide] = weights(m).reshape(m * m, 2, 8).swapaxes(0, 1)
    return Board(
        m=m,
        wide=wide,
        side=side,
        cell=inside.astype(np.uintp),
        number=((y - 1) * m + x - 1).astype(np.uint64),
        free=free.astype(np.uint8),
        move=step[direction],
        origin=(3 - direction).astype(np.uint8),
        step=step,
        weights=by_edge,
        pixel=((4 * y - 1) * side + 4 * x - 1).astype(np.uintp),
        between=np.array([-2 * side, -2, 2, 2 * side, 0]).astype(np.uintp),
        picture=picture.reshape(-1),
    )


def _directions() -> U8:
    """By 16 * free + digit: of the k directions in the bits of `free`, number digit * k // 12."""
    table = np.zeros((16, 16), np.uint8)
    for free in range(1, 16):
        choices = [direction for direction in range(4) if free >> direction & 1]
        for number in range(DIGITS):
            table[free, number] = choices[number * len(choices) // DIGITS]
    return table.reshape(-1)


def lanes_for(m: int) -> Lanes:
    cells, blocks = (m + 2) * (m + 2 + m % 2), (m * m + 2) // 4
    return Lanes(
        free=np.empty(_LANES * cells, np.uint8),
        parent=np.empty(_LANES * cells, np.uint8),
        stack=np.empty(_LANES * m * m, np.uint32),
        edges=np.empty((_LANES, m * m - 1), np.uint32),
        digits=np.empty((4 * blocks, _LANES), np.uint8),
        cell=np.empty(_LANES, np.uintp),
        depth=np.empty(_LANES, np.uintp),
        start=np.empty(_LANES, np.uintp),
        end=np.empty(_LANES, np.uintp),
        tries=no_tries(_LANES),
    )


@kernel
def draw(
    board: Board,
    lanes: Lanes,
    key: np.uint64,
    word1: np.uint32,
    indices: I64,
    classes: tuple[int, int],
    attempts: int,
    image: U8,
    mask: U8,
    length: I64,
    hashes: U64,
) -> int:
    """Grow lanes full of attempts until every sample has one of a wanted class.

    Pictures are made where there is room for them. Returns -1, or the index of a sample for which
    all attempts failed.
    """
    sums = np.empty(8, np.uint64)
    taken = used = 0
    while used > 0 or taken < indices.size:
        used, taken = fill(lanes.tries, used, taken, indices.size)
        _roll(board, lanes, used, key, word1, indices)
        _grow(board, lanes, used)
        rejected = 0
        for lane in range(used):
            sample = lanes.tries.sample[lane]
            sum_rows(board.weights, lanes.edges[lane], sums)
            total = symmetric(sums)
            if classes[0] <= np.int64(total % np.uint64(CLASSES)) <= classes[1]:
                if image.size > 0:
                    length[sample] = _paint(board, lanes, lane, image[sample], mask[sample])
                start, end = board.number[lanes.start[lane]], board.number[lanes.end[lane]]
                fingerprint(hashes[sample], sums[0], total, start * np.uint64(board.m * board.m) + end)
            elif put_back(lanes.tries, lane, rejected) == attempts:
                return int(indices[sample])
            else:
                rejected += 1
        used = rejected
    return -1


@inlined
def _roll(board: Board, lanes: Lanes, used: int, key: np.uint64, word1: np.uint32, indices: I64) -> None:
    """Draw ends and digits, block after block."""
    index, words1 = np.empty(_LANES, np.uint64), np.empty(_LANES, np.uint32)
    counters(lanes.tries, word1, indices, words1, index)
    words = np.empty((4, _LANES), np.uint32)
    draw_block(words, key, 0, words1, index)
    for lane in range(used):
        start, end = ends(words[:, lane], board.m)
        lanes.start[lane], lanes.end[lane] = board.cell[np.uintp(start)], board.cell[np.uintp(end)]
    digits = lanes.digits.reshape(-1)
    for block in range(lanes.digits.shape[0] // 4):
        draw_block(words, key, 1 + block, words1, index)
        first, flat = np.uintp(4 * _LANES * block), words.reshape(-1)
        for i in range(4 * _LANES):
            digits[first + np.uintp(i)] = digit(flat[np.uintp(i)])


@inlined
def _grow(board: Board, lanes: Lanes, used: int) -> None:
    """Search depth first in the used lanes, a move of each in turn; fills `parent` and `edges`."""
    free, cells = lanes.free, np.uintp(board.free.size)
    one, four = np.uintp(1), np.uintp(4)
    for lane in range(used):
        _begin(board, lanes, np.uintp(lane))
    for t in range(board.m * board.m - 1):
        for lane in range(used):
            at = np.uintp(lane)
            cell, depth = lanes.cell[at], lanes.depth[at]
            while free[cell] == 0:
                depth -= one
                cell = np.uintp(lanes.stack[depth])
            choice = np.uintp(free[cell]) << four | np.uintp(lanes.digits[np.uintp(t), at])
            lanes.stack[depth] = cell
            lanes.depth[at] = depth + one
            there = cell + board.move[choice]
            lanes.cell[at] = there
            lanes.parent[there] = board.origin[choice]
            lanes.edges[at, np.uintp(t)] = cell + there - at * (cells + cells)
            _visit(board, free, there)


@inlined
def _begin(board: Board, lanes: Lanes, lane: np.uintp) -> None:
    """An empty grid, and the search at the start."""
    cells = np.uintp(board.free.size)
    for cell in range(board.free.size):  # numba copies slices far more slowly than this loop
        lanes.free[lane * cells + np.uintp(cell)] = board.free[np.uintp(cell)]
    start = lane * cells + lanes.start[lane]
    lanes.cell[lane], lanes.depth[lane] = start, lane * np.uintp(board.m * board.m)
    lanes.parent[start] = _ROOT
    _visit(board, lanes.free, start)


@inlined
def _visit(board: Board, free: U8, cell: np.uintp) -> None:
    """Tell the neighbours above, left, right and below that this cell is not free any more."""
    wide, one = np.uintp(board.wide), np.uintp(1)
    free[cell - wide] &= np.uint8(0b0111)
    free[cell - one] &= np.uint8(0b1011)
    free[cell + one] &= np.uint8(0b1101)
    free[cell + wide] &= np.uint8(0b1110)


@inlined
def _paint(board: Board, lanes: Lanes, lane: int, image: U8, mask: U8) -> int:
    """Paint a maze on a flat image and a flat mask; returns the length of its path."""
    cells = board.free.size
    parent = lanes.parent[lane * cells : (lane + 1) * cells]
    start, cell = lanes.start[lane], lanes.end[lane]
    _open_walls(board, parent, image)
    _colour(board, board.pixel[start], image, 0, 255, 0)
    _colour(board, board.pixel[cell], image, 255, 0, 0)
    for i in range(mask.size):
        mask[np.uintp(i)] = 0
    _mark(board, board.pixel[start], mask)
    length = 0
    while cell != start:
        direction = np.uintp(parent[cell])
        _mark(board, board.pixel[cell], mask)
        _mark(board, board.pixel[cell] + board.between[direction], mask)
        cell += board.step[direction]
        length += 2
    return length


@inlined
def _open_walls(board: Board, parent: U8, image: U8) -> None:
    for i in range(image.size):
        image[np.uintp(i)] = board.picture[np.uintp(i)]
    for y in range(1, board.m + 1):
        row = np.uintp(y * board.wide)
        for x in range(1, board.m + 1):
            cell = row + np.uintp(x)
            _colour(board, board.pixel[cell] + board.between[np.uintp(parent[cell])], image, 255, 255, 255)


@inlined
def _colour(board: Board, pixel: np.uintp, image: U8, red: int, green: int, blue: int) -> None:
    """Colour the 2x2 pixels of a lattice point."""
    for row in range(2):
        at = np.uintp(3) * (pixel + np.uintp(row * board.side))
        for byte, value in enumerate((red, green, blue, red, green, blue)):
            image[at + np.uintp(byte)] = value


@inlined
def _mark(board: Board, pixel: np.uintp, mask: U8) -> None:
    """Mark the 2x2 pixels of a lattice point."""
    for row in range(2):
        at = pixel + np.uintp(row * board.side)
        mask[at] = 1
        mask[at + np.uintp(1)] = 1
