"""Hashes that tell which mazes are alike: the same layout, or the same up to rotation and reflection.

Every edge between two cells has a fixed 64-bit weight. A layout's sum under a symmetry g of the square is that of
the weights of its open edges after g, modulo 2^64; the hash that symmetric layouts share mixes all eight sums.
The sums cost a few additions an edge, so that they can be taken of every attempt at a maze.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from easy2hard.rng import inlined

U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]

CLASSES = 16
_SYMMETRIES = 8
_llvm = cast(Any, cgutils)  # numba's helpers for writing LLVM have no types


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


def _sum_rows(_: Any, table: Any, rows: Any, sums: Any) -> Any:
    """How numba is to compile `sum_rows`: a loop in LLVM, over vectors of eight words."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        arrays = zip(signature.args, arguments, strict=True)
        table, rows, sums = (context.make_array(kind)(context, builder, array) for kind, array in arrays)
        word, row = ir.IntType(64), ir.VectorType(ir.IntType(64), _SYMMETRIES)
        total = _llvm.alloca_once_value(builder, ir.Constant(row, [0] * _SYMMETRIES))
        with _llvm.for_range(builder, _llvm.unpack_tuple(builder, rows.shape)[0]) as loop:
            number = builder.zext(builder.load(builder.gep(rows.data, [loop.index])), word)
            place = builder.gep(table.data, [builder.mul(number, ir.Constant(word, _SYMMETRIES))])
            summand = builder.load(builder.bitcast(place, row.as_pointer()), align=8)
            builder.store(builder.add(builder.load(total), summand), total)
        builder.store(builder.load(total), builder.bitcast(sums.data, row.as_pointer()), align=8)
        return context.get_dummy_value()

    return types.void(table, rows, sums), generate


# For kernels: `sum_rows(table, rows, sums)` is `sums[:] = table[rows].sum(axis=0)` for rows of 8 uint64. It is
# spelled in LLVM because numba leaves out the pass that would make one instruction of eight additions: its
# own loop takes 3.4 times as long.
sum_rows = cast(Callable[[U64, U32, U64], None], cast(Any, intrinsic)(_sum_rows))
