"""What a training step costs on this machine, and what makes it faster here."""

import random
import time
from collections.abc import Callable
from statistics import median

import torch

from easy2hard.entry import Recipe
from easy2hard.models.recurrent import Recurrent, place
from easy2hard.suite import Suite
from easy2hard.tasks import Task
from easy2hard.train import Fast, Plan

_REPEATS = 5


def seconds_per_step(
    build: Callable[[], Recurrent],
    task: Task,
    suite: Suite,
    levels: tuple[str, ...],
    recipe: Recipe,
    device: str,
    fast: Fast,
) -> float:
    """Time a few steps of a throw-away model at the levels to train on, after one to warm up: their median."""
    model = place(build(), device).train()
    plan = Plan.of(task, suite, recipe, levels, seed=0)
    run = fast.compile(model, task, recipe)
    x, target = plan.batch(0)
    model.tell(plan.level(0))
    x, target = x.to(device, memory_format=torch.channels_last), target.to(device)
    times = []
    for repeat in range(_REPEATS + 1):
        began = time.perf_counter()
        run(x, target, random.Random(repeat), plan.second(0, device)).backward()  # type: ignore[no-untyped-call]
        if device != "cpu":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return median(times[1:])


def probe(
    build: Callable[[], Recurrent],
    task: Task,
    suite: Suite,
    levels: tuple[str, ...],
    recipe: Recipe,
    device: str,
) -> tuple[Fast, dict[str, float]]:
    """Try bfloat16 autocast and `torch.compile`, and keep what makes a step at least a tenth faster.

    Without bfloat16 in hardware autocast is about ten times slower, which no flag of the processor tells for sure.
    """

    def seconds(fast: Fast) -> float:
        return seconds_per_step(build, task, suite, levels, recipe, device, fast)

    times = {"float32": seconds(Fast()), "bfloat16": seconds(Fast(bfloat16=True))}
    bfloat16 = times["bfloat16"] < 0.9 * times["float32"]
    times["compiled"] = seconds(Fast(bfloat16, compiled=True))
    compiled = times["compiled"] < 0.9 * min(times["float32"], times["bfloat16"])
    return Fast(bfloat16, compiled), times
