"""Synthetic records: valid ones, with per-sample scores that agree with their cells."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from easy2hard import record, suite
from easy2hard.record import Answered, Asked, Cell, LevelData, Provenance, Record, Samples, Trained

PROVENANCE = Provenance(
    easy2hard="0.1.0",
    commit=None,
    dirty=None,
    command="easy2hard evaluate",
    python="3.11",
    torch="2.13",
    numpy="2.4",
    os="Linux",
    cpu="a processor",
    gpu=None,
    threads=1,
    device="cpu",
    dtype="float32",
    batch_size=100,
    tf32=False,
    deterministic=True,
    seconds=60.0,
)


@dataclass(frozen=True)
class Made:
    """A record and the per-sample scores that belong to it."""

    record: Record
    table: pa.Table

    def lay(self, submissions: Path, *, scores: bool = True) -> Path:
        """Write the record, and its scores beside it, where they belong in `submissions`."""
        path = submissions / self.record.model.id / "records" / self.record.filename
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".parquet")
        pq.write_table(self.table, beside)
        samples = Samples(path=beside.name, sha256=sha256(beside.read_bytes()).hexdigest())
        record.write(change(self.record, samples=samples), path)
        if not scores:
            beside.unlink()
        return path


def change(made: Record, **fields: Any) -> Record:
    """A copy with other fields; `task__seed=1` reaches into `task`."""
    for name, value in fields.items():
        room, _, field = name.partition("__")
        inside = getattr(made, room).model_copy(update={field: value}) if field else value
        made = made.model_copy(update={room: inside})
    return made


def make(
    entry: str = "dt",
    suite_name: str = "sp",
    *,
    track: suite.Track = "quick",
    seed: int = 0,
    band: record.Band = "entry",
    skill: float = 10.0,
    fade: float = 0.03,
    iterations: int | None = 5,
    budgets: tuple[int, ...] | None = None,
    trained_on: str | None = None,
    failed: bool = False,
    source: str | None = "5" * 32,
    **fields: Any,
) -> Made:
    """A record of `entry` and its scores.

    `skill` is what it gains on a hard problem with enough iterations (dB; logits for mazes), `fade`
    what it loses per iteration beyond the best budget. An entry without `iterations` knows budget 1
    only. `trained_on` makes a ceiling; `fields` go to `change`.
    """
    asked = suite.read(suite_name)
    table = _table(asked, track, entry, seed, skill, fade, budgets or (None if iterations else (1,)))
    levels = {
        level: LevelData(
            n=asked.scored_rows(level, track), digest=f"{asked.name}-{level}", kind=asked.kind(level)
        )
        for level in asked.levels
    }
    made = Record(
        run_id=f"{entry}-{seed}",
        created_at=datetime(2026, 1, 1 + seed, tzinfo=UTC),
        status="failed" if failed else "ok",
        reason="the loss was not a number" if failed else None,
        track=track,
        task=Asked(
            suite=asked.name,
            version=asked.version,
            protocol=asked.protocol_digest,
            metric=asked.metric,
            answer=str(asked.answer),
            train_levels=asked.easy,
            headline=asked.headline,
            levels=levels,
            seed=asked.seed,
            stamp={},
            source=source if asked.noise else None,
        ),
        model=Answered(
            id=entry,
            title=entry.upper(),
            band=band,
            recipe=None,
            sha256="a" * 64,
            hparams={},
            iterative=iterations is not None,
            train_iterations=iterations,
            max_iterations="unbounded" if iterations else 1,
            params_total=27_360,
            params_trained=27_360,
            macs_fixed=1_000_000,
            macs_per_iteration=27_464_000,
            weights=None,
            authors="somebody",
            licence="MIT",
        ),
        train=None
        if band == "floor"
        else Trained(
            seed=seed,
            levels=(trained_on,) if trained_on else asked.easy,
            steps=100,
            samples=10_000,
            seconds=60.0,
            loss=0.01,
            validation=25.0,
            selected_on="last",
            log_sha256=None,
        ),
        cells=() if failed else tuple(_cells(asked, table)),
        samples=None,
        provenance=PROVENANCE,
    )
    return Made(change(made, **fields), table)


def identity(suite_name: str = "sp", **options: Any) -> Made:
    """The floor that answers with its input."""
    return make("identity", suite_name, band="floor", skill=0.0, fade=0.0, iterations=None, **options)


def _table(
    asked: suite.Suite,
    track: suite.Track,
    entry: str,
    seed: int,
    skill: float,
    fade: float,
    only: tuple[int, ...] | None,
) -> pa.Table:
    """One row per level, fixed budget and sample, and per sample of the rule `convergence`."""
    rng = np.random.default_rng([seed, *entry.encode()])
    tables = []
    for level in asked.levels:
        n = asked.scored_rows(level, track)
        easier = np.random.default_rng(int(float(level) * 100)).normal(size=n)  # the same for every entry
        luck = rng.normal(scale=0.1, size=n)
        budgets = [b for b in asked.level_budgets(level) if only is None or b in only]
        for budget in budgets:
            tables.append(_rows(asked, level, "", budget, budget, skill, fade, easier + luck))
        if len(budgets) > 1:
            tables.append(
                _rows(asked, level, "convergence", budgets[-1], budgets[-1] // 2, skill, fade, easier + luck)
            )
    return pa.concat_tables(tables).unify_dictionaries()


def _rows(
    asked: suite.Suite,
    level: str,
    rule: str,
    budget: int,
    used: int,
    skill: float,
    fade: float,
    ease: np.ndarray,
) -> pa.Table:
    """The samples of one level at one budget or rule."""
    hardness = asked.levels.index(level)
    gain = skill * (1 - np.exp(-used / (1 + hardness))) - fade * max(0, used - 5 * (1 + hardness))
    if asked.noise:
        ranking, other = 16 - 2 * hardness + gain + 2 * ease, np.clip(0.5 + 0.03 * gain + 0.1 * ease, 0, 1)
    else:
        chance = gain - 4 - hardness + 2 * ease if skill else np.full(len(ease), -9.0)
        ranking, other = (chance > 0).astype(float), 1 / (1 + np.exp(-chance - 3))
    metrics = {metric: ranking if metric == asked.metric else other for metric in asked.metrics}
    n = len(ease)
    return pa.table(
        {
            "level": pa.array([level] * n).dictionary_encode(),
            "index": np.arange(n),
            "rule": pa.array([rule] * n).dictionary_encode(),
            "budget": np.full(n, budget, np.int32),
            "iterations": np.full(n, used, np.int32),
            **{name: v.astype(np.float32) for name, v in metrics.items()},
        }
    )


def _cells(asked: suite.Suite, table: pa.Table) -> Iterator[Cell]:
    """The cells of a record: means over the rows of each level, budget and rule."""
    figures = [(metric, how) for metric in asked.metrics for how in ("mean", "count", "stddev")]
    grouped = table.group_by(["level", "rule", "budget"], use_threads=False).aggregate(
        [*figures, ("iterations", "mean")]
    )
    for row in grouped.to_pylist():
        for metric in asked.metrics:
            value, n = row[f"{metric}_mean"], row[f"{metric}_count"]
            se = row[f"{metric}_stddev"] / n**0.5
            yield Cell(
                level=row["level"],
                budget=row["budget"],
                exit=row["rule"] or None,
                metric=metric,
                higher_is_better=True,
                value=value,
                n=n,
                se=se,
                ci95=(value - 1.96 * se, value + 1.96 * se),
                iterations=row["iterations_mean"],
                macs=1e6 + 27_464_000 * row["iterations_mean"],
            )
