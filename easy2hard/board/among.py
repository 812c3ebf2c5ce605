"""New runs among the reference rows: what `evaluate` shows at its end."""

from collections.abc import Sequence
from typing import NamedTuple

from easy2hard.archive import Filed
from easy2hard.board.collect import Refused
from easy2hard.board.definition import Board
from easy2hard.board.sheet import Row, Sheet, lay_out
from easy2hard.record import Record
from easy2hard.suite import Suite, Track
from easy2hard.units import label, show, show_count


class Shown(NamedTuple):
    """A table for the screen."""

    title: str
    columns: list[str]
    rows: list[list[str]]


def among(
    runs: Sequence[Filed], reference: Sequence[Filed], asked: Suite, track: Track
) -> tuple[list[Shown], list[Refused]]:
    """The new runs level by level and budget by budget, then their rows in the table; and what does not rank."""
    new = {_identity(filed) for filed in runs}
    board = Board(
        title=asked.name,
        suite=asked.name,
        position=0,
        tracks=(track,),
        easy=asked.easy[0],
        hard=asked.headline[0],
        text="",
    )
    found = [filed for filed in reference if _identity(filed) not in new] + list(runs)
    sheet = lay_out(asked.name, board, asked, track, found, [])
    fresh = {_kind(filed.record) for filed in runs}
    shown = [_by_budget(filed) for filed in runs if filed.record.cells]
    return [*shown, _standing(sheet, fresh)], [r for r in sheet.refused if r.path in {f.path for f in runs}]


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
    title = f"{record.title}, seed {record.training_seed}: {label(metric)} by level and iterations"
    return Shown(title, ["iterations", *levels], rows)


def _kind(record: Record) -> tuple[str, str | None]:
    return record.model.id, record.model.recipe


def _standing(sheet: Sheet, fresh: set[tuple[str, str | None]]) -> Shown:
    """Every row of the table, the new ones marked."""
    metric = sheet.asked.metric
    levels = sheet.asked.easy + sheet.levels
    rows = [
        _row(row, band, levels, metric, fresh) for band, of_band in sheet.bands.items() for row in of_band
    ]
    title = f"{sheet.asked.name}, {sheet.track} track: {label(metric)} at the declared answer"
    return Shown(title, ["rank", "model", "seeds", "parameters", *levels, "mean of hard"], rows)


def _row(
    row: Row, band: str, levels: Sequence[str], metric: str, fresh: set[tuple[str, str | None]]
) -> list[str]:
    one, record = row.standing, row.standing.record
    mark = "* " if _kind(record) in fresh else ""
    headline = "n/a" if one.fault else show(metric, one.headline)
    return [
        row.rank or band,
        f"{mark}{record.title}",
        str(len(one.seeds.filed)),
        show_count(record.model.params_total),
        *(one.shown(level, metric) for level in levels),
        headline,
    ]
