"""The definition of a board, read from one file of `leaderboard/` and checked."""

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from easy2hard import entry, suite
from easy2hard.errors import UserError
from easy2hard.suite import Level, Suite, Track, explain


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PaperRow(_Frozen):
    """What a paper prints of one model at the two levels of the board, in the unit of the table (dB, %)."""

    model: str  # as the paper calls it
    entry: str  # the entry that is this model here
    recipes: tuple[str, ...] = ()  # any of which is meant; empty: the track's own
    easy: float
    hard: float


class Paper(_Frozen):
    """A table of a paper, shown beside the records of the same models. It never ranks."""

    source: str
    text: str  # what a reader must know of its figures
    rows: Annotated[tuple[PaperRow, ...], Field(min_length=1)]


class Twins(_Frozen):
    """The same nets trained by two recipes, to be set side by side."""

    title: str
    columns: tuple[str, str]  # what the first and the second recipe of a pair mean
    recipes: Annotated[tuple[tuple[str, str], ...], Field(min_length=1)]  # pairs; each gives a net a row


class Board(_Frozen):
    """What a table shows: a suite, its tracks, and the two levels that stand in the columns easy and hard."""

    title: str
    suite: str
    position: int  # among the boards of the page
    tracks: Annotated[tuple[Track, ...], Field(min_length=1)]
    easy: Level
    hard: Level
    entries: tuple[
        str, ...
    ] = ()  # those it shows, by name or pattern such as n2n-*; empty: all. Floors always show
    text: str  # what stands above the table
    paper: Paper | None = None
    twins: Twins | None = None

    def shows(self, name: str) -> bool:
        """Whether the board names an entry, or names none and so shows all."""
        return not self.entries or any(fnmatchcase(name, pattern) for pattern in self.entries)


def folder() -> Path:
    """Where the definitions lie: beside the code in a wheel, beside the package in a checkout."""
    inside = Path(__file__).parent.parent / "leaderboard"
    return inside if inside.is_dir() else Path(__file__).parent.parent.parent / "leaderboard"


def read(path: Path) -> tuple[Board, Suite]:
    """The board that a file defines, and its suite; raises `UserError` with the field at fault."""
    try:
        board = Board.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path} is not valid TOML: {error}.") from error
    except ValidationError as error:
        raise UserError(f"{path}: {explain(error, Board)}") from error
    asked = suite.read(board.suite)
    for column, level, levels in (("easy", board.easy, asked.easy), ("hard", board.hard, asked.headline)):
        if level not in levels:
            raise UserError(f"{path}: {column} must be one of {', '.join(levels)}; got {level}.")
    if board.paper:
        _check_entries(path, board, board.paper)
    if board.twins:
        _check_recipes(path, board.twins)
    return board, asked


def _check_entries(path: Path, board: Board, paper: Paper) -> None:
    """A row of a paper that no entry can ever stand beside is a misspelt one."""
    known = [name for name in entry.names() if board.shows(name)]
    for row in paper.rows:
        if row.entry not in known:
            raise UserError(
                f"{path}: paper.rows, {row.model}: this board shows no entry '{row.entry}'; "
                f"it may show: {', '.join(known)}."
            )


def _check_recipes(path: Path, twins: Twins) -> None:
    """A recipe has one twin."""
    named = [recipe for pair in twins.recipes for recipe in pair]
    if double := sorted({recipe for recipe in named if named.count(recipe) > 1}):
        raise UserError(
            f"{path}: twins.recipes: a recipe stands in one pair, once; got {', '.join(double)} twice."
        )


def read_all(boards: Path) -> dict[str, tuple[Board, Suite]]:
    """All boards of a folder by name, in the order of their positions."""
    found = {path.stem: read(path) for path in sorted(boards.glob("*.toml"))}
    if not found:
        raise UserError(f"{boards} has no board; a board is a .toml file in it.")
    return dict(sorted(found.items(), key=lambda named: (named[1][0].position, named[0])))
