"""Median and involution: the values and gradients of slow, plain versions, in every layout, and refusals."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from easy2hard.errors import UserError
from easy2hard.layers.involution import involution
from easy2hard.layers.median import MedianFilter, median_filter

Place = Callable[[Tensor], Tensor]
LAYOUTS: dict[str, Place] = {
    "contiguous": torch.Tensor.contiguous,
    "channels last": lambda x: x.contiguous(memory_format=torch.channels_last),
    "a view": lambda x: F.pad(x, [2, 1, 1, 2])[..., 1:-2, 2:-1],
}


@pytest.fixture(params=["cpu", "cuda"])
def device(request: pytest.FixtureRequest) -> str:
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("there is no CUDA device here")
    return str(request.param)


def drawn(*shape: int, values: int | None = None, dtype: torch.dtype = torch.float32) -> Tensor:
    """Random numbers in [0, 1]; with few distinct `values`, most windows hold ties."""
    x = torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return (x if values is None else (x * (values - 1)).round() / (values - 1)).to(dtype)


def windows(x: Tensor, k: int) -> Tensor:
    """(n, channels, height, width, k * k), borders reflected."""
    return F.pad(x, [k // 2] * 4, mode="reflect").unfold(2, k, 1).unfold(3, k, 1).flatten(-2)


def split_among_ties(x: Tensor, k: int, gradient: Tensor) -> Tensor:
    """The gradient of the median by definition: the mean of the elements that equal it passes it on."""
    x = x.detach().requires_grad_()
    values = windows(x, k)
    equal = (values == values.median(dim=-1, keepdim=True).values).to(x.dtype).detach()
    ((values * equal).sum(-1) / equal.sum(-1)).backward(gradient)
    assert x.grad is not None
    return x.grad


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("values", [None, 3])
@pytest.mark.parametrize("k", [3, 5])
def test_the_median_is_that_of_torch(
    k: int, values: int | None, dtype: torch.dtype, layout: str, device: str
) -> None:
    x = LAYOUTS[layout](drawn(5, 3, 7, 12, values=values, dtype=dtype).to(device))
    found = median_filter(x, k)
    assert torch.equal(found, windows(x, k).median(dim=-1).values)
    assert found.dtype == dtype


@pytest.mark.parametrize(("k", "side"), [(3, 2), (5, 3)])
def test_the_smallest_image_is_one_pixel_larger_than_its_border(k: int, side: int) -> None:
    x = drawn(2, 1, side, side)
    assert torch.equal(median_filter(x, k), windows(x, k).median(dim=-1).values)


@pytest.mark.usefixtures("small_pieces")
def test_the_median_of_a_batch_is_cut_into_pieces_without_a_seam(device: str) -> None:
    x = drawn(9, 20, 40, 40).to(device)
    expected = windows(x, 3).median(dim=-1).values
    for layout in LAYOUTS.values():
        assert torch.equal(median_filter(layout(x)), expected)


def test_the_median_keeps_the_layout() -> None:
    x = drawn(2, 3, 8, 8).to(memory_format=torch.channels_last).requires_grad_()
    found = median_filter(x)
    found.sum().backward()
    assert x.grad is not None
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert x.grad.is_contiguous(memory_format=torch.channels_last)


def test_a_batch_of_no_image_gives_none() -> None:
    assert median_filter(torch.empty(0, 3, 8, 8)).shape == (0, 3, 8, 8)


@pytest.mark.parametrize("k", [3, 5])
def test_the_gradient_of_the_median_is_its_slope_where_nothing_ties(k: int) -> None:
    x = drawn(2, 2, 5, 6, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: median_filter(x, k), x)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("values", [2, 3, 6])
@pytest.mark.parametrize("k", [3, 5])
def test_ties_share_the_gradient(k: int, values: int, layout: str, device: str) -> None:
    x = LAYOUTS[layout](drawn(3, 2, 7, 9, values=values, dtype=torch.float64).to(device)).requires_grad_()
    gradient = torch.randn(x.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    gradient = gradient.to(device)
    median_filter(x, k).backward(gradient)
    torch.testing.assert_close(x.grad, split_among_ties(x, k, gradient))


def test_all_of_the_gradient_is_passed_on() -> None:
    x = drawn(2, 3, 8, 8, values=4, dtype=torch.float64).requires_grad_()
    gradient = torch.rand_like(x)
    median_filter(x).backward(gradient)
    assert x.grad is not None
    torch.testing.assert_close(x.grad.sum(), gradient.sum())


def test_the_gradient_turns_with_the_image() -> None:
    x = drawn(1, 1, 8, 8, values=3).requires_grad_()
    turned = x.detach().rot90(1, (2, 3)).clone().requires_grad_()
    median_filter(x).square().sum().backward()
    median_filter(turned).square().sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(turned.grad, x.grad.rot90(1, (2, 3)))


def test_half_precision_gradients_are_summed_in_full_precision(device: str) -> None:
    x = drawn(2, 3, 9, 9, values=5, dtype=torch.bfloat16).to(device).requires_grad_()
    gradient = drawn(2, 3, 9, 9, dtype=torch.bfloat16).to(device)
    median_filter(x, 5).backward(gradient)
    exact = split_among_ties(x.double(), 5, gradient.double())
    torch.testing.assert_close(x.grad, exact.bfloat16(), rtol=2**-8, atol=0)


def test_a_window_with_a_nan_has_no_median_and_no_gradient() -> None:
    x = drawn(1, 1, 6, 6)
    x[0, 0, 0, 0] = torch.nan
    x.requires_grad_()
    found = median_filter(x)
    found.backward(torch.ones_like(x))
    assert x.grad is not None
    assert found.isnan().sum() == 4
    assert x.grad.sum() == 36 - 4


@pytest.mark.parametrize("k", [1, 2, 4, 7, 3.0])
def test_other_sizes_are_refused(k: float) -> None:
    with pytest.raises(UserError, match=f"3 or 5; got {k}"):
        median_filter(drawn(1, 1, 9, 9), k)
    with pytest.raises(UserError, match=f"3 or 5; got {k}"):
        MedianFilter(k)


def test_integers_and_single_images_are_refused() -> None:
    with pytest.raises(UserError, match="needs floats"):
        median_filter(torch.zeros(1, 1, 9, 9, dtype=torch.uint8))
    with pytest.raises(UserError, match=r"got torch.float32 \(3, 9, 9\)"):
        median_filter(drawn(3, 9, 9))


def test_an_image_smaller_than_its_border_is_refused() -> None:
    with pytest.raises(UserError, match="more than 2 pixels a side; got 2 x 9"):
        median_filter(drawn(1, 1, 2, 9), 5)


def test_the_layer_is_the_function() -> None:
    x = drawn(2, 3, 8, 8)
    assert torch.equal(MedianFilter(5)(x), median_filter(x, 5))
    assert "kernel_size=5" in repr(MedianFilter(5))


def unfolded(x: Tensor, weight: Tensor) -> Tensor:
    """Involution by definition: every neighbourhood laid out, weighted, summed."""
    (n, channels, height, width), (_, groups, taps, _, _) = x.shape, weight.shape
    k = round(taps**0.5)
    patches = F.unfold(x, k, padding=k // 2).view(n, groups, channels // groups, taps, height, width)
    return (patches * weight.unsqueeze(2)).sum(dim=3).reshape(x.shape)


CASES = [(1, 4, 2), (3, 4, 1), (3, 6, 3), (5, 6, 6), (5, 4, 2), (7, 2, 1)]  # k, channels, groups


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("k", "channels", "groups"), CASES)
def test_involution_is_a_weighted_sum_over_neighbourhoods(
    k: int, channels: int, groups: int, layout: str, device: str
) -> None:
    x = LAYOUTS[layout](drawn(3, channels, 6, 8).to(device))
    weight = drawn(3, groups, k * k, 6, 8).to(device)
    torch.testing.assert_close(involution(x, weight), unfolded(x, weight))


@pytest.mark.parametrize(("k", "channels", "groups"), CASES)
def test_the_gradients_of_involution_are_its_slopes(k: int, channels: int, groups: int, device: str) -> None:
    x = drawn(2, channels, 4, 5, dtype=torch.float64).to(device).requires_grad_()
    weight = drawn(2, groups, k * k, 4, 5, dtype=torch.float64).to(device).requires_grad_()
    assert torch.autograd.gradcheck(involution, (x, weight), fast_mode=True)


@pytest.mark.usefixtures("small_pieces")
def test_involution_of_a_batch_is_cut_into_pieces_without_a_seam(device: str) -> None:
    x = drawn(7, 20, 40, 40).to(device).requires_grad_()
    weight = drawn(7, 2, 9, 40, 40).to(device).requires_grad_()
    ours, plain = involution(x, weight), unfolded(x, weight)
    gradient = drawn(7, 20, 40, 40).to(device)
    torch.testing.assert_close(ours, plain)
    for mine, theirs in zip(
        torch.autograd.grad(ours, (x, weight), gradient),
        torch.autograd.grad(plain, (x, weight), gradient),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs)


def test_involution_sums_half_precision_in_full_precision() -> None:
    x, weight = drawn(2, 4, 6, 6, dtype=torch.bfloat16), drawn(2, 2, 25, 6, 6, dtype=torch.bfloat16)
    expected = unfolded(x.float(), weight.float()).bfloat16()
    torch.testing.assert_close(involution(x, weight), expected, rtol=2**-7, atol=0)


def test_the_gradients_of_involution_in_half_precision_are_summed_in_full_precision(device: str) -> None:
    x = drawn(2, 4, 6, 6, dtype=torch.bfloat16).to(device).requires_grad_()
    weight = drawn(2, 2, 25, 6, 6, dtype=torch.bfloat16).to(device).requires_grad_()
    gradient = drawn(2, 4, 6, 6, dtype=torch.bfloat16).to(device)
    found = torch.autograd.grad(involution(x, weight), (x, weight), gradient)
    exact_x, exact_weight = (part.detach().double().requires_grad_() for part in (x, weight))
    exact = torch.autograd.grad(unfolded(exact_x, exact_weight), (exact_x, exact_weight), gradient.double())
    for mine, plain in zip(found, exact, strict=True):
        assert mine.dtype == torch.bfloat16
        torch.testing.assert_close(mine, plain.bfloat16(), rtol=2**-7, atol=0)


def test_an_even_kernel_is_refused() -> None:
    with pytest.raises(UserError, match=r"with k odd.*got 16"):
        involution(drawn(1, 2, 4, 4), drawn(1, 1, 16, 4, 4))
    with pytest.raises(UserError, match="got 8"):
        involution(drawn(1, 2, 4, 4), drawn(1, 1, 8, 4, 4))


def test_groups_that_do_not_divide_the_channels_are_refused() -> None:
    with pytest.raises(UserError, match="got 3 groups of 4 channels"):
        involution(drawn(1, 4, 4, 4), drawn(1, 3, 9, 4, 4))


def test_a_kernel_that_reaches_beyond_the_image_from_every_pixel_is_refused() -> None:
    assert involution(drawn(1, 2, 2, 3), drawn(1, 1, 25, 2, 3)).shape == (1, 2, 2, 3)
    with pytest.raises(UserError, match=r"more than 5 pixels a side .* of a 2 x 3 image .* got 7"):
        involution(drawn(1, 2, 2, 3), drawn(1, 1, 49, 2, 3))


def test_weights_of_another_image_are_refused() -> None:
    with pytest.raises(UserError, match="must agree in n, height and width"):
        involution(drawn(1, 4, 4, 4), drawn(1, 1, 9, 4, 5))
    with pytest.raises(UserError, match="involution needs floats"):
        involution(drawn(1, 4, 4, 4), drawn(1, 9, 4, 4))


def test_involution_of_no_image_gives_none() -> None:
    assert involution(torch.empty(0, 4, 8, 8), torch.empty(0, 1, 9, 8, 8)).shape == (0, 4, 8, 8)


@pytest.mark.parametrize("k", [3, 5])
def test_the_median_satisfies_what_torch_asks_of_an_operator(k: int) -> None:
    x = drawn(2, 3, 6, 6).to(memory_format=torch.channels_last).requires_grad_()
    torch.library.opcheck(torch.ops.easy2hard.median.default, (x, k))


def test_involution_satisfies_what_torch_asks_of_an_operator() -> None:
    x, weight = drawn(2, 4, 6, 6).requires_grad_(), drawn(2, 2, 9, 6, 6).requires_grad_()
    torch.library.opcheck(torch.ops.easy2hard.involution.default, (x, weight))


@pytest.mark.filterwarnings("ignore")  # the compiler's own
@pytest.mark.parametrize("k", [3, 5])
def test_compiled_layers_give_the_same_answers_and_gradients(k: int) -> None:
    def net(x: Tensor, weight: Tensor) -> Tensor:
        return involution(median_filter(x * 2, k), weight).square()

    x, weight = drawn(2, 4, 6, 6, values=3).requires_grad_(), drawn(2, 2, 9, 6, 6).requires_grad_()
    plain = torch.autograd.grad(net(x, weight).sum(), (x, weight))
    compiled = torch.compile(net, backend="aot_eager", fullgraph=True)
    for mine, theirs in zip(torch.autograd.grad(compiled(x, weight).sum(), (x, weight)), plain, strict=True):
        torch.testing.assert_close(mine, theirs)
