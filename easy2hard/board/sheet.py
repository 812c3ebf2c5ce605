"""One track of a board: who stands in which band, who is refused, and what training on hard levels gives."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from easy2hard.archive import Filed, Seeds
from easy2hard.board import standing
from easy2hard.board.collect import Refused, collect, trained_on
from easy2hard.board.definition import Board, PaperRow
from easy2hard.board.standing import Figure, Standing
from easy2hard.record import Band
from easy2hard.suite import Suite, Track
from easy2hard.units import scale, show

RANKED: tuple[Band, ...] = ("entry", "augmented")


class Row(NamedTuple):
    """An entry in its band."""

    rank: str  # empty where it does not rank
    standing: Standing


class Beside(NamedTuple):
    """A row of a paper's table beside the entry that is this model here."""

    paper: PaperRow
    ours: Standing | None  # None where it has no record
    easy: tuple[str, str]  # the paper's figure and ours, as they are written; a dash where there is none
    hard: tuple[str, str]


class Gap(NamedTuple):
    """An entry against its own ceiling: the same model, trained on a hard level."""

    ceiling: Seeds
    level: str
    trained: Figure | None  # the ceiling at `level`
    entry: Figure | None  # the entry at `level`; None where it has no record here

    @property
    def value(self) -> float | None:
        """How far the entry stays below its ceiling."""
        return self.trained.value - self.entry.value if self.trained and self.entry else None


@dataclass(frozen=True)
class Sheet:
    """One track of a board, ready to be written."""

    name: str  # of the board
    board: Board
    asked: Suite
    track: Track
    levels: tuple[str, ...]  # whose mean is the headline
    bands: dict[Band, list[Row]]
    gaps: list[Gap]
    refused: list[Refused]

    @property
    def rows(self) -> list[Row]:
        """All bands, one after the other."""
        return [row for band in self.bands.values() for row in band]

    @property
    def beside(self) -> list[Beside]:
        """The rows of the board's paper, in its order; empty for a board that names none."""
        return [self._beside(row) for row in self.board.paper.rows] if self.board.paper else []

    def _beside(self, row: PaperRow) -> Beside:
        recipes = row.recipes or ("",)  # an empty variant is the track's own recipe
        own = (one for _, one in self.rows if one.record.model.id == row.entry)
        ours = next((one for one in own if one.record.variant in recipes), None)
        metric = self.asked.metric
        easy, hard = (
            (show(metric, printed / scale(metric)), ours.shown(level, metric) if ours else "–")
            for level, printed in ((self.board.easy, row.easy), (self.board.hard, row.hard))
        )
        return Beside(row, ours, easy, hard)

    @property
    def seeds(self) -> list[Seeds]:
        """Everything that is shown, ceilings last."""
        return [row.standing.seeds for row in self.rows] + [gap.ceiling for gap in self.gaps]


def lay_out(
    name: str, board: Board, asked: Suite, track: Track, found: Iterable[Filed], unread: list[Refused]
) -> Sheet:
    """Collect, order and rank the records of one track; `unread` are its files that are no records."""
    accepted, refused = collect((filed for filed in found if _shown(filed, board)), asked, track)
    levels = headline(accepted, asked)
    competing = [seeds for seeds in accepted if not trained_on(seeds.filed[0])]
    bands: dict[Band, list[Row]] = {}
    for band in (*RANKED, "floor", "ceiling"):
        of_band = [Standing(seeds, asked, levels) for seeds in competing if seeds.record.model.band == band]
        ordered = standing.order(of_band)
        ranks = standing.rank(ordered) if band in RANKED else [""] * len(ordered)
        bands[band] = [Row(*pair) for pair in zip(ranks, ordered, strict=True)]
    ceilings = [seeds for seeds in accepted if trained_on(seeds.filed[0])]
    return Sheet(
        name, board, asked, track, levels, bands, _gaps(ceilings, competing, asked), refused + unread
    )


def headline(accepted: Iterable[Seeds], asked: Suite) -> tuple[str, ...]:
    """The hard levels that every competing record was asked; one added later makes no old record stale."""
    levels = set(asked.headline)
    for seeds in accepted:
        if seeds.record.model.band in RANKED:
            for filed in seeds.filed:
                levels &= set(filed.record.task.headline)
    return tuple(level for level in asked.headline if level in levels)


def _shown(filed: Filed, board: Board) -> bool:
    """Whether a board shows an entry: it is a floor, or the board names it, or it names none."""
    model = filed.record.model
    return board.shows(model.id) or model.band == "floor"


def belongs(path: Path, asked: Suite, track: Track) -> bool:
    """Whether a file that cannot be read as a record bears the name of this suite and track."""
    return path.name.startswith(f"{asked.name}-{track}-")


def _gaps(ceilings: Iterable[Seeds], competing: Iterable[Seeds], asked: Suite) -> list[Gap]:
    """A row for every hard level that an entry was also trained on."""
    entries = {_kind(seeds): seeds for seeds in competing if seeds.record.model.band in RANKED}
    found = []
    for seeds in ceilings:
        entry = entries.get(_kind(seeds))
        for level in trained_on(seeds.filed[0]):
            trained = Standing(seeds, asked, (level,))
            own = Standing(entry, asked, (level,)) if entry else None
            found.append(
                Gap(
                    seeds,
                    level,
                    None if trained.fault else trained.figure(level, asked.metric),
                    None if own is None or own.fault else own.figure(level, asked.metric),
                )
            )
    return sorted(found, key=lambda gap: (*_kind(gap.ceiling), asked.levels.index(gap.level)))


def _kind(seeds: Seeds) -> tuple[str, str]:
    return seeds.record.model.id, seeds.record.model.recipe or ""
