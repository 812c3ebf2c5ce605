"""Draws mazes: how random words become walls, ends and pixels.

A maze of size n has m = (n + 1) / 2 cells a side, numbered along the rows. Its random words are one stream:

- Block 0 gives the ends: start = floor(u m^2), with u the fraction whose 64 bits are words 0 and 1; end likewise
  from words 2 and 3, among the other m^2 - 1 cells.
- Move t of the depth-first search, which is rooted at the start, takes the upper 30 bits, w, of word t % 4 of
  block 1 + t // 4. Of the k unvisited neighbours, in the order up, left, right, down, it goes to number
  floor(w k / 2^30). Where there are none, it first goes back to the latest cell that has some. m^2 - 1 moves
  visit every cell, so the layout is a tree and the path from start to end is unique.

A layout's class is its symmetric hash mod 16 (see `hashes`). Attempts 0, 1, 2, ... are drawn until it lies
in the wanted range: splits with different ranges share no layout, not even a rotated or reflected one.

Two engines draw the same bits: one for small mazes, in registers, one for any size, in memory.
"""

import numpy as np
from numpy.typing import NDArray

from easy2hard.mazes import grid, masks
from easy2hard.mazes.hashes import CLASSES
from easy2hard.rng import word1

U8 = NDArray[np.uint8]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]

ATTEMPTS = 4096  # one class alone fails that often with a chance of 10^-115


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
    engine = masks if m <= masks.MOST else grid
    failed = engine.draw(
        engine.board_for(m),
        engine.lanes_for(m),
        np.uint64(key),
        word,
        indices,
        classes,
        ATTEMPTS,
        *pictures,
        hashes,
    )
    if failed >= 0:
        raise RuntimeError(f"maze {failed}: none of {ATTEMPTS} attempts gave a layout of classes {classes}.")


def _cells(size: int) -> int:
    """How many cells a maze of a size has a side."""
    if size < 7 or size % 2 == 0:
        raise ValueError(f"a maze size is an odd whole number from 7 upwards; got {size}.")
    return (size + 1) // 2
