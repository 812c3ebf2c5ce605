"""What a training step costs on this machine, and what makes it faster here."""

import random
import time
from statistics import median

import torch

from easy2hard.evaluation.run import Run
from easy2hard.models.recurrent import place
from easy2hard.plan import Plan
from easy2hard.train import Fast

_REPEATS = 5


def seconds_per_step(run: Run, fast: Fast) -> float:
    """Time a few steps of a throw-away model at the levels to train on, after one to warm up: their median."""
    device = run.ask.device
    model = place(run.build(), device).train()
    plan = Plan.of(run.task, run.suite, run.recipe, run.train_levels, seed=0)
    step = fast.compile(model, run.task, run.recipe)
    x, target = plan.batch(0)
    model.tell(plan.level(0))
    x, target = x.to(device, memory_format=torch.channels_last), target.to(device)
    times = []
    for repeat in range(_REPEATS + 1):
        began = time.perf_counter()
        step(x, target, random.Random(repeat), plan.second(0, device)).backward()  # type: ignore[no-untyped-call]  # torch's
        if device != "cpu":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return median(times[1:])


def probe(run: Run) -> tuple[Fast, dict[str, float]]:
    """Try bfloat16 autocast and `torch.compile`, and keep what makes a step at least a tenth faster.

    Without bfloat16 in hardware autocast is about ten times slower, which no flag of the processor tells for sure.
    """

    def seconds(fast: Fast) -> float:
        return seconds_per_step(run, fast)

    times = {"float32": seconds(Fast()), "bfloat16": seconds(Fast(bfloat16=True))}
    bfloat16 = times["bfloat16"] < 0.9 * times["float32"]
    times["compiled"] = seconds(Fast(bfloat16, compiled=True))
    compiled = times["compiled"] < 0.9 * min(times["float32"], times["bfloat16"])
    return Fast(bfloat16, compiled), times
