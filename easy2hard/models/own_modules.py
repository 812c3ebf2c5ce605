"""A denoiser on modules of our own: forward and backward by hand, NumPy alone, no autograd.

After the second Noise2Noise course project (EPFL, deep learning, 2022), which asks for convolution by unfold and fold,
nearest-neighbour upsampling, ReLU, sigmoid, mean squared error, SGD and a sequence of modules.
Inside, arrays are (channels, n, height, width), so that a convolution is one matrix product without a copy. `backward`
takes the gradient of the loss with respect to what `forward` gave, leaves that of its parameters in them, and returns
the one with respect to its input.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

if TYPE_CHECKING:  # NumPy alone: what it learns from is defined beside torch
    from easy2hard.models.recurrent import Lessons

Array = NDArray[np.floating[Any]]


@dataclass
class Parameter:
    """A tensor that learns, and the gradient that the last backward pass left."""

    value: Array
    gradient: Array


class Module(Protocol):
    """One step of a net."""

    def forward(self, x: Array) -> Array: ...
    def backward(self, gradient: Array) -> Array: ...
    def parameters(self) -> dict[str, Parameter]: ...


def unfold(x: Array, kernel: int, stride: int = 1, padding: int = 0) -> Array:
    """The patches of images (channels, n, height, width) as columns: (channels * kernel², n * places)."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding))) if padding else x
    windows = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride].transpose(0, 4, 5, 1, 2, 3)
    return windows.reshape(len(x) * kernel**2, -1)


def fold(
    columns: Array, shape: tuple[int, int, int, int], kernel: int, stride: int = 1, padding: int = 0
) -> Array:
    """The adjoint of `unfold`: every patch is added where it was taken from, in images of `shape`."""
    channels, n, height, width = shape[0], shape[1], shape[2] + 2 * padding, shape[3] + 2 * padding
    down, across = ((side - kernel) // stride + 1 for side in (height, width))
    patches = columns.reshape(channels, kernel, kernel, n, down, across)
    images = np.zeros((channels, n, height, width), columns.dtype)
    for y in range(kernel):
        for x in range(kernel):
            rows, places = slice(y, y + stride * down, stride), slice(x, x + stride * across, stride)
            images[:, :, rows, places] += patches[:, y, x]
    return images[:, :, padding : height - padding, padding : width - padding]


class Conv:
    """A convolution with bias, as a product of its weights with unfolded patches.

    Weights and bias start normal, of variance 2 / (kernel² * inputs + outputs).
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int = 1,
        padding: int = 0,
        *,
        rng: np.random.Generator,
    ) -> None:
        spread = np.sqrt(2 / (kernel**2 * inputs + outputs))
        weight = rng.normal(0, spread, (outputs, inputs, kernel, kernel)).astype(np.float32)
        bias = rng.normal(0, spread, outputs).astype(np.float32)
        self.weight, self.bias = (Parameter(value, np.zeros_like(value)) for value in (weight, bias))
        self._how = (kernel, stride, padding)

    def forward(self, x: Array) -> Array:
        kernel, stride, padding = self._how
        _, n, height, width = self._shape = x.shape
        self._columns = unfold(x, *self._how)
        down, across = ((side + 2 * padding - kernel) // stride + 1 for side in (height, width))
        product = self._matrix @ self._columns + self.bias.value[:, None]
        return product.reshape(-1, n, down, across)

    def backward(self, gradient: Array) -> Array:
        of_places = gradient.reshape(len(gradient), -1)
        self.weight.gradient = (of_places @ self._columns.T).reshape(self.weight.value.shape)
        self.bias.gradient = of_places.sum(axis=1)
        return fold(self._matrix.T @ of_places, self._shape, *self._how)

    def parameters(self) -> dict[str, Parameter]:
        return {"weight": self.weight, "bias": self.bias}

    @property
    def _matrix(self) -> Array:
        """The weights as (outputs, inputs * kernel²)."""
        return self.weight.value.reshape(len(self.weight.value), -1)


class _Fixed:
    """What has no parameters."""

    def parameters(self) -> dict[str, Parameter]:
        return {}


class Upsample(_Fixed):
    """Nearest neighbour: every pixel becomes a block of `scale` x `scale`."""

    def __init__(self, scale: int = 2) -> None:
        self.scale = scale

    def forward(self, x: Array) -> Array:
        return x.repeat(self.scale, axis=2).repeat(self.scale, axis=3)

    def backward(self, gradient: Array) -> Array:
        s = self.scale
        # Sums of whole slices: several times faster than a sum over axes of length 2.
        rows = sum((gradient[:, :, y::s] for y in range(1, s)), start=gradient[:, :, ::s])
        return sum((rows[..., x::s] for x in range(1, s)), start=rows[..., ::s])


class ReLU(_Fixed):
    """What is above 0."""

    def forward(self, x: Array) -> Array:
        self._above = x > 0
        return x * self._above

    def backward(self, gradient: Array) -> Array:
        return gradient * self._above


class Sigmoid(_Fixed):
    """1 / (1 + exp(-x)), as a hyperbolic tangent, which never overflows."""

    def forward(self, x: Array) -> Array:
        half = x.dtype.type(0.5)
        self._answer = half * (1 + np.tanh(half * x))
        return self._answer

    def backward(self, gradient: Array) -> Array:
        return gradient * self._answer * (1 - self._answer)


class Sequential:
    """Modules one after the other; their parameters are named by place, `0.weight`."""

    def __init__(self, *modules: Module) -> None:
        self.modules = modules

    def forward(self, x: Array) -> Array:
        for module in self.modules:
            x = module.forward(x)
        return x

    def backward(self, gradient: Array) -> Array:
        for module in reversed(self.modules):
            gradient = module.backward(gradient)
        return gradient

    def parameters(self) -> dict[str, Parameter]:
        return {
            f"{place}.{name}": parameter
            for place, module in enumerate(self.modules)
            for name, parameter in module.parameters().items()
        }


def mse(answer: Array, target: Array) -> tuple[float, Array]:
    """The mean squared error over all elements, and its gradient with respect to the answer."""
    difference = answer - target
    return float(np.square(difference).mean()), 2 * difference / difference.size


def sgd(parameters: Iterable[Parameter], lr: float) -> None:
    """One step down the gradients, in place."""
    for parameter in parameters:
        parameter.value -= parameter.value.dtype.type(lr) * parameter.gradient


class OwnModules:
    """The project's net: two strided convolutions down, two upsampled ones up, a sigmoid; a `Learner` of the contract.

    Sides that are no multiple of 4 are padded up to one, the border repeated, and the answer is cut back.
    """

    parameters = 17_763
    macs = (3_874_816, 0)  # at 32x32

    def __init__(self) -> None:
        self.net = self._draw(seed=0)

    @staticmethod
    def _draw(seed: int) -> Sequential:
        rng = np.random.default_rng(seed)
        return Sequential(
            Conv(3, 32, 2, stride=2, rng=rng),
            ReLU(),
            Conv(32, 64, 2, stride=2, rng=rng),
            ReLU(),
            Upsample(2),
            Conv(64, 32, 2, padding=1, rng=rng),
            ReLU(),
            Upsample(2),
            Conv(32, 3, 3, rng=rng),
            Sigmoid(),
        )

    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Denoise images (n, 3, height, width) in [0, 1]."""
        height, width = x.shape[2:]
        padded = np.pad(x, ((0, 0), (0, 0), (0, -height % 4), (0, -width % 4)), mode="edge")
        answer = self.net.forward(padded.transpose(1, 0, 2, 3)).transpose(1, 0, 2, 3)
        return answer[:, :, :height, :width].astype(np.float32)

    def fit(self, batches: "Lessons", seed: int) -> None:
        """SGD on the mean squared error at the recipe's rate, from weights that follow from `seed`."""
        self.net = self._draw(seed)
        for x, target in batches:
            height, width = x.shape[2:]
            _, gradient = mse(self(x), target)
            cut_off = ((0, 0), (0, 0), (0, -height % 4), (0, -width % 4))  # it had no part in the loss
            self.net.backward(np.pad(gradient, cut_off).transpose(1, 0, 2, 3))
            sgd(self.net.parameters().values(), batches.recipe.lr)

    def save(self, path: Path) -> None:
        """Write the weights as safetensors."""
        save_file({name: p.value for name, p in self.net.parameters().items()}, path)

    def load(self, path: Path) -> None:
        """Take up saved weights; `ValueError` where they are another net's."""
        held, own = load_file(path), self.net.parameters()
        shapes = {name: tensor.shape for name, tensor in held.items()}
        if shapes != {name: p.value.shape for name, p in own.items()}:
            raise ValueError(f"it holds {shapes}")
        for name, parameter in own.items():
            parameter.value = held[name]
