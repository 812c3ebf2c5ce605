"""From what was measured to the parts of a record."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from easy2hard import data, shelf, statistics
from easy2hard.ask import Ask, rows_of
from easy2hard.entry import Entry, Recipe
from easy2hard.losses import stamps
from easy2hard.macs import Macs, count, parameters
from easy2hard.models.recurrent import Recurrent
from easy2hard.record import Answered, Asked, Cell, LevelData, Trained, Weights
from easy2hard.score import NAN
from easy2hard.tasks import Task
from easy2hard.train import Outcome
from easy2hard.weights import sha256_of

_NO_METRICS = ("level", "index", "rule", "budget", "iterations", NAN)
Chosen = tuple[str, Recipe] | None  # a recipe and its name; None for what does not learn


def cells(level: str, table: pa.Table, model: Recurrent, task: Task) -> Iterator[Cell]:
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


def declared(ask: Ask, chosen: Chosen) -> str:
    """The answer that ranks: the rule asked for alone, or the recipe's own, or the suite's."""
    own = chosen[1].answer_on(ask.suite.name, ask.suite.answer) if chosen else str(ask.suite.answer)
    return ask.exit or own


def asked(ask: Ask, task: Task, chosen: Chosen, tables: dict[str, pa.Table]) -> Asked:
    suite = ask.suite
    scored = {level: rows_of(ask, task, level) for level in tables or ask.levels}
    return Asked(
        suite=suite.name,
        version=suite.version,
        protocol=suite.protocol_digest,
        metric=suite.metric,
        answer=declared(ask, chosen),
        train_levels=(ask.ceiling,) if ask.ceiling else suite.easy,
        headline=suite.headline,
        levels={
            level: LevelData(n=n, digest=data.level_digest(task, suite, level), kind=suite.kind(level))
            for level, n in scored.items()
        },
        seed=suite.seed,
        stamp=task.stamp(suite.easy[0]),
        source=task.source_digest() or None,
        limit=ask.limit,
    )


def answered(
    entry: Entry,
    ask: Ask,
    model: Recurrent,
    chosen: Chosen,
    weights: Weights | None,
    task: Task,
) -> Answered:
    """What is known of the entry. Weights from elsewhere were trained by a recipe that nobody knows."""
    recipe = None if ask.weights else chosen
    total, trained = parameters(model)
    cost = _count(model, task, ask.suite.easy[0])
    card = entry.card
    band = "ceiling" if ask.ceiling else card.band if card else "entry"
    return Answered(
        id=entry.name,
        title=card.title if card else entry.name,
        band=band,
        recipe=recipe[0] if recipe else None,
        sha256=entry.sha256,
        hparams=recipe[1].model_dump(mode="json") | {"stamps": loss_stamps(recipe[1])} if recipe else {},
        iterative=model.max_iterations is None or model.max_iterations > 1,
        train_iterations=train_iterations(model, chosen),
        max_iterations=model.max_iterations or "unbounded",
        params_total=total,
        params_trained=trained,
        macs_fixed=cost.fixed,
        macs_per_iteration=cost.per_iteration,
        weights=weights,
        needs=model.needs,
        authors=card.authors if card else "",
        licence=card.licence if card else "",
        paper=card.paper if card else None,
    )


def loss_stamps(recipe: Recipe) -> dict[str, str]:
    """What outside a recipe decides its losses, such as the weights of a network that one of them looks through."""
    return stamps({name: recipe.options.get(name, {}) for name, weight in recipe.losses.items() if weight})


def train_iterations(model: Recurrent, chosen: Chosen) -> int | None:
    """How many iterations it was trained at: never more than it can run."""
    if chosen is None:
        return model.max_iterations
    return min(chosen[1].train_iterations, model.max_iterations or chosen[1].train_iterations)


def trained(ask: Ask, seed: int, outcome: Outcome | None, chosen: Chosen, folder: Path) -> Trained | None:
    if outcome is None or chosen is None:
        return None
    log = folder / "train.jsonl"
    return Trained(
        seed=seed,
        levels=(ask.ceiling,) if ask.ceiling else ask.suite.easy,
        steps=outcome.steps,
        samples=outcome.samples,
        seconds=round(outcome.seconds, 3),
        loss=outcome.loss,
        validation=outcome.validation,
        own=outcome.own,
        selected_on="easy validation" if chosen[1].select == "best" else "last",
        log_sha256=sha256_of(log) if log.is_file() else None,
    )
