"""Training that an entry does itself: the harness hands out batches of the easy levels, and no other data.

An entry without a framework has `fit(batches, seed)`; one in torch may bring `train(model, task, batches, seed)`. What
it does with the batches is its own business: of the recipe it feels epochs, rows, batch_size and fresh, and from
`losses` what a target is: the clean image (`fixed`), or a second noisy draw (`noise2noise`).
"""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from easy2hard import atomic
from easy2hard.entry import Entry, TaskSpec
from easy2hard.errors import UserError
from easy2hard.evaluation.run import Run
from easy2hard.models.recurrent import Lessons, Once, Plain, Recurrent, place
from easy2hard.plan import Plan, wants_pairs
from easy2hard.progress import Listener, Step
from easy2hard.recipe import Recipe
from easy2hard.train import Outcome, seeded, validate
from easy2hard.weights import load_weights, save_weights

Own = Callable[[Lessons], None]  # an entry's own training
_LOG_SECONDS = 1.0


def own_training(entry: Entry, model: Recurrent, task: TaskSpec, seed: int) -> Own | None:
    """What trains `model` in place of the harness's loop; None where nothing does."""
    if isinstance(model, Plain) and model.learner is not None:
        learner = model.learner
        return lambda batches: learner.fit(batches, seed)
    if entry.train is not None:
        train, own = entry.train, model.module if isinstance(model, Once) else model
        return lambda batches: train(own, task, batches, seed)
    return None


def refuse_untrained(entry: Entry, model: Recurrent) -> None:
    """Raise `UserError` for an entry that would be scored without having learnt, for want of a recipe.

    A model given as an object may have learnt already, and so may one whose `build` freezes what it has loaded.
    """
    if not entry.sha256:
        return
    learnable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    if learnable:
        raise UserError(
            f"{entry.name} has {learnable:,} parameters and no recipe, so it would be scored untrained; add "
            "recipe = Recipe(...), or give --weights (a build that loads its own calls requires_grad_(False))."
        )
    if isinstance(model, Plain) and model.learner is not None:
        raise UserError(
            f"{entry.name} has fit(batches, seed) and no recipe, which would size its batches; add "
            "recipe = Recipe(rows=…, epochs=…, batch_size=…), or give --weights."
        )


def check_recipe(entry: Entry, recipe: Recipe) -> None:
    """Raise `UserError` for a recipe that asks the harness for what an entry does itself."""
    wanted = [name for name, weight in recipe.losses.items() if weight]
    if wanted not in (["fixed"], ["noise2noise"]):
        raise UserError(
            f"{entry.name} trains itself, so the losses of its recipe only say what it learns from: "
            f"fixed (clean targets) or noise2noise (a second noisy draw); got {', '.join(wanted)}."
        )
    if recipe.select != "last":
        raise UserError(
            f"{entry.name} trains itself, so its recipe cannot select the '{recipe.select}' weights; "
            "leave select out."
        )


def fit(own: Own, run: Run, model: Recurrent) -> Outcome:
    """Let an entry train itself, and leave `weights.safetensors` and `trained.json` in the run's folder.

    An exception that it raises is the failure of this seed. There is no checkpoint: what was killed begins anew.
    """
    recipe, device = run.recipe, run.ask.device
    check_recipe(run.entry, recipe)
    trained, weights = run.folder / "trained.json", run.folder / "weights.safetensors"
    if trained.is_file():
        outcome = Outcome(**json.loads(trained.read_text()))
        if outcome.failure is None:
            load_weights(model, weights)
        return outcome
    plan = Plan.of(run.task, run.suite, recipe, run.train_levels, run.seed)
    batches = Batches(plan, model, recipe, device, run.listen)
    note = f"{len(batches):,} steps of {recipe.batch_size} samples at level {', '.join(run.train_levels)}"
    run.listen(
        Step("training", 0, len(batches), {}, f"seed {run.seed}: {run.entry.name} trains itself, {note}")
    )
    place(model, device).train()
    torch.manual_seed(seeded("own training", run.seed))
    began, failure = time.perf_counter(), None
    try:
        own(batches)
    except Exception as error:
        if batches.fault is not None:
            raise batches.fault from None  # of the data or of who listens, not of the entry
        failure = f"its own training raised {type(error).__name__}: {' '.join(str(error).split())[:300]}"
    if failure is None and not all(p.isfinite().all() for p in model.parameters()):
        failure = f"training diverged: the weights after {batches.taken} steps are not all finite"
    seconds = time.perf_counter() - began
    validation = None if failure else validate(model, run.task, run.suite, run.train_levels, recipe, device)
    samples = batches.taken * recipe.batch_size
    outcome = Outcome(batches.taken, samples, seconds, None, validation, failure, own=True)
    if failure is None:
        save_weights(model, weights)
    atomic.write_text(trained, json.dumps(outcome._asdict()) + "\n")
    return outcome


class Batches:
    """The training data of a recipe, as `Lessons`: NumPy arrays without a framework, tensors on the device with one."""

    def __init__(self, plan: Plan, model: Recurrent, recipe: Recipe, device: str, listen: Listener) -> None:
        self.recipe = recipe
        self._plan, self._model = plan, model
        self._device, self._listen = device, listen
        self.taken = 0
        self.fault: Exception | None = None  # what went wrong in here

    def __len__(self) -> int:
        return self._plan.steps

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        if self.taken:
            raise RuntimeError("the batches are there once, with all epochs of the recipe in them")
        began = told = time.perf_counter()
        for step in range(len(self)):
            try:
                batch = self._draw(step)
                now = time.perf_counter()
                if now - told > _LOG_SECONDS:
                    told = now
                    speed = step * self.recipe.batch_size / (now - began)
                    self._listen(Step("training", step, len(self), {"samples/s": speed}))
            except Exception as error:
                self.fault = error
                raise
            self.taken = step + 1
            yield batch

    def _draw(self, step: int) -> tuple[Any, ...]:
        self._model.tell(self._plan.level(step))
        x, target = self._plan.batch(step)
        if wants_pairs(self.recipe):
            target = self._plan.second(step, "cpu")()
        told = (float(self._plan.level(step)),) if "level" in self._model.needs else ()
        if isinstance(self._model, Plain):
            return (*(np.ascontiguousarray(part.numpy()) for part in (x, target)), *told)
        return (x.to(self._device, memory_format=torch.channels_last), target.to(self._device), *told)
