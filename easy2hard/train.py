"""Training on the easy levels: one loop, written out.

Given the weights at a step, everything after it is a function of (recipe, seed, step): the order of the samples, their
noise, and every random choice. So a run that was killed goes on from its checkpoint to the same result.
"""

import ctypes
import json
import math
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn

from easy2hard import atomic, shelf
from easy2hard.errors import UserError
from easy2hard.losses import Lesson
from easy2hard.models.recurrent import Recurrent, place
from easy2hard.plan import Plan, Second
from easy2hard.progress import Listener, Step
from easy2hard.recipe import Recipe
from easy2hard.score import reachable, score_batch
from easy2hard.suite import Suite
from easy2hard.tasks import Task
from easy2hard.weights import load_weights, read_checkpoint, save_weights, write_checkpoint

_CHECKPOINT_SECONDS = 30.0
_LOG_SECONDS = 1.0
_VALIDATION_ROWS = 500
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # as glibc's malloc.h numbers them
_LARGEST_KEPT = 2**28  # bytes: an activation of a training batch is smaller, one of a huge test maze is not


class Outcome(NamedTuple):
    """What a training run came to."""

    steps: int
    samples: int
    seconds: float  # spent in training, over all resumed parts
    loss: float | None
    validation: float | None  # the suite's metric on the easy validation split
    failure: str | None  # why it stopped, where it did
    own: bool = False  # by the entry's own training, not by this loop


def seeded(*parts: object) -> int:
    """A 63-bit seed for a purpose: a hash, so that neighbouring numbers share nothing."""
    text = "\0".join(map(str, parts))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


class Fast(NamedTuple):
    """What a probe found to pay on this machine; nothing by default."""

    bfloat16: bool = False
    compiled: bool = False

    def compile(
        self, model: Recurrent, task: Task, recipe: Recipe
    ) -> Callable[[Tensor, Tensor, random.Random, Second], Tensor]:
        """The function from a batch to its loss, under what pays."""
        if self.compiled:
            model.step = torch.compile(model.step, dynamic=False)  # type: ignore[method-assign]  # the loop stays ours

        def run(x: Tensor, target: Tensor, chance: random.Random, second: Second) -> Tensor:
            with torch.autocast(x.device.type, torch.bfloat16, enabled=self.bfloat16):
                return total_loss(model, task, recipe, x, target, chance, second)

        return run


def train(
    model: Recurrent,
    task: Task,
    suite: Suite,
    recipe: Recipe,
    *,
    seed: int,
    folder: Path,
    levels: Sequence[str] | None = None,
    device: str = "cpu",
    fast: Fast | None = None,
    listen: Listener,
) -> Outcome:
    """Train `model` in place and leave `weights.safetensors`, `train.jsonl` and `trained.json` in `folder`.

    Only the train split of `levels` (by default the suite's easy ones) is drawn, and the validation split of the same.
    A checkpoint is written every half minute; a later call with the same arguments goes on from it.
    """
    levels = tuple(levels or suite.easy)
    plan = Plan.of(task, suite, recipe, levels, seed)
    trained = folder / "trained.json"
    if trained.is_file():
        load_weights(model, folder / "weights.safetensors")
        return Outcome(**json.loads(trained.read_text()))
    fast = fast or Fast()
    _keep_freed_memory()
    place(model, device).train()
    optimizer = _optimizer(recipe, model)
    start, spent, best = read_checkpoint(folder, model, optimizer)
    step_once = fast.compile(model, task, recipe)
    failure, loss, done = None, None, plan.steps
    began, logged, saved = time.perf_counter(), 0.0, time.perf_counter()
    with _log(folder / "train.jsonl", start) as log:
        for step in range(start, plan.steps):
            torch.manual_seed(seeded("step", seed, step))
            lr = learning_rate(recipe, step, plan.steps)
            for group in optimizer.param_groups:
                group["lr"] = lr
            x, target = plan.batch(step)
            model.tell(plan.level(step))
            x = x.to(device, memory_format=torch.channels_last)
            optimizer.zero_grad(set_to_none=True)
            chance = random.Random(seeded("losses", seed, step))
            batch_loss = step_once(x, target.to(device), chance, plan.second(step, device))
            batch_loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            norm = nn.utils.clip_grad_norm_(model.parameters(), recipe.clip or math.inf)
            loss = float(batch_loss.detach())
            if not (math.isfinite(loss) and math.isfinite(float(norm))):
                failure = f"training diverged at step {step + 1} of {plan.steps}: loss {loss}, gradient {float(norm)}"
                done = step
                break
            optimizer.step()
            now = time.perf_counter()
            if now - logged > _LOG_SECONDS or step + 1 == plan.steps:
                logged = now
                speed = (step + 1 - start) * recipe.batch_size / (now - began)
                figures = {"loss": loss, "lr": lr, "gradient": float(norm), "samples/s": speed}
                log({"step": step + 1, "samples": (step + 1) * recipe.batch_size, **figures})
                listen(Step("training", step + 1, plan.steps, {"loss": loss, "samples/s": speed}))
            epoch_ends = plan.ends_epoch(step)
            if recipe.select == "best" and epoch_ends:
                best = _keep_best(folder, model, task, suite, plan, recipe, device, best)
            if now - saved > _CHECKPOINT_SECONDS and step + 1 < plan.steps:
                saved = now
                write_checkpoint(folder, model, optimizer, step + 1, spent + now - began, best)
    spent += time.perf_counter() - began
    if recipe.select == "best" and best is not None and failure is None:
        load_weights(model, folder / "best.safetensors")
    if failure is None and not all(p.isfinite().all() for p in model.parameters()):
        failure = f"training diverged: the weights after {done} steps are not all finite"
    validation = None if failure else validate(model, task, suite, plan.levels, recipe, device)
    outcome = Outcome(done, done * recipe.batch_size, spent, loss, validation, failure)
    _finish(folder, model, outcome)
    return outcome


def _keep_freed_memory() -> None:
    """Let this process keep the buffers that a step frees for the next step: 1.05-1.2x on Linux.

    By default glibc gives large buffers back to the kernel, which then has to hand out zeroed pages again: 70,000 page
    faults in a step of the 27,360-parameter DT at batch 100. C libraries without `mallopt` are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT)
        mallopt(_M_TRIM_THRESHOLD, _LARGEST_KEPT)


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """The rate of step 0, 1, …: a linear warm-up, then constant or a half cosine down to 0."""
    warm = recipe.warmup * steps
    if step < warm:
        return recipe.lr * (step + 1) / (warm + 1)
    if recipe.schedule == "constant":
        return recipe.lr
    return recipe.lr * 0.5 * (1 + math.cos(math.pi * (step - warm) / (steps - warm)))


def trainable(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that training changes; `UserError` where there are none."""
    trained = [p for p in model.parameters() if p.requires_grad]
    if not trained:
        raise UserError(
            "the model has a recipe but no parameter that requires a gradient; remove the recipe."
        )
    return trained


def _optimizer(recipe: Recipe, model: nn.Module) -> torch.optim.Optimizer:
    trained = trainable(model)
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(
            trained, recipe.lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay, fused=True
        )
    return torch.optim.Adam(trained, recipe.lr, weight_decay=recipe.weight_decay, fused=True)


def total_loss(
    model: Recurrent,
    task: Task,
    recipe: Recipe,
    x: Tensor,
    target: Tensor,
    chance: random.Random,
    second: Second | None = None,
) -> Tensor:
    """The weighted sum of the recipe's losses on a batch; no loss asks for more iterations than the model has.

    `second` draws the noise of the batch once more, for a loss that learns from pairs.
    """
    horizon = recipe.horizon or recipe.train_iterations
    iterations, horizon = (reachable(model, range(1, n + 1))[-1] for n in (recipe.train_iterations, horizon))
    lesson = Lesson(model, x, target, task.loss, iterations, horizon, chance, second)
    total = torch.as_tensor(model.penalty(), device=x.device)
    for name, weight in recipe.losses.items():
        if weight:
            loss = shelf.take("losses", name).loss
            total = total + weight * cast(Tensor, loss(lesson, **recipe.options.get(name, {})))
    return total


@torch.inference_mode()
def validate(
    model: Recurrent, task: Task, suite: Suite, levels: Sequence[str], recipe: Recipe, device: str
) -> float:
    """The suite's metric on the first rows of the validation split, after the training iterations."""
    was_training = model.training
    model.eval()
    budget = reachable(model, range(1, recipe.train_iterations + 1))[-1]
    scores = []
    for level in levels:
        model.tell(level)
        available = task.available("validation") or suite.rows.validation
        rows = min(_VALIDATION_ROWS, suite.rows.validation, available)
        for indices in np.array_split(np.arange(rows, dtype=np.int64), max(1, rows // 50)):
            x, target = task.tensors(task.draw("validation", level, indices))
            (row,) = score_batch(
                model, task, x.to(device), target.to(device), budgets=[budget], metrics=[suite.metric]
            )
            scores.append(row.scores[suite.metric])
    model.train(was_training)
    return float(np.concatenate(scores).mean())


def _keep_best(
    folder: Path,
    model: Recurrent,
    task: Task,
    suite: Suite,
    plan: Plan,
    recipe: Recipe,
    device: str,
    best: float | None,
) -> float:
    """Write the weights as the best so far if easy validation says so; the better of the two scores."""
    sign = 1 if shelf.take("metrics", suite.metric).HIGHER_IS_BETTER else -1
    score = validate(model, task, suite, plan.levels, recipe, device)
    if best is not None and sign * score <= sign * best:
        return best
    save_weights(model, folder / "best.safetensors")
    return score


def _finish(folder: Path, model: nn.Module, outcome: Outcome) -> None:
    """The weights first, then the note that says that they are final, then the checkpoint goes."""
    save_weights(model, folder / "weights.safetensors")
    atomic.write_text(folder / "trained.json", json.dumps(outcome._asdict()) + "\n")
    for name in ("checkpoint.safetensors", "best.safetensors"):
        (folder / name).unlink(missing_ok=True)


class _log:
    """A JSONL file, cut back to the step from which a run goes on."""

    def __init__(self, path: Path, start: int) -> None:
        kept = [line for line in _lines(path) if json.loads(line)["step"] <= start]
        atomic.write_text(path, "".join(line + "\n" for line in kept))
        self._file = path.open("a", encoding="utf-8")

    def __enter__(self) -> Callable[[dict[str, float]], None]:
        return lambda row: print(json.dumps(row), file=self._file, flush=True)

    def __exit__(self, *exception: object) -> None:
        self._file.close()


def _lines(path: Path) -> Iterator[str]:
    """The whole lines of a file; a last one that a kill cut short is left out."""
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("\n"):
                yield line.rstrip("\n")
