"""A training step of DT at width 20, batch 100, 5 iterations: ours, the authors' way, and what the machine adds."""

import copy
import random
from collections.abc import Callable
from typing import Any

import pytest
import ratio
import torch
from authors_dt import AuthorsDT, training_step
from torch import nn

from easy2hard import suite as suites
from easy2hard.models.dt import DT
from easy2hard.models.recurrent import place
from easy2hard.plan import Plan
from easy2hard.recipe import Recipe
from easy2hard.tasks import open_task
from easy2hard.train import Fast, _optimizer

SUITE = suites.read("sp")
TASK = open_task(SUITE)
RECIPE = Recipe(rows=100, epochs=1, batch_size=100, lr=1e-3, clip=1.0, train_iterations=5)
PLAN = Plan.of(TASK, SUITE, RECIPE, SUITE.easy, seed=0)


def net() -> DT:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return DT(3, 3, width=20)


def our_step(model: DT, fast: Fast) -> Callable[[], float]:
    """As `train` does it, without the log; returns the loss."""
    place(model, "cpu").train()
    optimizer, run = _optimizer(RECIPE, model), fast.compile(model, TASK, RECIPE)
    x, target = PLAN.batch(0)
    x, second = x.to(memory_format=torch.channels_last), PLAN.second(0, "cpu")

    def step() -> float:
        optimizer.zero_grad(set_to_none=True)
        loss = run(x, target, random.Random(0), second)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return float(loss.detach())

    return step


def test_a_training_step(benchmark: Any, capsys: Any) -> None:
    model = net()
    theirs = AuthorsDT(copy.deepcopy(model))
    x, target = PLAN.batch(0)
    ours, other = our_step(model, Fast()), training_step(theirs, x.contiguous(), target.contiguous(), 5, 1.0)
    for _ in range(3):  # the same losses, step after step: the weights move alike
        assert ours() == pytest.approx(other(), rel=1e-4)
    ratio.compare(benchmark, capsys, "training step, authors' loop", ours, other, target=1.4)


@pytest.mark.skipif(
    not torch.ops.mkldnn._is_mkldnn_bf16_supported(), reason="no bfloat16 in this machine's hardware"
)
def test_a_training_step_in_bfloat16(benchmark: Any, capsys: Any) -> None:
    model = net()
    other, ours = our_step(copy.deepcopy(model), Fast()), our_step(model, Fast(bfloat16=True))
    for _ in range(3):
        assert ours() == pytest.approx(other(), rel=2e-2)
    ratio.compare(benchmark, capsys, "training step, float32 over bfloat16", ours, other, target=1.3)


STEPS = """
import sys, time
from test_training import Fast, net, our_step
from easy2hard.train import _keep_freed_memory

if sys.argv[1] == "kept":
    _keep_freed_memory()
step = our_step(net(), Fast())
step(), step()
start = time.process_time()
losses = [step() for _ in range(8)]
print(time.process_time() - start, losses[-1])
"""


def test_freed_memory_is_kept(benchmark: Any, capsys: Any) -> None:
    """Where the C library is glibc; each way needs a process of its own."""
    runs = [[ratio.in_new_process(STEPS, how) for how in ("kept", "given back")] for _ in range(3)]
    ratios = sorted(given[0] / kept[0] for kept, given in runs)
    assert all(kept[1] == given[1] for kept, given in runs)
    benchmark.extra_info.update(ratio=ratios[1], target=1.06)
    ratio.say(
        capsys,
        f"{'training step, freed memory given back to the kernel':58} {runs[0][0][0] / 8 * 1000:9.1f} ms "
        f"{runs[0][1][0] / 8 * 1000:9.1f} ms {ratios[1]:6.2f} x [{ratios[0]:.2f}..{ratios[-1]:.2f}]   target 1.06 x",
    )
    benchmark.pedantic(lambda: None)
