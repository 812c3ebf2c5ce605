"""The median of each pixel's neighbourhood, channel by channel, with a gradient that does not depend on chance.

Images are worked on a few at a time, so that the planes in between stay in the processor's cache and memory does not
grow: each is laid out with its reflected border as one line of numbers, where a neighbour is a fixed offset away and
every minimum and maximum runs over whole lines.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from easy2hard.errors import UserError
from easy2hard.layers import pieces

_SIZES = (3, 5)


def median_filter(x: Tensor, kernel_size: int = 3) -> Tensor:
    """Median over kernel_size x kernel_size pixels of x (n, channels, height, width), borders reflected.

    The sizes are 3 and 5; the layout in memory (channels last or not) and the dtype stay. The gradient of an output is
    split equally among all pixels of its window that equal the median, so it is symmetric and the same on every
    device; `torch.median` gives all of it to one of them, and which one differs between devices. A window that
    holds a NaN has the median NaN and no gradient. The gradient has no gradient of its own.

    Raises `UserError` for another size, an x of another form, or one that is not larger than the border.
    """
    check_size(kernel_size)
    if x.dim() != 4 or not x.is_floating_point():
        raise UserError(
            f"median_filter needs floats (n, channels, height, width); got {x.dtype} {tuple(x.shape)}."
        )
    if min(x.shape[-2:]) <= kernel_size // 2:
        raise UserError(
            f"a reflected border of {kernel_size // 2} needs more than {kernel_size // 2} pixels a side; "
            f"got {x.shape[-2]} x {x.shape[-1]}."
        )
    result: Tensor = _median(x, kernel_size)
    return result


def check_size(kernel_size: int) -> None:
    """Raise `UserError` for a size that `median_filter` does not have."""
    if not isinstance(kernel_size, int) or kernel_size not in _SIZES:
        raise UserError(f"kernel_size must be 3 or 5; got {kernel_size!r}.")


class MedianFilter(nn.Module):
    """`median_filter` as a layer; it has no parameters."""

    def __init__(self, kernel_size: int = 3) -> None:
        super().__init__()
        check_size(kernel_size)
        self.kernel_size = kernel_size

    def forward(self, x: Tensor) -> Tensor:
        return median_filter(x, self.kernel_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}"


# Both halves are operators that torch.compile calls as they are. Left to fuse the network, it sorts every column anew
# for each window and reads unaligned: 7 times slower forward, 1.5 times backward.
@torch.library.custom_op("easy2hard::median", mutates_args=())
def _median(x: Tensor, size: int) -> Tensor:
    answer = _like(x)
    network = _median_of_3x3 if size == 3 else _median_of_5x5
    for part, result in pieces(_planes(x), _planes(answer), planes=size**2):
        padded = _reflected(part, size // 2)
        _, row, column, _ = padded.stride()
        result.copy_(network(padded.flatten(), row, column).as_strided(part.shape, padded.stride()))
    return answer


@_median.register_fake
def _(x: Tensor, size: int) -> Tensor:
    return _like(x)


@torch.library.custom_op("easy2hard::median_backward", mutates_args=())
def _median_backward(gradient: Tensor, x: Tensor, median: Tensor, size: int) -> Tensor:
    answer = _like(x)
    gradient = gradient.contiguous(memory_format=_format(x))
    planes = [_planes(tensor) for tensor in (x, median, gradient, answer)]
    for part, centre, share, result in pieces(*planes, planes=size**2):
        padded = _reflected(part, size // 2)
        _, row, column, _ = padded.stride()
        result.copy_(_fold(_split(padded, centre, share, size, row, column), size // 2))
    return answer


@_median_backward.register_fake
def _(gradient: Tensor, x: Tensor, median: Tensor, size: int) -> Tensor:
    return _like(x)


def _split(padded: Tensor, median: Tensor, gradient: Tensor, size: int, row: int, column: int) -> Tensor:
    """The gradient of `padded`: each window's, divided by how many of its pixels equal its median."""
    line = padded.flatten()
    places = len(line) - (size - 1) * (
        row + column
    )  # where a window can begin; in the border it means nothing, …
    centre, share = line.new_zeros(2, places)
    centre.as_strided(median.shape, padded.stride()).copy_(median)
    share.as_strided(gradient.shape, padded.stride()).copy_(gradient)  # … and has no gradient to pass on
    windows, steps = (size, size, places), (row, column, 1)
    equal = torch.eq(line.as_strided(windows, steps), centre, out=line.new_empty(windows))
    share /= equal.sum(dim=(0, 1)).clamp_(min=1)
    answer = torch.zeros_like(line)
    for sums, places_equal in zip(answer.as_strided(windows, steps), equal, strict=True):
        for total, is_equal in zip(sums, places_equal, strict=True):
            total.addcmul_(is_equal, share)
    return answer.view_as(padded)


def _keep(ctx: Any, inputs: tuple[Tensor, int], output: Tensor) -> None:
    x, ctx.size = inputs
    ctx.save_for_backward(x, output)


def _pass_back(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
    return _median_backward(gradient, *ctx.saved_tensors, ctx.size), None


_median.register_autograd(_pass_back, setup_context=_keep)


def _median_of_3x3(line: Tensor, row: int, column: int) -> Tensor:
    """The median of the window that begins at each place of a line: 18 minima and maxima.

    Each column of three is sorted once for the three windows that it belongs to; the median is that of the largest
    low, the middle middle and the smallest high.
    """
    low, middle, high = _sort(_shifted(line, row, 3), _SORT_3)
    lows, highs = _shifted(low, column, 3), _shifted(high, column, 3)
    least_high = torch.minimum(torch.minimum(highs[0], highs[1]), highs[2])
    largest_low = torch.maximum(torch.maximum(lows[0], lows[1]), lows[2])
    return _middle(largest_low, _middle(*_shifted(middle, column, 3)), least_high)


def _median_of_5x5(line: Tensor, row: int, column: int) -> Tensor:
    """The same for 5x5: 90 minima and maxima.

    Columns are sorted, neighbouring ones merged, both shared by all windows; two such pairs and the fifth column make
    the window. Of the 20 in the pairs only those of ranks 7 to 12 can be the median of all 25.
    """
    columns = _sort(_shifted(line, row, 5), _SORT_5)
    length = len(columns[0]) - column
    pairs = _merge([c[:length] for c in columns], [c[column:] for c in columns], range(10))
    length -= 3 * column
    twenty = _merge(
        [pairs[rank][:length] for rank in range(10)],
        [pairs[rank][2 * column :][:length] for rank in range(10)],
        range(7, 13),
    )
    median = twenty[12]
    for rank, last in enumerate(
        columns
    ):  # either it is last[rank], or it has 12 - rank of the twenty below it
        median = torch.minimum(median, torch.maximum(twenty[11 - rank], last[4 * column :]))
    return median


_SORT_3 = ((0, 1), (1, 2), (0, 1))
_SORT_5 = ((0, 3), (1, 4), (0, 2), (1, 3), (0, 1), (2, 4), (1, 2), (3, 4), (2, 3))


def _sort(values: list[Tensor], network: Iterable[tuple[int, int]]) -> list[Tensor]:
    """Sort the values at each place, by a network of comparisons."""
    for i, j in network:
        values[i], values[j] = torch.minimum(values[i], values[j]), torch.maximum(values[i], values[j])
    return values


def _merge(a: list[Tensor], b: list[Tensor], ranks: Iterable[int]) -> dict[int, Tensor]:
    """The values of the wanted ranks among two sorted lists: Batcher's odd-even merge, no more of it than they need."""
    if not a or not b:
        return dict(enumerate(a or b))
    if len(a) == len(b) == 1:
        pair = (torch.minimum, torch.maximum)
        return {rank: pair[rank](a[0], b[0]) for rank in ranks}
    wanted = list(ranks)
    halves = [(rank - 1) // 2 for rank in wanted]  # rank r compares this odd one with the even one after it
    evens, odds = (len(a) + 1) // 2 + (len(b) + 1) // 2, len(a) // 2 + len(b) // 2
    even = _merge(a[::2], b[::2], sorted({half + 1 for half in halves if half + 1 < evens}))
    odd = _merge(a[1::2], b[1::2], sorted({half for half in halves if 0 <= half < odds}))
    merged = {}
    for rank, half in zip(wanted, halves, strict=True):
        if half < 0 or half >= odds:
            merged[rank] = even[half + 1]
        elif half + 1 >= evens:
            merged[rank] = odd[half]
        else:
            merged[rank] = (torch.minimum if rank % 2 else torch.maximum)(odd[half], even[half + 1])
    return merged


def _middle(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    return torch.maximum(torch.minimum(a, b), torch.minimum(torch.maximum(a, b), c))


def _shifted(line: Tensor, step: int, count: int) -> list[Tensor]:
    """`count` views of a line, each `step` further on, cut to the same length."""
    return list(line.as_strided((count, len(line) - (count - 1) * step), (step, 1)).unbind())


def _format(x: Tensor) -> torch.memory_format:
    last = not x.is_contiguous() and x.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if last else torch.contiguous_format


def _like(x: Tensor) -> Tensor:
    return torch.empty_like(x, memory_format=_format(x))


def _planes(x: Tensor) -> Tensor:
    """x as it lies in memory, as (images, height, width, 1) or, channels last, (n, height, width, channels)."""
    if _format(x) == torch.channels_last:
        return x.permute(0, 2, 3, 1)
    return x.contiguous().flatten(0, 1).unsqueeze(-1)


def _reflected(part: Tensor, margin: int) -> Tensor:
    """(k, height, width, inner) with a reflected border, in at least float32: exact, and sums need it."""
    k, height, width, inner = part.shape
    dtype = torch.promote_types(part.dtype, torch.float32)
    padded = part.new_empty((k, height + 2 * margin, width + 2 * margin, inner), dtype=dtype)
    padded[:, margin:-margin, margin:-margin] = part
    for axis in (1, 2):
        for outside, inside in _mirrors(padded.shape[axis], margin):
            padded.select(axis, outside).copy_(padded.select(axis, inside))
    return padded


def _fold(gradient: Tensor, margin: int) -> Tensor:
    """The transpose of `_reflected`: what the border received belongs to the pixels that it mirrors."""
    for axis in (1, 2):
        for outside, inside in _mirrors(gradient.shape[axis], margin):
            gradient.select(axis, inside).add_(gradient.select(axis, outside))
    return gradient[:, margin:-margin, margin:-margin]


def _mirrors(side: int, margin: int) -> list[tuple[int, int]]:
    """Each line of the border, and the line inside that it repeats."""
    last = side - 1 - margin
    return [pair for i in range(1, margin + 1) for pair in ((margin - i, margin + i), (last + i, last - i))]
