"""Scoring budgets 1 to 50 of DT on 20 images in one pass, beside running it again and beside keeping every answer."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import ratio
import torch
from authors_dt import AuthorsDT
from torch import Tensor

from easy2hard import suite as suites
from easy2hard.metrics import psnr
from easy2hard.models.dt import DT
from easy2hard.models.recurrent import place
from easy2hard.score import score_batch, score_exit
from easy2hard.tasks import open_task

TASK = open_task(suites.read("sp"))
BUDGETS = tuple(range(1, 51))


def images(n: int) -> tuple[Tensor, Tensor]:
    torch.set_num_threads(1)
    levels = ("0.1", "0.2", "0.3", "0.4", "0.5")
    parts = [TASK.tensors(TASK.draw("test", level, np.arange(n // 5))) for level in levels]
    inputs, targets = zip(*parts, strict=True)
    return torch.cat(inputs), torch.cat(targets)


def settling() -> DT:
    """A net that comes to rest like a trained one, without the training.

    Drawn at random, DT forgets a third of its state in an iteration; with its recall strengthened by half, less. The
    last weights are scaled so that answers fill [0, 1]. It settles after 9 to 13 iterations.
    """
    torch.manual_seed(0)
    model = DT(3, 3, width=20)
    assert model.recall_conv is not None
    with torch.inference_mode():
        model.recall_conv.both.weight[:, :20] *= 1.5
        model.head[-1].weight /= model(images(5)[0], 50).abs().max()
    place(model, "cpu").eval()
    return model


def ours(model: DT, x: Tensor, target: Tensor, budgets: tuple[int, ...] = BUDGETS) -> list[float]:
    rows = score_batch(model, TASK, x, target, budgets=budgets, metrics=["psnr"])
    return [float(row.scores["psnr"].mean()) for row in rows]


@torch.inference_mode()
def anew(model: Callable[[Tensor, int], Tensor], x: Tensor, target: Tensor) -> list[float]:
    """What one writes first: run the model for every budget."""
    return [float(psnr.score(model(x, budget).clamp(0, 1), target).mean()) for budget in BUDGETS]


@torch.inference_mode()
def keeping(model: AuthorsDT, x: Tensor, target: Tensor) -> list[float]:
    """One run, every answer kept."""
    answers = model(x, BUDGETS[-1])
    return [float(psnr.score(answers[:, b - 1].clamp(0, 1), target).mean()) for b in BUDGETS]


@pytest.mark.parametrize(
    ("name", "target", "turns"),
    [("run anew, our net", None, 1), ("run anew, authors' net", 20, 1), ("keeping all answers", 1.2, 5)],
)
def test_every_budget_from_one_pass(
    benchmark: Any, capsys: Any, name: str, target: float | None, turns: int
) -> None:
    model, (x, clean) = settling(), images(20)
    plain, nchw = AuthorsDT(model), x.contiguous()
    others: dict[str, Callable[[], list[float]]] = {
        "run anew, our net": lambda: anew(model, x, clean),
        "run anew, authors' net": lambda: anew(lambda x, n: plain(x, n)[:, -1], nchw, clean),
        "keeping all answers": lambda: keeping(plain, nchw, clean),
    }
    other = others[name]
    assert ours(model, x, clean) == pytest.approx(other(), abs=1e-3)
    ratio.compare(
        benchmark,
        capsys,
        f"50 budgets, {name}",
        lambda: ours(model, x, clean),
        other,
        target=target,
        turns=turns,
    )


def test_five_budgets_from_one_pass(benchmark: Any, capsys: Any) -> None:
    model, (x, target) = settling(), images(20)
    few = (5, 10, 20, 30, 50)
    assert ours(model, x, target, few) == [ours(model, x, target)[b - 1] for b in few]
    ratio.compare(
        benchmark,
        capsys,
        "5 of 50 budgets, reading out at all of them",
        lambda: ours(model, x, target, few),
        lambda: ours(model, x, target),
        target=1.2,
    )


PEAK = """
import resource, sys
import test_scoring as bench

budgets = tuple(range(1, 1 + int(sys.argv[1])))
bench.ours(bench.settling(), *bench.images(20), budgets)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def test_memory_does_not_grow_with_the_iterations(benchmark: Any, capsys: Any) -> None:
    few, many = (ratio.in_new_process(PEAK, iterations)[0] for iterations in (50, 500))
    benchmark.extra_info.update(mib_50=few, mib_500=many)
    ratio.say(capsys, f"{'peak memory of 50 and of 500 iterations':58} {few:9.1f} MiB {many:8.1f} MiB")
    benchmark.pedantic(lambda: None)
    assert many < 1.03 * few


def test_early_exit(benchmark: Any, capsys: Any) -> None:
    """The share of the full pass that an exit by convergence takes, beside the share of iterations that it needs."""
    model, (x, target) = settling(), images(200)

    def stay() -> Any:
        return score_batch(model, TASK, x, target, budgets=[50], rules=["convergence"], metrics=["psnr"])[0]

    def leave() -> Any:
        return score_exit(model, TASK, x, target, budget=50, rule="convergence", metrics=["psnr"])

    stayed, left = stay(), leave()
    assert np.array_equal(stayed.iterations, left.iterations)
    np.testing.assert_allclose(stayed.scores["psnr"], left.scores["psnr"], atol=1e-3)
    ideal = 50 / float(left.iterations.mean())
    name = f"early exit at {left.iterations.mean():.1f} of 50 on average, staying"
    found = ratio.compare(benchmark, capsys, name, leave, stay, target=0.95 * ideal, turns=3)
    benchmark.extra_info["share of the ideal"] = found / ideal
