"""What `evaluate` shows at its end: new runs among published rows, and ceilings beside what they are ceilings of."""

from pathlib import Path

import pytest
from records import Made, change, identity, make

from easy2hard import suite as suites
from easy2hard.archive import Filed
from easy2hard.board.among import Shown, among
from easy2hard.board.collect import Refused, read_all

ASKED = suites.read("sp")


@pytest.fixture
def reference(tmp_path: Path) -> list[Filed]:
    for made in (make("dt"), make("cnn", skill=8), identity("sp")):
        made.lay(tmp_path / "submissions")
    return read_all(tmp_path / "submissions")[0]


def shown(made: list[Made], reference: list[Filed], folder: Path) -> tuple[list[Shown], list[Refused]]:
    """The tables after these runs."""
    runs = [Filed(one.record, folder / str(number) / "record.json") for number, one in enumerate(made)]
    return among(runs, reference, ASKED, "quick")


def rows_of(table: Shown, title: str) -> list[list[str]]:
    return [row for row in table.rows if row[1].removeprefix("* ") == title]


def test_a_run_that_ranks_takes_the_place_of_the_published_row(
    reference: list[Filed], tmp_path: Path
) -> None:
    tables, refused = shown([make("dt", skill=12)], reference, tmp_path)
    (row,) = rows_of(tables[-1], "DT")
    assert row[:2] == ["1", "* DT"]
    assert not refused


def test_a_limited_run_stands_last_and_the_published_row_stays(
    reference: list[Filed], tmp_path: Path
) -> None:
    made = make("dt", skill=12)
    limited = Made(change(made.record, task__limit=4), made.table)
    tables, refused = shown([limited], reference, tmp_path)
    published, mine = rows_of(tables[-1], "DT")
    assert published[:2] == ["1", "DT"]
    assert mine[:2] == ["not ranked", "* DT"]
    assert tables[-1].rows[-1] == mine
    assert mine[-1] not in ("n/a", published[-1])
    assert "without a limit" in refused[0].reason


def test_a_run_on_some_levels_is_said_not_to_rank_and_replaces_nothing(
    reference: list[Filed], tmp_path: Path
) -> None:
    made = make("dt", skill=12)
    levels = {level: made.record.task.levels[level] for level in ("0.1", "0.2")}
    cells = tuple(cell for cell in made.record.cells if cell.level in levels)
    part = Made(change(made.record, task__levels=levels, cells=cells), made.table)
    tables, refused = shown([part], reference, tmp_path)
    published, mine = rows_of(tables[-1], "DT")
    assert (published[0], mine[0]) == ("1", "not ranked")
    assert mine[-1] == "n/a"
    assert "it was not asked level 0.3" in refused[0].reason


def test_a_ceiling_says_so_in_its_title_and_the_gap_stands_between(
    reference: list[Filed], tmp_path: Path
) -> None:
    ceiling = make("dt", band="ceiling", trained_on="0.3", skill=14)
    tables, refused = shown([make("dt", skill=10), ceiling], reference, tmp_path)
    assert not refused
    assert tables[0].title.startswith("DT, seed 0: ")
    assert tables[1].title.startswith("DT, ceiling, trained at 0.3, seed 0: ")
    gaps = tables[2]
    assert "extrapolation gap" in gaps.title
    ((model, level, easy, hard, gap),) = gaps.rows
    assert (model, level) == ("DT", "0.3")
    assert float(gap) == pytest.approx(float(hard) - float(easy), abs=0.011)
    assert float(gap) > 0


def test_without_a_ceiling_there_is_no_table_of_gaps(reference: list[Filed], tmp_path: Path) -> None:
    tables, _ = shown([make("dt")], reference, tmp_path)
    assert [table.title.split(":")[0] for table in tables] == ["DT, seed 0", "sp, quick track"]


def test_a_new_row_stands_between_its_neighbours_and_the_rest_is_counted(tmp_path: Path) -> None:
    names = [f"net-{skill:02}" for skill in range(12, 0, -1)]
    for skill, name in zip(range(24, 12, -1), names, strict=True):
        make(name, skill=skill).lay(tmp_path / "submissions")
    identity("sp").lay(tmp_path / "submissions")
    reference = read_all(tmp_path / "submissions")[0]
    (*_, table), _ = shown([make(names[8], skill=16)], reference, tmp_path)
    first, second, third, gap, above, higher, mine, lower, below, rest, floor = table.rows
    assert [row[0] for row in (first, second, third)] == ["1", "2", "3"]
    assert (gap[:2], rest[:2]) == (["…", "3 more"], ["…", "1 more"])
    assert mine[1].startswith("* ")
    assert [row[0] for row in (above, higher, mine, lower, below)] == ["7", "8", "9", "10", "11"]
    assert floor[0] == "floor"
    assert {len(row) for row in table.rows} == {len(table.columns)}


def test_a_level_that_was_not_asked_is_a_dash(reference: list[Filed], tmp_path: Path) -> None:
    made = make("dt", skill=12)
    levels = {level: made.record.task.levels[level] for level in ("0.1", "0.2")}
    cells = tuple(cell for cell in made.record.cells if cell.level in levels)
    part = Made(change(made.record, task__levels=levels, cells=cells), made.table)
    tables, _ = shown([part], reference, tmp_path)
    assert tables[-1].rows[-1][-4:] == ["–", "–", "–", "n/a"]
