"""Multiply-accumulates of a model, counted while it runs: convolutions and matrix products, as in the papers."""

from itertools import chain
from typing import NamedTuple

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from easy2hard.models.recurrent import Plain, Recurrent


class Macs(NamedTuple):
    """Per sample; biases, normalisation, activations and pooling are left out."""

    fixed: int  # encode, recall, and one decode
    per_iteration: int  # one step, and what the model spends on saying whether it is done

    def of(self, iterations: float) -> float:
        """Of an answer after so many iterations, read out once."""
        return self.fixed + iterations * self.per_iteration


@torch.inference_mode()
def count(model: Recurrent, channels: int, shape: tuple[int, int]) -> Macs:
    """Run one sample of (channels, height, width) through each part of the model and count.

    What has no framework cannot be counted: it states its `macs`, or they are 0.
    """
    if isinstance(model, Plain):
        return Macs(*getattr(model.function, "macs", (0, 0)))
    device = next((t.device for t in chain(model.parameters(), model.buffers())), torch.device("cpu"))
    x = torch.zeros(1, channels, *shape, device=device)
    with FlopCounterMode(display=False) as fixed:
        state, seen = model.encode(x), model.recall(x)
    with FlopCounterMode(display=False) as step:
        state = model.step(state, seen, 0)
        model.halt(state, x)
    with FlopCounterMode(display=False) as head:
        model.decode(state, x)
    # The counter reports floating-point operations, two for each multiply-accumulate.
    return Macs((fixed.get_total_flops() + head.get_total_flops()) // 2, step.get_total_flops() // 2)


def parameters(model: nn.Module) -> tuple[int, int]:
    """All parameters, and those that are trained; what has no framework states its `parameters`, or they are 0."""
    if isinstance(model, Plain):
        stated = getattr(model.function, "parameters", 0)
        return stated, stated if model.learner is not None else 0
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(n for n, _ in sizes), sum(n for n, trained in sizes if trained)
