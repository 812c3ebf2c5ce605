"""The modules without autograd: each forward and backward pass is torch's, and so is a whole training."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from easy2hard.models import own_modules as own
from easy2hard.models.own_modules import Array, Conv, Module, OwnModules, Sequential

CONVOLUTIONS = [(2, 2, 0), (2, 1, 1), (3, 1, 0), (3, 1, 1), (3, 2, 1), (1, 1, 0)]  # kernel, stride, padding


def drawn(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


def turned(x: Array | Tensor) -> Any:
    """From (channels, n, …), as the modules have it, to (n, channels, …), as torch has it, or back."""
    return x.transpose(0, 1) if isinstance(x, Tensor) else torch.tensor(x).transpose(0, 1)


def in_doubles(module: Module) -> dict[str, Tensor]:
    """Make a module's parameters float64, and hand out copies of them for torch."""
    for parameter in module.parameters().values():
        parameter.value = parameter.value.astype(np.float64)
    return {
        name: torch.from_numpy(p.value.copy()).requires_grad_() for name, p in module.parameters().items()
    }


def twin(weights: dict[str, Tensor], x: Tensor) -> Tensor:
    """The net of `OwnModules` in torch."""
    x = F.conv2d(x, weights["0.weight"], weights["0.bias"], stride=2).relu()
    x = F.conv2d(x, weights["2.weight"], weights["2.bias"], stride=2).relu()
    x = F.interpolate(x, scale_factor=2.0)
    x = F.conv2d(x, weights["5.weight"], weights["5.bias"], padding=1).relu()
    return F.conv2d(F.interpolate(x, scale_factor=2.0), weights["8.weight"], weights["8.bias"]).sigmoid()


@pytest.mark.parametrize(("kernel", "stride", "padding"), CONVOLUTIONS)
def test_unfold_is_torchs(kernel: int, stride: int, padding: int) -> None:
    x = drawn(3, 2, 8, 6)
    columns = own.unfold(x, kernel, stride, padding).reshape(3 * kernel**2, 2, -1)
    expected = F.unfold(turned(x), kernel, stride=stride, padding=padding)
    np.testing.assert_array_equal(turned(columns).numpy(), expected.numpy())


@pytest.mark.parametrize(("kernel", "stride", "padding"), CONVOLUTIONS)
def test_fold_is_the_adjoint_of_unfold(kernel: int, stride: int, padding: int) -> None:
    x = drawn(3, 2, 8, 6)
    columns = own.unfold(x, kernel, stride, padding)
    other = drawn(*columns.shape, seed=1)
    folded = own.fold(other, (3, 2, 8, 6), kernel, stride, padding)
    assert (columns * other).sum() == pytest.approx((x * folded).sum())


@pytest.mark.parametrize(("kernel", "stride", "padding"), CONVOLUTIONS)
def test_a_convolution_and_its_gradients_are_torchs(kernel: int, stride: int, padding: int) -> None:
    conv = Conv(3, 5, kernel, stride, padding, rng=np.random.default_rng(0))
    weights, x = in_doubles(conv), drawn(3, 2, 8, 6)
    image = turned(x).clone().requires_grad_()
    expected = F.conv2d(image, weights["weight"], weights["bias"], stride=stride, padding=padding)
    answer = conv.forward(x)
    np.testing.assert_allclose(turned(answer), expected.detach(), atol=1e-12)
    gradient = drawn(*answer.shape, seed=1)
    expected.backward(turned(gradient))  # type: ignore[no-untyped-call]
    np.testing.assert_allclose(turned(conv.backward(gradient)), image.grad, atol=1e-12)
    for name, parameter in conv.parameters().items():
        np.testing.assert_allclose(parameter.gradient, weights[name].grad, atol=1e-12)


SIMPLE: dict[str, tuple[Module, nn.Module]] = {
    "upsampling by 2": (own.Upsample(2), nn.Upsample(scale_factor=2)),
    "upsampling by 3": (own.Upsample(3), nn.Upsample(scale_factor=3)),
    "ReLU": (own.ReLU(), nn.ReLU()),
    "sigmoid": (own.Sigmoid(), nn.Sigmoid()),
}


@pytest.mark.parametrize("name", SIMPLE)
def test_a_module_without_parameters_and_its_gradient_are_torchs(name: str) -> None:
    ours, theirs = SIMPLE[name]
    x = drawn(3, 2, 4, 5)
    image = torch.from_numpy(x).requires_grad_()
    expected, answer = theirs(image), ours.forward(x)
    np.testing.assert_allclose(answer, expected.detach(), atol=1e-12)
    gradient = drawn(*answer.shape, seed=1)
    expected.backward(torch.from_numpy(gradient))
    np.testing.assert_allclose(ours.backward(gradient), image.grad, atol=1e-12)
    assert ours.parameters() == {}


def test_the_sigmoid_of_large_numbers_neither_overflows_nor_leaves_its_range() -> None:
    answer = own.Sigmoid().forward(np.array([-1e4, 0.0, 1e4], np.float32))
    assert answer.tolist() == [0.0, 0.5, 1.0]


def test_the_loss_and_its_gradient_are_torchs() -> None:
    answer, target = drawn(2, 3, 4, 4), drawn(2, 3, 4, 4, seed=1)
    tensor = torch.from_numpy(answer).requires_grad_()
    expected = F.mse_loss(tensor, torch.from_numpy(target))
    expected.backward()  # type: ignore[no-untyped-call]
    value, gradient = own.mse(answer, target)
    assert value == pytest.approx(expected.item())
    np.testing.assert_allclose(gradient, tensor.grad, atol=1e-12)


def test_the_gradients_of_the_whole_net_are_torchs() -> None:
    net = OwnModules()
    weights = in_doubles(net.net)
    x, target = np.random.default_rng(0).random((2, 4, 3, 16, 16))
    answer = net.net.forward(x.swapaxes(0, 1))
    _, gradient = own.mse(answer, target.swapaxes(0, 1))
    net.net.backward(gradient)
    expected = twin(weights, torch.from_numpy(x))
    F.mse_loss(expected, torch.from_numpy(target)).backward()  # type: ignore[no-untyped-call]
    np.testing.assert_allclose(turned(answer), expected.detach(), atol=1e-5)
    for name, parameter in net.net.parameters().items():
        np.testing.assert_allclose(parameter.gradient, weights[name].grad, atol=1e-5, err_msg=name)


class Given(list[Any]):
    """Batches with the rate of a recipe."""

    recipe = SimpleNamespace(lr=0.5)


def test_a_training_ends_at_torchs_weights() -> None:
    rng = np.random.default_rng(0)
    batches = Given(tuple(rng.random((2, 4, 3, 16, 16), np.float32)) for _ in range(5))
    ours = OwnModules()
    ours.fit(batches, seed=7)
    start = OwnModules()
    start.fit(Given(), seed=7)
    weights = {n: torch.tensor(p.value, requires_grad=True) for n, p in start.net.parameters().items()}
    optimizer = torch.optim.SGD(weights.values(), lr=0.5)
    for x, target in batches:
        optimizer.zero_grad()
        F.mse_loss(twin(weights, torch.from_numpy(x)), torch.from_numpy(target)).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    for name, parameter in ours.net.parameters().items():
        np.testing.assert_allclose(parameter.value, weights[name].detach(), atol=1e-5)


def test_the_first_weights_of_a_training_follow_from_its_seed() -> None:
    first = []
    for seed in (1, 1, 2):
        net = OwnModules()
        net.fit(Given(), seed=seed)
        first.append(net.net.parameters()["0.weight"].value)
    assert np.array_equal(first[0], first[1])
    assert not np.array_equal(first[0], first[2])


def test_the_net_has_the_parameters_of_the_project_and_says_so() -> None:
    net = OwnModules()
    assert sum(p.value.size for p in net.net.parameters().values()) == net.parameters == 17_763


def test_the_net_counts_its_products() -> None:
    counted = 0

    class Counting(Conv):
        def forward(self, x: Array) -> Array:
            nonlocal counted
            answer = super().forward(x)
            counted += self.weight.value.size * answer[0].size
            return answer

    net = OwnModules()
    for module in net.net.modules:
        if isinstance(module, Conv):
            module.__class__ = Counting
    net(np.zeros((1, 3, 32, 32), np.float32))
    assert (counted, 0) == net.macs


def test_weights_start_with_the_spread_of_the_project() -> None:
    conv = Conv(32, 64, 2, rng=np.random.default_rng(0))
    assert conv.weight.value.std() == pytest.approx((2 / (4 * 32 + 64)) ** 0.5, rel=0.03)


@pytest.mark.parametrize("shape", [(16, 16), (13, 18), (4, 31), (1, 1)])
def test_images_of_any_size_come_back_in_their_size_and_dtype(shape: tuple[int, int]) -> None:
    x = np.random.default_rng(0).random((2, 3, *shape), np.float32)
    answer = OwnModules()(x)
    assert answer.shape == x.shape
    assert answer.dtype == np.float32


def test_what_is_cut_off_has_no_part_in_the_loss() -> None:
    x, target = np.random.default_rng(0).random((2, 1, 3, 6, 6), np.float32)
    net = OwnModules()
    net.fit(Given([(x, target)]), seed=0)
    start = OwnModules()
    weights = {n: torch.tensor(p.value, requires_grad=True) for n, p in start.net.parameters().items()}
    padded = F.pad(torch.from_numpy(x), (0, 2, 0, 2), mode="replicate")
    F.mse_loss(twin(weights, padded)[..., :6, :6], torch.from_numpy(target)).backward()  # type: ignore[no-untyped-call]
    for name, parameter in net.net.parameters().items():
        np.testing.assert_allclose(parameter.gradient, weights[name].grad, atol=1e-6)


def test_every_weight_comes_back_from_a_file(tmp_path: Path) -> None:
    net, other = OwnModules(), OwnModules()
    net.fit(Given(), seed=1)
    net.save(tmp_path / "own.safetensors")
    other.load(tmp_path / "own.safetensors")
    for name, parameter in other.net.parameters().items():
        np.testing.assert_array_equal(parameter.value, net.net.parameters()[name].value)


def test_the_weights_of_another_net_are_refused(tmp_path: Path) -> None:
    net = OwnModules()
    net.net = Sequential(Conv(3, 3, 1, rng=np.random.default_rng(0)))
    net.save(tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="it holds"):
        OwnModules().load(tmp_path / "other.safetensors")


def test_the_modules_load_no_torch() -> None:
    import subprocess
    import sys

    code = "import sys, easy2hard.models.own_modules; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
