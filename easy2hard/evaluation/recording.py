"""From what was measured to the parts of a record."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from easy2hard import data, shelf, statistics
from easy2hard.evaluation.ask import rows_of
from easy2hard.evaluation.run import Run, loss_stamps
from easy2hard.macs import Macs, count, parameters
from easy2hard.models.recurrent import Recurrent
from easy2hard.record import Answered, Asked, Cell, LevelData, Trained, Weights
from easy2hard.score import NAN
from easy2hard.tasks import Task
from easy2hard.train import Outcome
from easy2hard.weights import sha256_of

_NO_METRICS = ("level", "index", "rule", "budget", "iterations", NAN)


def cells(run: Run, model: Recurrent, tables: dict[str, pa.Table]) -> tuple[Cell, ...]:
    """The figures of every level."""
    return tuple(cell for level, table in tables.items() for cell in _cells(level, table, model, run.task))


def _cells(level: str, table: pa.Table, model: Recurrent, task: Task) -> Iterator[Cell]:
    """The figures of a level: a mean with its interval for every rule, budget and metric."""
    cost = _count(model, task, level)
    frame = table.to_pandas()
    metrics = [name for name in frame.columns if name not in _NO_METRICS]
    groups = list(frame.groupby(["rule", "budget"], observed=True, sort=True))
    for metric in metrics:
        module = shelf.take("metrics", metric)
        columns = np.stack([group[metric].to_numpy(np.float64) for _, group in groups], axis=1)
        intervals = statistics.confidence_intervals(columns)
        for ((rule, budget), group), values, (low, high) in zip(groups, columns.T, intervals, strict=True):
            iterations = float(group["iterations"].mean())
            shared: dict[str, Any] = {
                "level": level,
                "budget": int(budget),
                "exit": rule or None,
                "higher_is_better": module.HIGHER_IS_BETTER,
                "n": len(group),
                "iterations": iterations,
                "macs": cost.of(iterations),
                "nan": int(group[NAN].sum()),
            }
            error = statistics.standard_error(values)
            yield Cell(
                metric=metric, value=float(values.mean()), se=error, ci95=(float(low), float(high)), **shared
            )
            if hasattr(module, "pooled"):
                pooled = module.pooled(torch.from_numpy(values))
                yield Cell(metric=f"{metric}_pooled", value=pooled, se=None, ci95=None, **shared)


def _count(model: Recurrent, task: Task, level: str) -> Macs:
    model.tell(level)
    return count(model, task.in_channels, task.shape(level))


def ranking_answer(run: Run, model: Recurrent) -> str:
    """The budget or exit rule whose answer ranks; `train` is the number of iterations that it was trained at."""
    return str(_train_iterations(run, model) or 1) if run.answer == "train" else run.answer


def asked(run: Run, tables: dict[str, pa.Table]) -> Asked:
    """What was asked, level by level."""
    suite, task = run.suite, run.task
    scored = {level: rows_of(run.ask, task, level) for level in tables or run.ask.levels}
    return Asked(
        suite=suite.name,
        version=suite.version,
        protocol=suite.protocol_digest,
        metric=suite.metric,
        answer=run.answer,
        train_levels=run.train_levels,
        headline=suite.headline,
        levels={
            level: LevelData(n=n, digest=data.level_digest(task, suite, level), kind=suite.kind(level))
            for level, n in scored.items()
        },
        seed=suite.seed,
        stamp=task.stamp(suite.easy[0]),
        source=task.source_digest() or None,
        limit=run.ask.limit,
    )


def answered(run: Run, model: Recurrent, weights: Weights | None) -> Answered:
    """What is known of the entry. Weights from elsewhere were trained by a recipe that nobody knows."""
    entry, card = run.entry, run.entry.card
    recipe = run.chosen if run.learns else None
    total, learnable = parameters(model)
    cost = _count(model, run.task, run.suite.easy[0])
    return Answered(
        id=entry.name,
        title=card.title if card else entry.name,
        band="ceiling" if run.ask.ceiling else card.band if card else "entry",
        recipe=recipe[0] if recipe else None,
        sha256=entry.sha256,
        hparams=recipe[1].model_dump(mode="json") | {"stamps": loss_stamps(recipe[1])} if recipe else {},
        iterative=model.max_iterations is None or model.max_iterations > 1,
        train_iterations=_train_iterations(run, model),
        max_iterations=model.max_iterations or "unbounded",
        params_total=total,
        params_trained=learnable,
        macs_fixed=cost.fixed,
        macs_per_iteration=cost.per_iteration,
        weights=weights,
        needs=model.needs,
        authors=card.authors if card else "",
        licence=card.licence if card else "",
        paper=card.paper if card else None,
    )


def _train_iterations(run: Run, model: Recurrent) -> int | None:
    """How many iterations it was trained at: never more than it can run."""
    if run.chosen is None:
        return model.max_iterations
    wanted = run.chosen[1].train_iterations
    return min(wanted, model.max_iterations or wanted)


def trained(run: Run, outcome: Outcome | None) -> Trained | None:
    """How it was trained; None where it was not."""
    if outcome is None:
        return None
    log = run.folder / "train.jsonl"
    return Trained(
        seed=run.seed,
        levels=run.train_levels,
        steps=outcome.steps,
        samples=outcome.samples,
        seconds=round(outcome.seconds, 3),
        loss=outcome.loss,
        validation=outcome.validation,
        own=outcome.own,
        selected_on="easy validation" if run.recipe.select == "best" else "last",
        log_sha256=sha256_of(log) if log.is_file() else None,
    )
