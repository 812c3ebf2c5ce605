"""Two entries against each other: paired on the test samples that both have scored, at their declared answers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict
from tabulate import tabulate

from easy2hard import archive, statistics
from easy2hard.archive import Filed, Seeds
from easy2hard.errors import UserError
from easy2hard.record import Record
from easy2hard.statistics import F64, SIGNIFICANT, Scores
from easy2hard.suite import Suite, Track
from easy2hard.units import show, show_interval

_FOOTNOTE = (
    "p is over samples alone; a difference is significant where p < 0.05 and its 95 % interval, over samples and "
    "training seeds, leaves 0 out."
)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Side(_Frozen):
    """One of the two entries."""

    entry: str
    answer: str  # the declared budget or exit rule
    seeds: int
    failed: int
    headline: float
    sd: float | None  # of the headline, over seeds; None for a single one


class Difference(_Frozen):
    """`a` minus `b` on shared samples, each first averaged over its training seeds."""

    level: str  # or "headline": the mean over the hard levels
    n: int
    a: float
    b: float
    difference: float
    ci95: tuple[float, float]  # bootstrap over samples and seeds
    p: float  # paired permutation test over samples; McNemar's exact test for shares of one seed each
    wins: int  # samples on which `a` is better
    ties: int
    losses: int
    significant: bool  # p below 0.05, and an interval without 0: what makes two ranks of a board


class Comparison(_Frozen):
    """The answer of `compare`."""

    suite: str
    metric: str
    higher_is_better: bool
    a: Side
    b: Side
    headline: Difference
    levels: tuple[Difference, ...]


def gather(entry: str | Path, suite: Suite, track: Track, folders: Sequence[Path]) -> Seeds:
    """The records of an entry on a suite and track: its newest one, and those of other seeds made by the same.

    `entry` is a name, looked up in `folders` (`submissions/`, `runs/`), or the path of a record or of
    a folder of records. Raises `UserError` where there are none.
    """
    found = _newest(_records(entry, folders), suite, track)
    if not found:
        places = ", ".join(str(folder) for folder in folders)
        command = f"easy2hard evaluate {entry} --suite {suite.name} --track {track}"
        raise UserError(
            f"there is no record of {entry} on {suite.name} ({track}) in {places}; run `{command}`."
        )
    floors = [_newest(_records(name, folders), suite, track) for name in archive.IDENTITIES]
    return Seeds(tuple(found), archive.find_identity([filed for floor in floors for filed in floor]))


def compare(a: Seeds, b: Seeds) -> Comparison:
    """How far, how surely and how often `a` is better than `b`, at each level and over the hard ones.

    Raises `UserError` where the two were asked different things, or where per-sample scores are missing.
    """
    for seeds in (a, b):
        if seeds.fault:
            raise UserError(seeds.fault)
    _comparable(a.record, b.record)
    task = a.record.task
    levels = [level for level in task.levels if a.cells(level, task.metric) and b.cells(level, task.metric)]
    missing = [level for level in task.headline if level not in levels]
    if missing:
        raise UserError(
            f"{a.record.model.id} and {b.record.model.id} do not both answer at level {', '.join(missing)}, "
            "which counts; evaluate both on all levels."
        )
    cell = a.cells(levels[0], task.metric)[0]
    of_a, of_b = a.answers(levels, task.metric), b.answers(levels, task.metric)
    sign = 1 if cell.higher_is_better else -1
    return Comparison(
        suite=task.suite,
        metric=task.metric,
        higher_is_better=cell.higher_is_better,
        a=_side(a, of_a),
        b=_side(b, of_b),
        headline=_difference("headline", of_a, of_b, task.headline, sign),
        levels=tuple(_difference(level, of_a, of_b, (level,), sign) for level in levels),
    )


def table(comparison: Comparison) -> str:
    """A comparison as a markdown table: a row per level, the mean over the hard ones, and how to read its verdicts."""
    metric, a, b = comparison.metric, comparison.a.entry, comparison.b.entry
    rows = [
        (
            row.level,
            row.n,
            show(metric, row.a),
            show(metric, row.b),
            f"{show(metric, row.difference)} {show_interval(metric, row.ci95)}",
            f"{row.p:.2g}",
            f"{row.wins} / {row.ties} / {row.losses}",
            "yes" if row.significant else "no",
        )
        for row in (*comparison.levels, comparison.headline)
    ]
    heads = ("level", "samples", a, b, f"{a} - {b}", "p", "better / equal / worse", "significant")
    align = ("left", *["right"] * 7)
    shown = tabulate(rows, heads, tablefmt="pipe", disable_numparse=True, colalign=align)
    return f"{shown}\n\n{_FOOTNOTE}"


def _records(entry: str | Path, folders: Sequence[Path]) -> list[Path]:
    """The files of an entry's records, where `submit` lays them and where a run leaves them."""
    path = Path(entry)
    if path.suffix == ".json":
        return [path]
    places = dict.fromkeys([*(folder / path for folder in folders), path])
    patterns = ("records/*.json", "*/record.json")
    return [file for place in places for pattern in patterns for file in sorted(place.glob(pattern))]


def _newest(paths: Sequence[Path], suite: Suite, track: Track) -> list[Filed]:
    """The newest record of the track's own recipe (or of any), and of every other seed the newest made likewise."""
    read = [archive.read(path) for path in paths]
    asked = [f for f in read if (f.record.task.suite, f.record.track) == (suite.name, track)]
    of_easy = [filed for filed in asked if not (filed.record.model.band == "ceiling" and filed.record.train)]
    by_age = sorted(of_easy, key=lambda filed: (not filed.record.variant, filed.record.created_at))
    same = [filed for filed in by_age if _made_by(filed.record) == _made_by(by_age[-1].record)]
    newest = {filed.record.training_seed: filed for filed in same}
    return [newest[seed] for seed in sorted(newest)]


def _made_by(record: Record) -> tuple[str | None, ...]:
    return record.model.sha256, record.model.recipe, record.declared_answer, str(record.task.limit)


def _comparable(a: Record, b: Record) -> None:
    """Refuse two records that were asked different things."""
    for what, of_a, of_b in (
        ("suites", a.task.suite, b.task.suite),
        ("protocols", a.task.protocol, b.task.protocol),
        ("source images", a.task.source, b.task.source),
        *((f"samples of level {level}", a.task.levels[level].digest, b.task.levels[level].digest)
          for level in a.task.levels.keys() & b.task.levels.keys()),
    ):  # fmt: skip
        if of_a != of_b:
            raise UserError(
                f"{a.model.id} and {b.model.id} were scored on different {what}: {of_a} and {of_b}. "
                f"Run `{archive.again(a)}` and `{archive.again(b)}` on the same data."
            )


def _side(seeds: Seeds, answers: Sequence[dict[str, Scores]]) -> Side:
    record = seeds.record
    by_seed = [float(np.mean([of[level].values.mean() for level in record.task.headline])) for of in answers]
    return Side(
        entry=record.model.id,
        answer=record.declared_answer,
        seeds=len(seeds.filed),
        failed=seeds.failed,
        headline=float(np.mean(by_seed)),
        sd=statistics.spread(by_seed),
    )


def _difference(
    name: str,
    of_a: Sequence[dict[str, Scores]],
    of_b: Sequence[dict[str, Scores]],
    levels: Sequence[str],
    sign: int,
) -> Difference:
    """The difference of the means over `levels`, on the sample ids that everybody has scored."""
    values, strata = statistics.contributions([*of_a, *of_b], levels)
    a, b = values[:, : len(of_a)], values[:, len(of_a) :]
    gaps: F64 = a.mean(axis=1) - b.mean(axis=1)
    p, (low, high) = statistics.sign_flip_test(gaps), statistics.paired_ci(a, b, strata)
    return Difference(
        level=name,
        n=len(gaps),
        a=float(a.mean(axis=1).sum()),
        b=float(b.mean(axis=1).sum()),
        difference=float(gaps.sum()),
        ci95=(low, high),
        p=p,
        wins=int((sign * gaps > 0).sum()),
        ties=int((gaps == 0).sum()),
        losses=int((sign * gaps < 0).sum()),
        significant=p < SIGNIFICANT and (low > 0 or high < 0),
    )
