"""The same net trained by two recipes: its figures side by side, and how far apart they are."""

from collections.abc import Iterator
from typing import NamedTuple

from easy2hard.board.sheet import Sheet
from easy2hard.board.standing import Standing
from easy2hard.units import show, show_spread

_Spread = tuple[float, float | None]  # mean and standard deviation over seeds; None for a single one


class Pair(NamedTuple):
    """A net by the two recipes of a pair."""

    sides: tuple[Standing | None, Standing | None]  # None where there is no record; never both
    figures: dict[str, str]  # as written, by column: both sides and their difference

    @property
    def shown(self) -> Standing:
        """The side whose title names the row: the first, where it is here."""
        return next(one for one in self.sides if one)


def pairs(sheet: Sheet) -> list[Pair]:
    """The nets that the board's pairs of recipes were tried on, in the order of their better row."""
    if sheet.board.twins is None:
        return []
    rows = {(one.record.model.id, one.record.model.recipe): one for _, one in sheet.rows}
    nets = dict.fromkeys(net for net, _ in rows)
    twins = [
        (rows.get((net, first)), rows.get((net, second)))
        for net in nets
        for first, second in sheet.board.twins.recipes
    ]
    return [Pair(sides, dict(_figures(sheet, sides))) for sides in twins if any(sides)]


def _figures(sheet: Sheet, sides: tuple[Standing | None, Standing | None]) -> Iterator[tuple[str, str]]:
    """Columns and what stands in them: a dash where a side has no record."""
    board, metric = sheet.board, sheet.asked.metric
    titles = board.twins.columns if board.twins else ()
    columns = {f"easy {board.easy}": board.easy, f"hard {board.hard}": board.hard, "headline": None}
    for column, level in columns.items():
        spreads = [_spread(one, level) if one else None for one in sides]
        for title, one, spread in zip(titles, sides, spreads, strict=True):
            absent = "n/a" if one else "–"
            yield f"{column}, {title}", show_spread(metric, *spread) if spread else absent
        first, second = spreads
        yield f"{column}, difference", show(metric, first[0] - second[0]) if first and second else "–"


def _spread(one: Standing, level: str | None) -> _Spread | None:
    """The declared answer at a level, or (None) the headline; None for what the entry cannot give."""
    if level is None:
        return None if one.fault else (one.headline, one.sd)
    figure = one.figure(level, one.asked.metric)
    return (figure.value, figure.sd) if figure else None
