"""For the kernels that draw mazes: loops over vectors, spelled in LLVM.

numba leaves out the pass that would make one instruction of eight additions or sixteen copies; its own loops take
three times as long and more.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from numpy.typing import NDArray

U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]

_llvm = cast(Any, cgutils)  # numba's helpers for writing LLVM have no types
_compiled = cast(Any, intrinsic)
_WORD = ir.IntType(64)
_EIGHT = ir.VectorType(ir.IntType(64), 8)
_SIXTEEN = ir.VectorType(ir.IntType(32), 16)


def _sum_rows(_: Any, table: Any, rows: Any, sums: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        arrays = zip(signature.args, arguments, strict=True)
        table, rows, sums = (context.make_array(kind)(context, builder, array) for kind, array in arrays)
        total = _llvm.alloca_once_value(builder, ir.Constant(_EIGHT, [0] * 8))
        with _llvm.for_range(builder, _llvm.unpack_tuple(builder, rows.shape)[0]) as loop:
            number = builder.zext(builder.load(builder.gep(rows.data, [loop.index])), _WORD)
            summand = _load(builder, table.data, builder.mul(number, _number(8)), _EIGHT)
            builder.store(builder.add(builder.load(total), summand), total)
        _store(builder, builder.load(total), sums.data, _number(0))
        return context.get_dummy_value()

    return types.void(table, rows, sums), generate


def _lay(_: Any, table: Any, row: Any, other: Any, target: Any, at: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        table, target = (
            context.make_array(signature.args[i])(context, builder, arguments[i]) for i in (0, 3)
        )
        width = _llvm.unpack_tuple(builder, table.shape)[1]
        row, other, at = (arguments[i] for i in (1, 2, 4))
        with _llvm.for_range(builder, builder.udiv(width, _number(16))) as loop:
            place = builder.mul(loop.index, _number(16))
            first, second = (
                _load(builder, table.data, builder.add(builder.mul(number, width), place), _SIXTEEN)
                for number in (row, other)
            )
            _store(builder, builder.or_(first, second), target.data, builder.add(at, place))
        return context.get_dummy_value()

    return types.void(table, types.uintp, types.uintp, target, types.uintp), generate


def _number(value: int) -> Any:
    return ir.Constant(_WORD, value)


def _load(builder: Any, data: Any, place: Any, kind: Any) -> Any:
    return builder.load(builder.bitcast(builder.gep(data, [place]), kind.as_pointer()), align=4)


def _store(builder: Any, vector: Any, data: Any, place: Any) -> None:
    builder.store(vector, builder.bitcast(builder.gep(data, [place]), vector.type.as_pointer()), align=4)


# `sum_rows(table, rows, sums)` is `sums[:] = table[rows].sum(axis=0)` for rows of 8 uint64.
sum_rows = cast(Callable[[U64, U32, U64], None], _compiled(_sum_rows))

# `lay(table, row, other, target, at)` is `target[at : at + width] = table[row] | table[other]` for rows of uint32
# whose width is a multiple of 16.
lay = cast(Callable[[U32, np.uintp, np.uintp, U32, np.uintp], None], _compiled(_lay))
