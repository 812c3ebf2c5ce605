"""A board as a tidy table: one row per entry, level, budget or exit rule, and metric."""

from collections.abc import Iterable, Iterator
from typing import Any

from easy2hard.board.collect import trained_on
from easy2hard.board.sheet import Row, Sheet
from easy2hard.board.standing import Figure, Standing
from easy2hard.units import scale

COLUMNS = (
    *("board", "suite", "track", "band", "entry", "recipe", "trained_on", "rank"),
    *("level", "kind", "budget", "exit", "declared", "metric"),
    *("value", "sd", "ci_low", "ci_high", "seeds", "failed", "n", "iterations", "macs"),
)


def csv(sheets: Iterable[Sheet]) -> str:
    """All tracks of a board as CSV.

    `level` is `headline` in the row of the ranking figure; `sd` is over seeds and `ci_*` over samples;
    shares lie between 0 and 1. What an entry cannot run has no row; `macs` is empty where none were counted. The band
    `paper` holds what a paper prints of an entry, which is nobody's record.
    """
    import pandas as pd

    rows = [row for sheet in sheets for row in (*_rows(sheet), *_printed(sheet))]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def _rows(sheet: Sheet) -> Iterator[dict[str, Any]]:
    """The rows of one track: bands in their order, then ceilings."""
    ceilings = {id(gap.ceiling): gap.ceiling for gap in sheet.gaps}.values()
    for rank, one in [*sheet.rows, *(Row("", Standing(seeds, sheet.asked, ())) for seeds in ceilings)]:
        trained = trained_on(one.seeds.filed[0])
        common = {
            "board": sheet.name,
            "suite": sheet.asked.name,
            "track": sheet.track,
            "band": one.record.model.band,
            "entry": one.record.model.id,
            "recipe": one.record.model.recipe,
            "trained_on": " ".join(trained) or None,
            "rank": rank.removesuffix("=") or None,
            "seeds": len(one.seeds.filed),
            "failed": one.seeds.failed,
        }
        yield from ({**common, **row} for row in ([] if trained or one.fault else [_headline(one)]))
        yield from ({**common, **row} for row in _cells(one))


def _printed(sheet: Sheet) -> Iterator[dict[str, Any]]:
    """The figures of the board's paper."""
    for row, ours, *_ in sheet.beside:
        recipe = ours.record.model.recipe if ours else next(iter(row.recipes), None)
        for level, kind, value in (
            (sheet.board.easy, "easy", row.easy),
            (sheet.board.hard, "hard", row.hard),
        ):
            yield {
                "board": sheet.name,
                "suite": sheet.asked.name,
                "track": sheet.track,
                "band": "paper",
                "entry": row.entry,
                "recipe": recipe,
                "level": level,
                "kind": kind,
                "metric": sheet.asked.metric,
                "value": value / scale(sheet.asked.metric),
            }


def _headline(one: Standing) -> dict[str, Any]:
    """The figure that ranks."""
    low, high = one.ci95 or (None, None)
    return {
        "level": "headline",
        "kind": "hard",
        "declared": True,
        "metric": one.asked.metric,
        "value": one.headline,
        "sd": one.sd,
        "ci_low": low,
        "ci_high": high,
    }


def _cells(one: Standing) -> Iterator[dict[str, Any]]:
    """Every cell of an entry, over its seeds."""
    scored = one.record if one.record.cells or one.seeds.identity is None else one.seeds.identity.record
    for cell in scored.cells:
        figure = one.figure(cell.level, cell.metric, cell.budget, cell.exit)
        if figure:
            answer = scored.answer_cell(cell.level, cell.metric)
            declared = answer is not None and (answer.budget, answer.exit) == (cell.budget, cell.exit)
            kind = scored.task.levels[cell.level].kind
            where = {"level": cell.level, "kind": kind, "exit": cell.exit, "declared": declared}
            yield {**where, "metric": cell.metric, **_figures(figure)}


def _figures(figure: Figure) -> dict[str, Any]:
    low, high = figure.ci95 or (None, None)
    return {
        "budget": str(figure.budget),
        "value": figure.value,
        "sd": figure.sd,
        "ci_low": low,
        "ci_high": high,
        "n": str(figure.n),
        "iterations": figure.iterations,
        "macs": str(round(figure.macs)) if figure.macs else None,
    }
