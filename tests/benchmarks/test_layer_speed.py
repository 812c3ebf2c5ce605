"""The layers beside what one writes first: unfold, then median or multiply and sum."""

from collections.abc import Callable
from typing import Any

import pytest
import ratio
import torch
from torch import Tensor
from torch.nn import functional as F

from easy2hard.layers.involution import involution
from easy2hard.layers.median import median_filter

pytestmark = pytest.mark.filterwarnings("ignore")  # the compiler's and the profiler's own
BATCH, SIDE = 50, 32


def unfold_median(x: Tensor, k: int) -> Tensor:
    padded = F.pad(x, [k // 2] * 4, mode="reflect")
    return padded.unfold(2, k, 1).unfold(3, k, 1).flatten(-2).median(dim=-1).values


def unfold_involution(x: Tensor, weight: Tensor) -> Tensor:
    n, groups, taps, height, width = weight.shape
    patches = F.unfold(x, 5, padding=2).view(n, groups, -1, taps, height, width)
    return (patches * weight.unsqueeze(2)).sum(dim=3).view(x.shape)


def distinct(channels: int) -> Tensor:
    """Images without two equal numbers: among ties the two medians pass gradients on differently."""
    torch.set_num_threads(1)
    count = BATCH * channels * SIDE * SIDE
    order = torch.randperm(count, generator=torch.Generator().manual_seed(0))
    return (order / count).view(BATCH, channels, SIDE, SIDE)


def both_ways(layer: Callable[..., Tensor], *inputs: Tensor, gradient: Tensor) -> Callable[[], list[Tensor]]:
    """Forward and backward: the answer and the gradients."""
    leaves = [x.clone().requires_grad_() for x in inputs]

    def work() -> list[Tensor]:
        answer = layer(*leaves)
        return [answer.detach(), *torch.autograd.grad(answer, leaves, gradient)]

    return work


def check(ours: Callable[[], list[Tensor]], other: Callable[[], list[Tensor]]) -> None:
    for mine, theirs in zip(ours(), other(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("k", "channels"), [(3, 3), (3, 20), (3, 64), (5, 3), (5, 20)])
def test_median_forward(benchmark: Any, capsys: Any, k: int, channels: int) -> None:
    x = distinct(channels)
    assert torch.equal(median_filter(x, k), unfold_median(x, k))
    name = f"median {k}x{k}, {channels} channels, forward"
    ratio.compare(
        benchmark, capsys, name, lambda: median_filter(x, k), lambda: unfold_median(x, k), target=None
    )


@pytest.mark.parametrize(("k", "channels", "target"), [(3, 20, 4.5), (3, 64, 4.5), (5, 20, None)])
def test_median_forward_and_backward(
    benchmark: Any, capsys: Any, k: int, channels: int, target: float | None
) -> None:
    x = distinct(channels)
    gradient = torch.rand_like(x)
    ours = both_ways(lambda x: median_filter(x, k), x, gradient=gradient)
    other = both_ways(lambda x: unfold_median(x, k), x, gradient=gradient)
    check(ours, other)
    name = f"median {k}x{k}, {channels} channels, forward and backward"
    ratio.compare(benchmark, capsys, name, ours, other, target=target)


@pytest.mark.parametrize("channels", [20, 64])
def test_median_under_torch_compile(benchmark: Any, capsys: Any, channels: int) -> None:
    x = distinct(channels)
    gradient = torch.rand_like(x)
    compiled = torch.compile(lambda x: median_filter(x, 3), dynamic=False)
    ours = both_ways(compiled, x, gradient=gradient)
    other = both_ways(lambda x: unfold_median(x, 3), x, gradient=gradient)
    check(ours, other)
    ratio.compare(
        benchmark, capsys, f"median 3x3, {channels} channels, compiled, both ways", ours, other, target=15
    )


@pytest.mark.parametrize(("channels", "groups"), [(20, 1), (64, 4)])
def test_involution_forward_and_backward(benchmark: Any, capsys: Any, channels: int, groups: int) -> None:
    x = distinct(channels)
    weight = torch.randn(BATCH, groups, 25, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    gradient = torch.rand_like(x)
    ours = both_ways(involution, x, weight, gradient=gradient)
    other = both_ways(unfold_involution, x, weight, gradient=gradient)
    check(ours, other)
    ratio.compare(
        benchmark,
        capsys,
        f"involution 5x5, {channels} channels in {groups}, both ways",
        ours,
        other,
        target=3.5,
    )


def test_memory(benchmark: Any, capsys: Any) -> None:
    """Peak of what torch allocates in forward and backward, answer and gradients counted in, over the input's size."""
    x = distinct(20)
    weight = torch.randn(BATCH, 1, 25, SIDE, SIDE)
    gradient = torch.rand_like(x)
    compiled = torch.compile(lambda x: median_filter(x, 3), dynamic=False)
    rows: list[tuple[str, Callable[..., Tensor], tuple[Tensor, ...], float | None]] = [
        ("median 3x3", lambda x: median_filter(x, 3), (x,), 4),
        ("median 3x3, compiled", compiled, (x,), 4),
        ("median 5x5", lambda x: median_filter(x, 5), (x,), None),
        ("median 3x3, unfold", lambda x: unfold_median(x, 3), (x,), None),
        ("involution 5x5", involution, (x, weight), 8),
        ("involution 5x5, unfold", unfold_involution, (x, weight), None),
    ]
    for name, layer, inputs, target in rows:
        peak = ratio.peak_bytes(both_ways(layer, *inputs, gradient=gradient)) / x.nbytes
        benchmark.extra_info[name] = peak
        wanted = "" if target is None else f"   target at most {target:g} x"
        ratio.say(capsys, f"{name + ', peak memory over input':58} {peak:6.2f} x{wanted}")
        assert target is None or peak < target
    benchmark.pedantic(lambda: None)
