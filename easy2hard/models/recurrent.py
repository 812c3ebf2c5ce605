"""The model contract: f_N(x) = h(r^N(p(x), x)), as the papers write it.

`encode` is p, `step` is r, `decode` is h. The harness owns the loop, so that one pass scores every budget, training can
start anywhere, and every model's compute is counted alike.

An entry without a framework is a callable on float32 NCHW NumPy arrays. Where it learns, it is a `Learner` too. What a
`model.py` declares in `needs = ("level",)` is told to its model: a callable and a plain module as a second argument,
`model(x, level)`, a `Recurrent` as its attribute `level`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from easy2hard.errors import UserError, WrongAnswer

_ROUNDING = 1e-5  # by which a sum of chances may pass 1

State = Any  # a tensor, or a (nested) tuple of tensors; the batch is the first axis of each


class Recurrent(nn.Module):
    """Write `encode`, `step` and `decode`; images enter as float32 (n, channels, height, width) in [0, 1].

    `max_iterations` is None for a net that may run for ever; a feed-forward net with 5 stages says 5.
    """

    max_iterations: int | None = None
    needs: tuple[str, ...] = ()  # what it is told before a pass: "level", or nothing
    level: float | None = None  # of the images of the pass, where `needs` has "level"

    def tell(self, level: str) -> None:
        """Say of which level the next images are, to a model that needs to know."""
        if "level" in self.needs:
            self.level = float(level)

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

    def halt(self, state: State, x: Tensor) -> Tensor | None:
        """The chance (n,), in [0, 1], that the answer read out now is final; None for a net that does not say.

        It counts all iterations so far: of a net that says in each how likely it is to stop just there (PonderNet's
        lambda), it is 1 minus the product of 1 - lambda, which the state has to carry.
        """
        return None

    def halting(self, state: State, x: Tensor) -> Tensor | None:
        """What `halt` says, as the harness takes it: None, or a floating-point number (n,) in [0, 1].

        A sum of chances may pass 1 by rounding; `WrongAnswer` for more than that, and for another form. NaN, as of a
        net that has diverged on a hard sample, is no chance at all, and nothing stops there.
        """
        chance: object = self.halt(state, x)
        if chance is None:
            return None
        if not isinstance(chance, Tensor) or not chance.is_floating_point() or chance.shape != (len(x),):
            kind = type(chance).__name__
            got = f"{chance.dtype} {tuple(chance.shape)}" if isinstance(chance, Tensor) else kind
            raise WrongAnswer(
                f"halt(state, x) gives {got}; it needs a float tensor ({len(x)},), one chance a sample."
            )
        if bool(((chance < -_ROUNDING) | (chance > 1 + _ROUNDING)).any()):
            low, high = (float(end) for end in chance.detach().nan_to_num(0.5).aminmax())
            raise WrongAnswer(
                f"halt(state, x) gives {low:.6g} to {high:.6g}; a chance lies in [0, 1]: end in a sigmoid, or "
                "clamp a sum."
            )
        return chance.clamp(0, 1)

    @property
    def halts(self) -> bool:
        """Whether it says when it is done."""
        return type(self).halt is not Recurrent.halt

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
        return cast(Tensor, self.module(x) if self.level is None else self.module(x, self.level))


class Lessons(Protocol):
    """What an entry's own training learns from: one pass over (input, target), or (input, target, level) where needed.

    Without a framework these are NumPy arrays: inputs float32 (n, channels, height, width) in [0, 1], targets the same
    for images and uint8 (n, height, width) for mazes. All epochs of the recipe are in the pass.
    """

    recipe: Any  # an easy2hard.Recipe, for an entry that takes its learning rate from there

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[tuple[Any, ...]]: ...


@runtime_checkable
class Learner(Protocol):
    """A callable without a framework that learns. It may state `parameters: int` and `macs: (fixed, per iteration)`."""

    def fit(self, batches: Lessons, seed: int) -> None:
        """Learn; all random numbers follow from `seed`."""
        ...

    def save(self, path: Path) -> None:
        """Write what was learnt to exactly `path` with `safetensors.numpy.save_file`."""
        ...

    def load(self, path: Path) -> None:
        """Take up what `save` wrote."""
        ...


class Plain(Recurrent):
    """A callable on float32 NCHW NumPy arrays: one thought, no framework."""

    max_iterations = 1

    def __init__(self, function: Callable[..., NDArray[np.float32]]) -> None:
        super().__init__()
        self.function = function

    @property
    def learner(self) -> Learner | None:
        """The callable, where it learns."""
        return self.function if isinstance(self.function, Learner) else None

    def encode(self, x: Tensor) -> Tensor:
        return x

    def step(self, state: Tensor, x: Tensor, t: int) -> Tensor:
        return state

    def decode(self, state: Tensor, x: Tensor) -> Tensor:
        # Copies both ways: the function may write into its image, and may answer with a view that nobody may write to.
        told = () if self.level is None else (self.level,)
        answer = self.function(np.array(x.cpu().numpy(), order="C"), *told)
        if not isinstance(answer, np.ndarray):
            raise UserError(
                f"the model answers with a {type(answer).__name__}; a callable without a framework answers with a "
                "NumPy array (n, channels, height, width), float32."
            )
        return torch.from_numpy(np.array(answer)).to(x.device)


def adapt(built: object, needs: tuple[str, ...] = ()) -> Recurrent:
    """What `build` returned, in the form of the contract; a `TypeError` where it is none of the known kinds."""
    if isinstance(built, Recurrent):
        model = built
    elif isinstance(built, nn.Module):
        model = Once(built)
    elif callable(built):
        _check_plain(built)
        model = Plain(built)
    else:
        raise TypeError(
            f"build(task) must return a Recurrent, an nn.Module or a callable; got {type(built).__name__}."
        )
    model.needs = needs or model.needs
    return model


def _check_plain(built: object) -> None:
    """Raise `TypeError` for an object without a framework that keeps half of the contract."""
    name = type(built).__name__
    if hasattr(built, "fit") and not isinstance(built, Learner):
        raise TypeError(
            f"{name} has fit(batches, seed) and so needs save(path) and load(path) too, with safetensors."
        )
    if not isinstance(getattr(built, "parameters", 0), int):
        raise TypeError(f"{name}.parameters is how many there are, a whole number; leave it out or state it.")
    macs = getattr(built, "macs", (0, 0))
    if not isinstance(macs, tuple) or [type(part) for part in macs] != [int, int]:
        raise TypeError(
            f"{name}.macs is two whole numbers, (fixed, per iteration), for one sample; got {macs!r}."
        )


def place(model: Recurrent, device: str) -> Recurrent:
    """Move a model to a device, its convolutions laid out channels last: a third faster on CPUs, and on GPUs too."""
    model.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks it
    return model


def map_state(state: State, change: Callable[[Tensor], Tensor]) -> State:
    """Apply `change` to every tensor of a state."""
    if isinstance(state, Tensor):
        return change(state)
    if not isinstance(state, tuple | list):
        raise UserError(
            f"a state is a tensor or a (nested) tuple of tensors, each with the batch first; got "
            f"{type(state).__name__}. Let a counter be a tensor (n,)."
        )
    parts = [map_state(part, change) for part in state]
    return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)  # a named tuple keeps its names
