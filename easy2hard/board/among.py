"""New runs among the reference rows: what `evaluate` shows at its end."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from easy2hard.archive import Filed, Seeds
from easy2hard.board.collect import Refused, collect, trained_on
from easy2hard.board.definition import Board
from easy2hard.board.sheet import RANKED, Gap, Row, Sheet, lay_out
from easy2hard.board.standing import Standing, show_figure
from easy2hard.record import Record
from easy2hard.suite import Suite, Track
from easy2hard.units import label, show, show_count

_Kind = tuple[str, str | None]  # an entry and its recipe
_BEST, _BESIDE = 3, 2  # rows of a ranking that are shown: the first, and above and below a new one


class Shown(NamedTuple):
    """A table for the screen."""

    title: str
    columns: list[str]
    rows: list[list[str]]


def among(
    runs: Sequence[Filed], reference: Sequence[Filed], asked: Suite, track: Track
) -> tuple[list[Shown], list[Refused]]:
    """The new runs level by level and budget by budget, then their rows in the table; and what does not rank.

    Between the two stands what the ceilings among the runs say of the others: how far these stay below them.
    """
    sheet, refused = _laid_out(runs, reference, asked, track)
    without = {unranked.path for unranked in refused}
    shown = [_by_budget(filed) for filed in runs if filed.record.cells]
    gaps = _gaps(runs, asked)
    standing = _standing(
        sheet,
        {_kind(filed.record) for filed in runs if filed.path not in without},
        [filed for filed in runs if filed.path in without and not trained_on(filed)],
    )
    return [*shown, *([gaps] if gaps.rows else []), standing], refused


def _laid_out(
    runs: Sequence[Filed], reference: Sequence[Filed], asked: Suite, track: Track
) -> tuple[Sheet, list[Refused]]:
    """The table in which runs that rank take the places of published records of the same; the other runs, and why.

    A run that turns out not to rank is taken out, and the published record that it would have replaced stays.
    """
    board = Board(
        title=asked.name,
        suite=asked.name,
        position=0,
        tracks=(track,),
        easy=asked.easy[0],
        hard=asked.headline[0],
        text="",
    )
    refused = {filed.path: reason for filed in runs if (reason := _in_part(filed))}
    while True:
        ranking = [filed for filed in runs if filed.path not in refused]
        new = {_identity(filed) for filed in ranking}
        found = [filed for filed in reference if _identity(filed) not in new] + ranking
        own = {filed.path for filed in ranking}
        fresh = {path: reason for path, reason in collect(found, asked, track).refused if path in own}
        if not fresh:
            break
        refused |= fresh
    sheet = lay_out(asked.name, board, asked, track, found, [])
    return sheet, [Refused(filed.path, refused[filed.path]) for filed in runs if filed.path in refused]


def _in_part(filed: Filed) -> str | None:
    """Why a run that was asked some levels alone does not rank."""
    task = filed.record.task
    missing = [level for level in task.headline if level not in task.levels]
    if not missing or trained_on(filed) or task.limit is not None:
        return None
    return f"it was not asked level {', '.join(missing)}, which counts; leave --levels out."


def _identity(filed: Filed) -> tuple[str, str, str, str]:
    record = filed.record
    return record.model.id, record.task.suite, record.track, record.filename


def _by_budget(filed: Filed) -> Shown:
    """The ranking metric: a row for every budget and rule, a column for every level."""
    record = filed.record
    metric = record.task.metric
    cells = [cell for cell in record.cells if cell.metric == metric]
    levels = [level for level in record.task.levels if any(cell.level == level for cell in cells)]
    budgets = sorted({cell.budget for cell in cells if cell.exit is None})
    rules = sorted({cell.exit for cell in cells if cell.exit})
    rows = []
    for budget in budgets:
        values = {cell.level: cell.value for cell in cells if (cell.budget, cell.exit) == (budget, None)}
        mark = " (declared)" if record.declared_answer == str(budget) else ""
        rows.append([f"{budget}{mark}", *(show(metric, values.get(level)) for level in levels)])
    for rule in rules:
        last = {c.level: c.value for c in sorted(cells, key=lambda c: c.budget) if c.exit == rule}
        rows.append([rule, *(show(metric, last.get(level)) for level in levels)])
    hard = ", ".join(trained_on(filed))
    who = f"{record.title}, ceiling, trained at {hard}" if hard else record.title
    title = f"{who}, seed {record.training_seed}: {label(metric)} by level and iterations"
    return Shown(title, ["iterations", *levels], rows)


def _gaps(runs: Sequence[Filed], asked: Suite) -> Shown:
    """At every level that a ceiling was trained on: the model trained on easy levels, the ceiling, the gap."""
    metric = asked.metric
    rows = []
    for kind, level in dict.fromkeys(
        (_kind(filed.record), level) for filed in runs for level in trained_on(filed)
    ):
        of_kind = [filed for filed in runs if _kind(filed.record) == kind]
        ceiling = [filed for filed in of_kind if level in trained_on(filed)]
        easy, hard = (
            Standing(Seeds(tuple(filed)), asked, (level,)).figure(level, metric) if filed else None
            for filed in ([filed for filed in of_kind if not trained_on(filed)], ceiling)
        )
        gap = Gap(Seeds(tuple(ceiling)), level, hard, easy)
        figures = [show_figure(metric, easy), show_figure(metric, hard), show(metric, gap.value)]
        rows.append([gap.ceiling.record.title, level, *figures])
    easy_levels = ", ".join(asked.easy)
    title = f"{asked.name}, the extrapolation gap: {label(metric)} at the declared answer"
    columns = ["model", "level", f"trained at {easy_levels}", "trained at the level (ceiling)", "gap"]
    return Shown(title, columns, rows)


def _kind(record: Record) -> _Kind:
    return record.model.id, record.model.recipe


def _standing(sheet: Sheet, fresh: set[_Kind], unranked: Iterable[Filed]) -> Shown:
    """The new rows marked, with the best and their neighbours; floors and ceilings; last the runs that do not rank."""
    metric = sheet.asked.metric
    levels = sheet.asked.easy + sheet.levels
    rows: list[list[str]] = []
    for band, of_band in sheet.bands.items():
        new = [_kind(row.standing.record) in fresh for row in of_band]
        kept = _near(new) if band in RANKED else list(range(len(of_band)))
        for at, before in zip(kept, [-1, *kept], strict=False):
            rows += _left_out(at - before - 1, len(levels))
            rows.append(_row(of_band[at], band, levels, metric, new[at]))
        rows += _left_out(len(of_band) - 1 - kept[-1] if kept else 0, len(levels))
    groups: dict[_Kind, list[Filed]] = {}
    for filed in unranked:
        groups.setdefault(_kind(filed.record), []).append(filed)
    for group in groups.values():
        one = Standing(Seeds(tuple(group)), sheet.asked, sheet.levels)
        rows.append(_row(Row("not ranked", one), "", levels, metric, True))
    title = f"{sheet.asked.name}, {sheet.track} track: {label(metric)} at the declared answer"
    return Shown(title, ["rank", "model", "seeds", "parameters", *levels, "mean of hard"], rows)


def _near(new: Sequence[bool]) -> list[int]:
    """Which rows of a ranking are shown: the best, the new ones, and those beside the new ones."""
    beside = {at + by for at, is_new in enumerate(new) if is_new for by in range(-_BESIDE, _BESIDE + 1)}
    return sorted({*range(min(_BEST, len(new))), *(at for at in beside if 0 <= at < len(new))})


def _left_out(count: int, levels: int) -> list[list[str]]:
    """A row in the place of those that are not shown."""
    return [["…", f"{count} more", *[""] * (levels + 3)]] if count else []


def _row(row: Row, band: str, levels: Sequence[str], metric: str, new: bool) -> list[str]:
    one, record = row.standing, row.standing.record
    headline = "n/a" if one.fault else show(metric, one.headline)
    apart = "augmented " if band == "augmented" else ""
    return [
        apart + row.rank if row.rank else band,
        f"* {record.title}" if new else record.title,
        str(len(one.seeds.filed)),
        show_count(record.model.params_total),
        *(one.shown(level, metric) if level in record.task.levels else "–" for level in levels),
        headline,
    ]
