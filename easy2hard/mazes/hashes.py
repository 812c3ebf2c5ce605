"""Hashes that tell which mazes are alike: the same layout, or the same up to rotation and reflection.

Every edge between two cells has a fixed 64-bit weight. A layout's sum under a symmetry g of the square is that of
the weights of its open edges after g, modulo 2^64; the hash that symmetric layouts share mixes all eight sums.
The sums cost a few additions an edge, so that they can be taken of every attempt at a maze.
"""

import numpy as np
from numpy.typing import NDArray

from easy2hard.rng import inlined

U64 = NDArray[np.uint64]

CLASSES = 16
_SYMMETRIES = 8


def weights(m: int) -> U64:
    """The weights of the edges of m x m cells under the 8 symmetries: uint64 (m, m, 2, 8), identity first.

    Edge (y, x, 0) joins cell (y, x) to the one on its right, (y, x, 1) to the one below; the edges that leave
    the maze are there, too, and never open. With cell (y, x) at lattice point (2y, 2x), an edge lies at the
    point (r, c) between its cells; its weight is output r * (2m - 1) + c of splitmix64 started at 0
    (Steele et al., "Fast splittable pseudorandom number generators", OOPSLA 2014, figure 16).
    """
    last = 2 * m - 2
    y, x, down = np.meshgrid(np.arange(m), np.arange(m), np.arange(2), indexing="ij")
    r, c = 2 * y + down, 2 * x + 1 - down
    points = [(a, b) for row in (r, last - r) for col in (c, last - c) for a, b in ((row, col), (col, row))]
    number = np.stack([a * (last + 1) + b + 1 for a, b in points], axis=-1).astype(np.uint64)
    return _mix_array(number * np.uint64(0x9E3779B97F4A7C15))


def layout_class(edges: NDArray[np.bool_]) -> int:
    """The class 0..15 of a layout, given by which edges are open: bool (m, m, 2), as in `weights`."""
    sums = weights(len(edges))[edges].sum(axis=0)
    return int(_mix_array(_mix_array(sums).sum(keepdims=True))[0]) % CLASSES


def _mix_array(z: U64) -> U64:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@inlined
def mix(z: np.uint64) -> np.uint64:
    """The finaliser of splitmix64: every bit of the result depends on every bit of z."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@inlined
def symmetric(sums: U64) -> np.uint64:
    """The hash that a layout with these eight sums shares with its rotations and reflections."""
    total = np.uint64(0)
    for g in range(_SYMMETRIES):
        total += mix(sums[g])
    return mix(total)


@inlined
def fingerprint(hashes: U64, plain: np.uint64, alike: np.uint64, ends: np.uint64) -> None:
    """The three hashes (3,) of a maze: itself, its layout, its layout up to symmetry.

    `plain` is the sum under the identity, `alike` is `symmetric` of all eight, `ends` is start * m^2 + end.
    """
    hashes[0] = mix(plain ^ mix(ends))
    hashes[1] = mix(plain)
    hashes[2] = alike
