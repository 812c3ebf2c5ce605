"""Draws mazes: how random words become walls, ends and pixels.

A maze of size n has m = (n + 1) / 2 cells a side, numbered along the rows. Its random words are one stream:

- Block 0 gives the ends: start = floor(u m^2), with u the fraction whose 64 bits are words 0 and 1; end likewise
  from words 2 and 3, among the other m^2 - 1 cells.
- Move t of the depth-first search, which is rooted at the start, takes the upper 30 bits, w, of word t % 4 of
  block 1 + t // 4. Of the k unvisited neighbours, in the order up, left, right, down, it goes to number
  floor(w k / 2^30). Where there are none, it first goes back to the latest cell that has some. m^2 - 1 moves
  visit every cell, so the layout is a tree and the path from start to end is unique.

A layout's class is its symmetric hash mod 16 (see `_maze_hash`). Attempts 0, 1, 2, ... are drawn until it lies
in the wanted range: splits with different ranges share no layout, not even a rotated or reflected one.

For speed, 16 mazes grow side by side, a move of each in turn: while one waits for memory, others advance.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from easy2hard.rng import inlined, kernel, philox, word1
from easy2hard.tasks._maze_hash import CLASSES, mix, sum_rows, symmetric, weights

U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]
Places = NDArray[np.uintp]  # unsigned, because numba would check signed indices for being negative

ATTEMPTS = 4096  # one class alone fails that often with a chance of 10^-115

_LANES = 16
_DIGITS = 12  # what a move needs of its word: floor(w k / 2^30) = floor(digit k / 12), as k is 1, 2, 3 or 4
_ROOT = 4  # stands for the direction to the parent, which the start has not


def draw(
    size: int, key: int, indices: I64, classes: tuple[int, int], stream: int = 0
) -> tuple[U8, U8, I64, U64]:
    """Image (n, S, S, 3), mask (n, S, S) of 0 and 1, path length (n,) and hashes (n, 3), with S = 2 * size + 6.

    `classes` are the first and the last class allowed. The length is counted in steps between lattice
    points: two for each move from cell to cell. The hashes, those of `fingerprints`, cost next to nothing here.
    """
    n, side = len(indices), 4 * _cells(size) + 4
    image, mask = np.empty((n, side, side, 3), np.uint8), np.empty((n, side, side), np.uint8)
    length, hashes = np.empty(n, np.int64), np.empty((n, 3), np.uint64)
    pictures = (image.reshape(n, side * side * 3), mask.reshape(n, side * side), length)
    _run(size, key, indices, classes, stream, pictures, hashes)
    return image, mask, length, hashes


def fingerprints(size: int, key: int, indices: I64, classes: tuple[int, int], stream: int = 0) -> U64:
    """Three 64-bit hashes (n, 3): of the maze, of its layout alone, of its layout up to symmetry."""
    hashes = np.empty((len(indices), 3), np.uint64)
    nothing = np.empty((0, 0), np.uint8)
    _run(size, key, indices, classes, stream, (nothing, nothing, np.empty(0, np.int64)), hashes)
    return hashes


def _run(
    size: int,
    key: int,
    indices: I64,
    classes: tuple[int, int],
    stream: int,
    pictures: tuple[U8, U8, I64],
    hashes: U64,
) -> None:
    if not 0 <= classes[0] <= classes[1] < CLASSES:
        raise ValueError(f"classes are a first and a last one within 0..{CLASSES - 1}; got {classes}.")
    m, word, indices = _cells(size), word1(stream), np.asarray(indices, np.int64)
    failed = _draw(_board(m), _lanes(m), np.uint64(key), word, indices, classes, ATTEMPTS, *pictures, hashes)
    if failed >= 0:
        raise RuntimeError(f"maze {failed}: none of {ATTEMPTS} attempts gave a layout of classes {classes}.")


def _cells(size: int) -> int:
    """How many cells a maze of a size has a side."""
    if size < 7 or size % 2 == 0:
        raise ValueError(f"a maze size is an odd whole number from 7 upwards; got {size}.")
    return (size + 1) // 2


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
    sample: I64  # (lanes,): for which of the samples asked for
    attempt: U32  # (lanes,)


@lru_cache(maxsize=16)
def _board(m: int) -> Board:
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
        for digit in range(_DIGITS):
            table[free, digit] = choices[digit * len(choices) // _DIGITS]
    return table.reshape(-1)


def _lanes(m: int) -> Lanes:
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
        sample=np.zeros(_LANES, np.int64),
        attempt=np.zeros(_LANES, np.uint32),
    )


@kernel
def _draw(
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
        while used < _LANES and taken < indices.size:
            lanes.sample[used], lanes.attempt[used] = taken, 0
            taken += 1
            used += 1
        _roll(board, lanes, used, key, word1, indices)
        _grow(board, lanes, used)
        rejected = 0
        for lane in range(used):
            sample = lanes.sample[lane]
            sum_rows(board.weights, lanes.edges[lane], sums)
            if classes[0] <= np.int64(symmetric(sums) % np.uint64(CLASSES)) <= classes[1]:
                if image.size > 0:
                    length[sample] = _paint(board, lanes, lane, image[sample], mask[sample])
                _hash(board, lanes, lane, sums, hashes[sample])
            else:
                # Rejected lanes move to the front and try again; those behind them take new samples.
                lanes.sample[rejected], lanes.attempt[rejected] = sample, lanes.attempt[lane] + 1
                if lanes.attempt[rejected] == attempts:
                    return int(indices[sample])
                rejected += 1
        used = rejected
    return -1


@inlined
def _roll(board: Board, lanes: Lanes, used: int, key: np.uint64, word1: np.uint32, indices: I64) -> None:
    """Draw ends and digits: block after block, each for all lanes in one loop that can be vectorised."""
    index, words1 = np.empty(_LANES, np.uint64), np.empty(_LANES, np.uint32)
    for lane in range(_LANES):  # unused lanes draw what nobody reads
        index[lane] = np.uint64(indices[lanes.sample[lane]])
        words1[lane] = word1 + lanes.attempt[lane]
    words = np.empty((4, _LANES), np.uint32)
    _draw_block(words, key, 0, words1, index)
    for lane in range(used):
        lanes.start[lane], lanes.end[lane] = _ends(board, words[:, lane])
    digits = lanes.digits.reshape(-1)
    for block in range(lanes.digits.shape[0] // 4):
        _draw_block(words, key, 1 + block, words1, index)
        first, flat = np.uintp(4 * _LANES * block), words.reshape(-1)
        for i in range(4 * _LANES):
            digits[first + np.uintp(i)] = _digit(flat[np.uintp(i)])


@inlined
def _draw_block(words: U32, key: np.uint64, block: int, words1: U32, index: U64) -> None:
    first, second, third, fourth = words[0], words[1], words[2], words[3]
    for lane in range(_LANES):
        at = np.uintp(lane)
        drawn = philox(key, np.uint32(block), words1[at], index[at])
        first[at], second[at], third[at], fourth[at] = drawn


@inlined
def _digit(word: np.uint32) -> np.uint8:
    """floor(12 u), u the fraction with the upper 30 bits of the word."""
    return np.uint8(np.uint32(np.uint32(word >> np.uint32(2)) * np.uint32(3)) >> np.uint32(28))


@inlined
def _ends(board: Board, words: U32) -> tuple[np.uintp, np.uintp]:
    """Start and end: every pair of distinct cells has the same chance."""
    cells, one = np.uint64(board.m * board.m), np.uint64(1)
    start, end = _below(words[0], words[1], cells), _below(words[2], words[3], cells - one)
    if end >= start:
        end += one
    return board.cell[np.uintp(start)], board.cell[np.uintp(end)]


@inlined
def _below(high: np.uint32, low: np.uint32, bound: np.uint64) -> np.uint64:
    """floor(u * bound), u the fraction with the bits of `high` and then those of `low`; bound below 2^32."""
    carry = np.uint64(low) * bound >> np.uint64(32)
    return np.uint64(high) * bound + carry >> np.uint64(32)


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
def _hash(board: Board, lanes: Lanes, lane: int, sums: U64, hashes: U64) -> None:
    start, end = board.number[lanes.start[lane]], board.number[lanes.end[lane]]
    hashes[0] = mix(sums[0] ^ mix(start * np.uint64(board.m * board.m) + end))
    hashes[1] = mix(sums[0])
    hashes[2] = symmetric(sums)


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
