"""Grows mazes of at most 7 x 7 cells within registers: a set of cells is one 64-bit word, a bit for each.

Cell (y, x) is bit y * (m + 1) + x; the column between two rows belongs to no maze, so that no shift leads from one row
into the next. Every move, forwards or one cell back, is the same few operations whatever the maze looks like: a loop
over mazes has no branches and is vectorised.

The cells on the stack are the way from the start to where the search is: at the end, that is the answer.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from easy2hard.mazes.hashes import CLASSES, fingerprint, symmetric, weights
from easy2hard.mazes.tries import Tries, counters, fill, no_tries, put_back
from easy2hard.mazes.vectors import lay, sum_rows
from easy2hard.mazes.words import DIGITS, digit, draw_block, ends
from easy2hard.rng import inlined, kernel

U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]
Places = NDArray[np.uintp]

MOST = 7  # cells a side

_LANES = 64  # the operations of a move wait for each other: eight vectors in turn keep the processor busy


class Board(NamedTuple):
    """What all mazes of m x m cells share."""

    m: int
    inside: np.uint64  # all cells
    bit: U64  # by the number of a cell: the set of it alone
    pixel: Places  # by the number of a cell: its first pixel
    weights: U64  # by which four places, and which of them are in a set: their edges' sums under 8 symmetries
    across: U32  # by the cells of a row whose edge to the right is open: two rows of pixels
    along: U32  # by those whose edge downwards is: the two rows of pixels below
    marks: (
        U32  # by the cells of a row on the path, or 2^m + those whose edge to the right is: rows of the mask
    )


class Lanes(NamedTuple):
    """The mazes that grow side by side; (lanes,) each."""

    at: U64  # the cell where the search is; none when it is over
    free: U64  # the cells not visited yet
    stack: U64  # the cells on the way there from the start
    right: U64  # the cells whose edge to the right is open
    down: U64  # the cells whose edge downwards is open
    goal: U64  # the end
    path: U64  # the cells on the way from start to end
    soon: U64  # digits to come, 4 bits each, the first one lowest
    then: U64  # those after them
    later: U64
    start: Places  # the number of the cell
    end: Places
    tries: Tries


@lru_cache(maxsize=4)
def board_for(m: int) -> Board:
    y, x = np.divmod(np.arange(m * m), m)
    place, side = y * (m + 1) + x, 4 * m + 4
    bit = np.uint64(1) << place.astype(np.uint64)
    by_place = np.zeros((2, 64, 8), np.uint64)
    by_place[:, place] = weights(m).reshape(m * m, 2, 8).swapaxes(0, 1)
    fours = by_place[:, : 4 * _groups(m)].reshape(2, _groups(m), 4, 8)
    subsets = (np.arange(16)[:, None] >> np.arange(4) & 1).astype(np.uint64)
    rows = np.arange(2**m)[:, None] >> np.arange(m) & 1
    cell, link = (np.stack(pair, -1).reshape(2**m, 2 * m) for pair in ((rows, 0 * rows), (0 * rows, rows)))
    every = np.tile([1, 0], m)
    return Board(
        m=m,
        inside=np.bitwise_or.reduce(bit),
        bit=bit,
        pixel=((4 * y + 3) * side + 4 * x + 3).astype(np.uintp),
        weights=np.einsum("sb,dgbw->dgsw", subsets, fours).reshape(-1, 8),
        across=_strips(255 * (every | link), 3),
        along=_strips(255 * cell, 3),
        marks=_strips(np.concatenate([cell, link]), 1),
    )


def _groups(m: int) -> int:
    """How many groups of four places hold all edges of a direction."""
    return -(-m * (m + 1) // 4)


def _strips(points: NDArray[np.int64], channels: int) -> U32:
    """Two equal rows of pixels for a row of 2 m lattice points, the last of them border: uint32 (n, 16 k)."""
    row = np.pad(points.repeat(2, axis=1), ((0, 0), (3, 1))).repeat(channels, axis=1)
    rows = np.tile(row, 2).astype(np.uint8)
    return np.pad(rows, ((0, 0), (0, -rows.shape[1] % 64))).view(np.uint32)


def lanes_for(_: int) -> Lanes:
    at, free, stack, right, down, goal, path, soon, then, later = np.zeros((10, _LANES), np.uint64)
    start, end = np.zeros((2, _LANES), np.uintp)
    tries = no_tries(_LANES)
    return Lanes(at, free, stack, right, down, goal, path, soon, then, later, start, end, tries)


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
    """Grow lanes full of attempts until every sample has one of a wanted class; see `grid.draw`."""
    sums, groups = np.empty(8, np.uint64), np.empty(board.weights.shape[0] // 16, np.uint32)
    pixels, marks = image.view(np.uint32), mask.view(np.uint32)
    taken = used = 0
    while used > 0 or taken < indices.size:
        used, taken = fill(lanes.tries, used, taken, indices.size)
        _roll(board, lanes, key, word1, indices)
        _grow(board, lanes)
        rejected = 0
        for lane in range(used):
            sample = lanes.tries.sample[lane]
            _group(lanes.right[lane], lanes.down[lane], groups)
            sum_rows(board.weights, groups, sums)
            total = symmetric(sums)
            if classes[0] <= np.int64(total % np.uint64(CLASSES)) <= classes[1]:
                start, end = lanes.start[lane], lanes.end[lane]
                if image.size > 0:
                    length[sample] = _paint(board, lanes, lane, pixels[sample], marks[sample])
                    _colour(board, board.pixel[start], image[sample], 0, 255)
                    _colour(board, board.pixel[end], image[sample], 255, 0)
                fingerprint(hashes[sample], sums[0], total, start * np.uint64(board.m * board.m) + end)
            elif put_back(lanes.tries, lane, rejected) == attempts:
                return int(indices[sample])
            else:
                rejected += 1
        used = rejected
    return -1


@inlined
def _roll(board: Board, lanes: Lanes, key: np.uint64, word1: np.uint32, indices: I64) -> None:
    """Draw ends and digits of all lanes, and put their searches at the start."""
    index, words1 = np.empty(_LANES, np.uint64), np.empty(_LANES, np.uint32)
    counters(lanes.tries, word1, indices, words1, index)
    words = np.empty((4, _LANES), np.uint32)
    draw_block(words, key, 0, words1, index)
    for lane in range(_LANES):
        start, end = ends(words[:, lane], board.m)
        lanes.start[lane], lanes.end[lane] = start, end
        lanes.at[lane] = lanes.stack[lane] = board.bit[np.uintp(start)]
        lanes.goal[lane] = board.bit[np.uintp(end)]
        lanes.free[lane] = board.inside ^ board.bit[np.uintp(start)]
        lanes.right[lane] = lanes.down[lane] = lanes.path[lane] = np.uint64(0)
        lanes.soon[lane] = lanes.then[lane] = lanes.later[lane] = np.uint64(0)
    for block in range((board.m * board.m + 2) // 4):
        draw_block(words, key, 1 + block, words1, index)
        shift = np.uint64(16 * (block % 4))
        if block < 4:
            _queue(lanes.soon, words, shift)
        elif block < 8:
            _queue(lanes.then, words, shift)
        else:
            _queue(lanes.later, words, shift)


@inlined
def _queue(digits: U64, words: U32, shift: np.uint64) -> None:
    """Append the digits of four words (4, lanes)."""
    first, second, third, fourth = words[0], words[1], words[2], words[3]
    for lane in range(_LANES):
        at = np.uintp(lane)
        low = np.uint64(digit(first[at])) | np.uint64(digit(second[at])) << np.uint64(4)
        high = np.uint64(digit(third[at])) | np.uint64(digit(fourth[at])) << np.uint64(4)
        digits[at] |= (low | high << np.uint64(8)) << shift


@inlined
def _grow(board: Board, lanes: Lanes) -> None:
    """Search depth first in all lanes, a move of each in turn, until all cells of all are visited."""
    zero, one, four, sixty = np.uint64(0), np.uint64(1), np.uint64(4), np.uint64(60)
    wide, left = np.uint64(board.m + 1), one
    while left != zero:
        left = zero
        for lane in range(_LANES):
            at, free, stack = lanes.at[lane], lanes.free[lane], lanes.stack[lane]
            right, down = lanes.right[lane], lanes.down[lane]
            digits, then, later = lanes.soon[lane], lanes.then[lane], lanes.later[lane]
            before, above = at >> one, at >> wide
            choices = (above | before | at << one | at << wide) & free  # up, left, right, down by their bits
            # Of k choices, number digit * k // 12: those before it are left out, and the lowest of the rest is taken.
            from_second = choices & (choices - one)
            from_third = from_second & (from_second - one)
            fourth = from_third & (from_third - one)
            more = np.uint64(from_second != zero) + np.uint64(from_third != zero) + np.uint64(fourth != zero)
            number = (digits & np.uint64(15)) * (one + more)
            chosen = from_second if number >= np.uint64(DIGITS) else choices
            chosen = from_third if number >= np.uint64(2 * DIGITS) else chosen
            chosen = fourth if number >= np.uint64(3 * DIGITS) else chosen
            there = chosen & (zero - chosen)
            back = (before & right | (at & right) << one | above & down | (at & down) << wide) & stack
            stuck = choices == zero
            free &= ~there
            left |= free
            lanes.free[lane] = free
            lanes.right[lane] = right | at & there >> one | before & there
            lanes.down[lane] = down | at & there >> wide | above & there
            stack = stack ^ at if stuck else stack | there
            at = back if stuck else there
            lanes.at[lane], lanes.stack[lane] = at, stack
            if at == lanes.goal[lane]:
                lanes.path[lane] = stack
            lanes.soon[lane] = digits if stuck else digits >> four | then << sixty
            lanes.then[lane] = then if stuck else then >> four | later << sixty
            lanes.later[lane] = later if stuck else later >> four


@inlined
def _group(right: np.uint64, down: np.uint64, groups: U32) -> None:
    """The rows of the table of weights whose sum is that of all open edges."""
    half = groups.size // 2
    for group in range(half):
        place, first = np.uint64(4 * group), np.uint64(16 * group)
        groups[np.uintp(group)] = first + (right >> place & np.uint64(15))
        groups[np.uintp(half + group)] = np.uint64(16 * half) + first + (down >> place & np.uint64(15))


@inlined
def _paint(board: Board, lanes: Lanes, lane: int, image: U32, mask: U32) -> int:
    """Paint a maze on a flat image and a flat mask, both in words of 32 bits; returns the length of its path.

    From the top down, two rows of pixels at a time, in whole vectors: what one writes beyond its two rows, the
    next covers, and the border at the bottom takes the rest, which is black.
    """
    m, one, row, wide = board.m, np.uint64(1), np.uint64((1 << board.m) - 1), np.uintp(board.m + 1)
    right, down, path = lanes.right[lane], lanes.down[lane], lanes.path[lane]
    linked, hanging = right & path & path >> one, down & path & path >> np.uint64(wide)
    at, mark = (
        np.uintp(9) * wide,
        np.uintp(3) * wide,
    )  # three rows of pixels, whose words are 3 (m + 1) and m + 1
    _blacken(image, at)
    _blacken(mask, mark)
    for y in range(m):
        shift = np.uint64(y) * np.uint64(wide)
        crossing = right >> shift & row
        lay(board.across, crossing, crossing, image, at)
        lay(board.marks, path >> shift & row, row + one + (linked >> shift & row), mask, mark)
        if y < m - 1:
            falling, marked = down >> shift & row, hanging >> shift & row
            lay(board.along, falling, falling, image, at + np.uintp(6) * wide)
            lay(board.marks, marked, marked, mask, mark + np.uintp(2) * wide)
        at, mark = at + np.uintp(12) * wide, mark + np.uintp(4) * wide
    return 2 * _count(path) - 2


@inlined
def _blacken(pixels: U32, words: np.uintp) -> None:
    """Zero both ends."""
    for i in range(words):
        pixels[i] = 0
    for i in range(pixels.size - words, pixels.size):
        pixels[np.uintp(i)] = 0


@inlined
def _count(cells: np.uint64) -> int:
    """How many cells a set has: sums of 2, 4, 8 bits side by side, then of all bytes."""
    cells -= cells >> np.uint64(1) & np.uint64(0x5555555555555555)
    pairs = np.uint64(0x3333333333333333)
    cells = (cells & pairs) + (cells >> np.uint64(2) & pairs)
    cells = cells + (cells >> np.uint64(4)) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int(cells * np.uint64(0x0101010101010101) >> np.uint64(56))


@inlined
def _colour(board: Board, pixel: np.uintp, image: U8, red: int, green: int) -> None:
    """Colour the 2x2 pixels of a cell."""
    for row in range(2):
        at = np.uintp(3) * (pixel + np.uintp(row * (4 * board.m + 4)))
        for byte, value in enumerate((red, green, 0, red, green, 0)):
            image[at + np.uintp(byte)] = value
