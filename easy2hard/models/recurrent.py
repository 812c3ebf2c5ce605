"""The model contract: f_N(x) = h(r^N(p(x), x)), as the papers write it.

`encode` is p, `step` is r, `decode` is h. The harness owns the loop, so that one pass scores every budget, training can
start anywhere, and every model's compute is counted alike.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

State = Any  # a tensor, or a (nested) tuple of tensors; the batch is the first axis of each


class Recurrent(nn.Module):
    """Write `encode`, `step` and `decode`; images enter as float32 (n, channels, height, width) in [0, 1].

    `max_iterations` is None for a net that may run for ever; a feed-forward net with 5 stages says 5.
    """

    max_iterations: int | None = None

    def encode(self, x: Tensor) -> State:
        """p: the state before the first iteration."""
        raise NotImplementedError(f"{type(self).__name__} needs a method encode(self, x) -> state.")

    def recall(self, x: Tensor) -> State:
        """What every iteration sees of the input again; computed once a pass, handed to `step` as `x`."""
        return x

    def step(self, state: State, x: State, t: int) -> State:
        """r: the state after iteration t = 0, 1, …"""
        raise NotImplementedError(f"{type(self).__name__} needs a method step(self, state, x, t) -> state.")

    def decode(self, state: State, x: Tensor) -> Tensor:
        """h: the answer in task space, (n, out_channels, height, width)."""
        raise NotImplementedError(f"{type(self).__name__} needs a method decode(self, state, x) -> answer.")

    def penalty(self) -> Tensor | float:
        """A scalar added to the training loss, such as a weight norm."""
        return 0.0

    def forward(self, x: Tensor, iterations: int = 1) -> Tensor:
        """The thought after `iterations`."""
        state, seen = self.encode(x), self.recall(x)
        for t in range(iterations):
            state = self.step(state, seen, t)
        return self.decode(state, x)


class Once(Recurrent):
    """A plain module with `forward(x)`: one thought."""

    max_iterations = 1

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def encode(self, x: Tensor) -> Tensor:
        return x

    def step(self, state: Tensor, x: Tensor, t: int) -> Tensor:
        return state

    def decode(self, state: Tensor, x: Tensor) -> Tensor:
        return cast(Tensor, self.module(x))


class Plain(Recurrent):
    """A function on float32 NCHW NumPy arrays: one thought, no framework, nothing for the harness to train."""

    max_iterations = 1

    def __init__(self, function: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> None:
        super().__init__()
        self.function = function

    def encode(self, x: Tensor) -> Tensor:
        return x

    def step(self, state: Tensor, x: Tensor, t: int) -> Tensor:
        return state

    def decode(self, state: Tensor, x: Tensor) -> Tensor:
        # Copies both ways: the function may write into its image, and may answer with a view that nobody may write to.
        answer = self.function(np.array(x.cpu().numpy(), order="C"))
        return torch.from_numpy(np.array(answer)).to(x.device)


def adapt(built: object) -> Recurrent:
    """What `build` returned, in the form of the contract; a `TypeError` where it is none of the known kinds."""
    if isinstance(built, Recurrent):
        return built
    if isinstance(built, nn.Module):
        return Once(built)
    if callable(built):
        return Plain(built)
    raise TypeError(
        f"build(task) must return a Recurrent, an nn.Module or a callable; got {type(built).__name__}."
    )


def place(model: Recurrent, device: str) -> Recurrent:
    """Move a model to a device, its convolutions laid out channels last: a third faster on CPUs, and on GPUs too."""
    model.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks it
    return model


def map_state(state: State, change: Callable[[Tensor], Tensor]) -> State:
    """Apply `change` to every tensor of a state."""
    if isinstance(state, Tensor):
        return change(state)
    return tuple(map_state(part, change) for part in state)
