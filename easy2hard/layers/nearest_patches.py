"""The nearest patches of every patch of an image, within a window around it, by squared distance.

Distances are sums over boxes of one squared difference for each shift, so that a patch costs a few additions a shift
whatever its size. Images, and bands of rows of large ones, are worked on a few at a time: the memory is bounded.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from easy2hard.errors import UserError, whole

_DISTANCES_AT_ONCE = {"cpu": 2**21}  # 8 megabytes
_DISTANCES_AT_ONCE_ELSEWHERE = 2**27
_GROUP = (
    8  # of the distances of a patch: the nearest are looked for in the groups with the least minima alone
)


@torch.no_grad()
def nearest_patches(x: Tensor, size: int, *, reach: int, count: int) -> tuple[Tensor, Tensor]:
    """The `count` nearest of the (2 `reach` + 1)^2 patches around each patch of size x size pixels; no gradient.

    x is (n, height, width), with a border of `reach` pixels whose patches may be found but have no answer of their own.
    Returns the distances, ascending, and the places, both (n, patches, count): patches row by row, a place as the
    column of `F.unfold(x, size)` with the border. A patch itself comes first, at distance 0; the order of others that
    lie equally far is open.

    Raises `UserError` where the window has fewer patches than `count`, or x no patch inside its border.
    """
    whole("nearest_patches", size=size, count=count)
    whole("nearest_patches", reach=reach, least=0)
    side = 2 * reach + 1
    if count > side**2:
        raise UserError(
            f"a window of {side} x {side} patches has no {count} nearest; ask for 1 to {side**2}."
        )
    if x.dim() != 3 or min(x.shape[1:]) < size + 2 * reach:
        raise UserError(
            f"nearest_patches needs (n, height, width) of at least {size + 2 * reach} pixels a side, the border of "
            f"{reach} with it; got {tuple(x.shape)}."
        )
    rows, columns = (length - size + 1 - 2 * reach for length in x.shape[1:])
    most = _DISTANCES_AT_ONCE.get(x.device.type, _DISTANCES_AT_ONCE_ELSEWHERE)
    band = max(1, most // (side**2 * columns))  # rows of patches
    found = [
        _of_bands(images, size, reach, count, min(band, rows))
        for images in torch.split(x, max(1, band // rows))
    ]
    distances, places = (torch.cat(parts) for parts in zip(*found, strict=True))
    return distances, places


def _of_bands(x: Tensor, size: int, reach: int, count: int, band: int) -> tuple[Tensor, Tensor]:
    """The same for a few images, `band` rows of patches at a time."""
    width = x.shape[2] - size + 1  # patches in a row, with those of the border
    rows, columns = x.shape[1] - size + 1 - 2 * reach, width - 2 * reach
    distances, places = [], []
    for first in range(0, rows, band):
        part = x[:, first : min(first + band, rows) + 2 * reach + size - 1]
        shifts = _distances(part, size, reach)
        nearest, shift = _least(shifts.flatten(1), count)
        height = shifts.shape[2]
        corner = torch.arange(first, first + height, device=x.device)[:, None] * width
        corner = (corner + torch.arange(columns, device=x.device)).flatten().repeat(len(x))
        place = corner[:, None] + shift // (2 * reach + 1) * width + shift % (2 * reach + 1)
        distances.append(nearest.clamp_(min=0).view(len(x), -1, count))
        places.append(place.view(len(x), -1, count))
    return torch.cat(distances, dim=1), torch.cat(places, dim=1)


def _distances(x: Tensor, size: int, reach: int) -> Tensor:
    """(shifts, n, rows, columns): squared distances, shift by shift; -1 for no shift, so that it is the least."""
    n, height, width = x.shape
    side, rows, columns = 2 * reach + 1, height - 2 * reach, width - 2 * reach
    inside = x[:, reach : reach + rows, None, reach : reach + columns]
    shifted = x.unfold(2, columns, 1)  # (n, height, side, columns): all shifts along a row
    answer = x.new_empty(side, side, n, rows - size + 1, columns - size + 1)
    for down in range(side):
        squares = (shifted[:, down : down + rows] - inside).square_()
        answer[down] = _sums(_sums(squares, size, 1), size, 3).permute(2, 0, 1, 3)
    answer[reach, reach] = -1
    return answer.flatten(0, 1)


def _sums(x: Tensor, size: int, dim: int) -> Tensor:
    """Sums of `size` neighbours along an axis, put together of sums of 1, 2, 4, … of them."""
    length, start, span = x.shape[dim] - size + 1, 0, 1
    parts = []
    while True:
        if size & span:
            parts.append(x.narrow(dim, start, length))
            start += span
        if 2 * span > size:
            return sum(parts[1:], parts[0])
        pairs = x.shape[dim] - span
        x = x.narrow(dim, 0, pairs) + x.narrow(dim, span, pairs)
        span *= 2


def _least(x: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` least of each column of x (choices, columns), ascending, and their rows; both (columns, count).

    They lie in the `count` groups with the least minima; to look for them there alone is ten times as fast.
    """
    groups = math.ceil(len(x) / _GROUP)
    grouped = F.pad(x, (0, 0, 0, groups * _GROUP - len(x)), value=math.inf).view(groups, _GROUP, -1)
    minima = grouped.amin(dim=1).t().contiguous()
    likely = minima.topk(min(count, groups), largest=False, sorted=False).indices
    choices = grouped.gather(0, likely.t()[:, None].expand(-1, _GROUP, -1)).flatten(0, 1).t().contiguous()
    least, choice = choices.topk(count, largest=False)
    return least, likely.gather(1, choice // _GROUP) * _GROUP + choice % _GROUP
