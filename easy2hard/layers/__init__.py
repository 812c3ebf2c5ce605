"""Layers that models and filters are built of."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

_NUMBERS_AT_ONCE = {"cpu": 2**20}  # 4 MB: little enough to stay in the processor's cache
_NUMBERS_AT_ONCE_ELSEWHERE = 2**28  # bounds the memory; small pieces would leave a GPU idle
_PLANES = 16  # of a function that nobody has counted


def pieces(*tensors: Tensor, planes: int) -> Iterator[tuple[Tensor, ...]]:
    """Cut tensors along their common first axis, for work that holds `planes` copies of the first one's piece."""
    first = tensors[0]
    if first.numel():
        most = _NUMBERS_AT_ONCE.get(first.device.type, _NUMBERS_AT_ONCE_ELSEWHERE)
        step = max(1, most // (planes * first[0].numel()))
        yield from zip(*(torch.split(tensor, step) for tensor in tensors), strict=True)


def piecewise(function: Callable[..., Tensor], answer: Tensor, *tensors: Tensor) -> Tensor:
    """`function(*tensors)`, row by row of their common first axis; what it returns has the shape of `answer`.

    Where no gradient is asked for, it goes into `answer` a few rows at a time: what the function needs in between then
    stays in the processor's cache, and its memory does not grow with the tensors.
    """
    if torch.is_grad_enabled():
        return function(*tensors)
    for *rows, into in pieces(*tensors, answer, planes=_PLANES):
        into.copy_(function(*rows))
    return answer
