"""Two entries against each other: paired, refused where they were asked different things, and fair to failed seeds."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from records import Made, identity, make
from scipy import stats

from easy2hard import suite
from easy2hard.archive import Seeds
from easy2hard.compare import Comparison, Difference, compare, gather, table
from easy2hard.errors import UserError


def against(folder: Path, a: str, b: str, name: str = "sp", track: suite.Track = "quick") -> Comparison:
    asked = suite.read(name)
    return compare(*(gather(entry, asked, track, [folder]) for entry in (a, b)))


def at(comparison: Comparison, level: str) -> Difference:
    return next(row for row in comparison.levels if row.level == level)


def test_the_difference_is_that_of_the_records_figures(tmp_path: Path) -> None:
    a, b = make("a", skill=12), make("b")
    for made in (a, b):
        made.lay(tmp_path)
    row = at(against(tmp_path, "a", "b"), "0.3")
    values = [made.record.answer_cell("0.3") for made in (a, b)]
    assert values[0] and values[1]
    assert row.difference == pytest.approx(values[0].value - values[1].value)
    assert row.ci95[0] < row.difference < row.ci95[1]
    assert (row.n, row.wins, row.significant) == (500, 500, True)


def test_pairing_sees_what_the_spread_over_samples_hides(tmp_path: Path) -> None:
    a, b = make("a", skill=10.1), make("b")
    for made in (a, b):
        made.lay(tmp_path)
    cell = a.record.answer_cell("0.3")
    comparison = against(tmp_path, "a", "b")
    assert cell and cell.se
    assert at(comparison, "0.3").difference < 1.5 * cell.se
    assert comparison.headline.significant


def test_an_entry_does_not_differ_from_its_twin(tmp_path: Path) -> None:
    for name in ("a", "b"):
        for seed in range(2):
            Made(make(name, seed=seed).record, make("twin", seed=seed).table).lay(tmp_path)
    row = at(against(tmp_path, "a", "b"), "0.3")
    assert (row.difference, row.p, row.ties, row.significant) == (0, 1, 500, False)


def test_swapping_the_sides_turns_the_answer_around(tmp_path: Path) -> None:
    make("a", skill=10.3).lay(tmp_path)
    make("b").lay(tmp_path)
    one, other = (against(tmp_path, *names).headline for names in (("a", "b"), ("b", "a")))
    assert other.difference == pytest.approx(-one.difference)
    assert (other.wins, other.losses, other.p) == (one.losses, one.wins, one.p)


def test_where_lower_is_better_the_lower_entry_wins(tmp_path: Path) -> None:
    for made in (make("a", skill=12), make("b")):
        cells = tuple(cell.model_copy(update={"higher_is_better": False}) for cell in made.record.cells)
        Made(made.record.model_copy(update={"cells": cells}), made.table).lay(tmp_path)
    row = at(against(tmp_path, "a", "b"), "0.3")
    assert (row.wins, row.losses) == (0, 500)
    assert row.difference > 0


def test_a_difference_on_every_sample_is_not_significant_where_seeds_scatter_more(tmp_path: Path) -> None:
    for seed in range(3):
        make("a", seed=seed, skill=10 + seed).lay(tmp_path)
        make("b", seed=seed, skill=10.2 + seed).lay(tmp_path)
    headline = against(tmp_path, "a", "b").headline
    assert headline.p < 0.05
    assert headline.ci95[0] < 0 < headline.ci95[1]
    assert not headline.significant


def test_solved_mazes_are_tested_by_mcnemar(tmp_path: Path) -> None:
    for made in (make("a", "maze", iterations=20, skill=10.2), make("b", "maze", iterations=20)):
        made.lay(tmp_path)
    row = at(against(tmp_path, "a", "b", "maze"), "13")
    assert row.wins + row.ties + row.losses == row.n == 500
    assert row.p == pytest.approx(stats.binomtest(row.wins, row.wins + row.losses).pvalue)


def test_seeds_are_averaged_sample_by_sample_and_their_spread_is_reported(tmp_path: Path) -> None:
    for seed, skill in enumerate((9, 11)):
        make("a", seed=seed, skill=skill).lay(tmp_path)
    make("b").lay(tmp_path)
    comparison = against(tmp_path, "a", "b")
    assert comparison.a.seeds == 2
    assert comparison.a.sd == pytest.approx(1.06, abs=0.05)
    assert comparison.b.sd is None
    assert not comparison.headline.significant


def test_only_samples_that_both_have_scored_are_compared(tmp_path: Path) -> None:
    a = make("a")
    kept = a.table.filter(pa.array(np.asarray(a.table["index"]) >= 100))
    levels = {name: data.model_copy(update={"n": 400}) for name, data in a.record.task.levels.items()}
    cells = tuple(cell.model_copy(update={"n": 400}) for cell in a.record.cells)
    Made(make("a", cells=cells, task__levels=levels).record, kept).lay(tmp_path)
    make("b").lay(tmp_path)
    assert at(against(tmp_path, "a", "b"), "0.3").n == 400


def test_a_failed_seed_counts_as_identity(tmp_path: Path) -> None:
    for made in (make("a"), make("a", seed=1, failed=True), make("b"), identity()):
        made.lay(tmp_path)
    comparison = against(tmp_path, "a", "b")
    alone, floor = (against(tmp_path, name, name).a.headline for name in ("b", "identity"))
    assert comparison.a.failed == 1
    assert comparison.a.headline == pytest.approx((alone + floor) / 2, abs=0.02)


def test_a_failed_seed_without_identity_is_refused_with_the_next_step(tmp_path: Path) -> None:
    make("a", failed=True).lay(tmp_path)
    make("b").lay(tmp_path)
    with pytest.raises(UserError, match="easy2hard evaluate identity --suite sp"):
        against(tmp_path, "a", "b")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": "6" * 32}, f"different source images: {'5' * 32} and {'6' * 32}"),
        ({"task__protocol": "old"}, "different protocols"),
    ],
)
def test_records_that_were_asked_different_things_are_refused(
    tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    make("a").lay(tmp_path)
    make("b", **changes).lay(tmp_path)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=message):
        against(tmp_path, "a", "b")


def test_records_of_other_samples_at_a_level_of_both_are_refused(tmp_path: Path) -> None:
    a = make("a")
    levels = {
        name: data.model_copy(update={"digest": "other"}) for name, data in a.record.task.levels.items()
    }
    a.lay(tmp_path)
    make("b", task__levels=levels).lay(tmp_path)
    with pytest.raises(UserError, match=r"different samples of level 0\.\d+: sp-0\.\d+ and other"):
        against(tmp_path, "a", "b")


def test_records_of_different_suites_are_refused(tmp_path: Path) -> None:
    make("a").lay(tmp_path)
    make("b", "gaussian").lay(tmp_path)
    sides = [
        gather(entry, suite.read(name), "quick", [tmp_path])
        for entry, name in (("a", "sp"), ("b", "gaussian"))
    ]
    with pytest.raises(UserError, match="different suites: sp and gaussian"):
        compare(*sides)


def test_missing_scores_are_named_with_the_command_that_makes_them(tmp_path: Path) -> None:
    make("a").lay(tmp_path)
    make("b", seed=3).lay(tmp_path, scores=False)
    with pytest.raises(UserError, match=r"b/records/sp-quick-s3.json .* evaluate b --suite sp .* --seeds 3"):
        against(tmp_path, "a", "b")


def test_an_entry_without_records_is_refused_with_the_command_that_makes_them(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="run `easy2hard evaluate ghost --suite sp --track quick`"):
        gather("ghost", suite.read("sp"), "quick", [tmp_path])


def test_levels_without_an_answer_of_both_are_refused_where_they_count(tmp_path: Path) -> None:
    make("a").lay(tmp_path)
    make("b", task__answer="7").lay(tmp_path)
    with pytest.raises(UserError, match=r"do not both answer at level 0\.2, 0\.3, 0\.4, 0\.5"):
        against(tmp_path, "a", "b")


def test_runs_are_found_beside_submissions_and_the_newest_of_a_seed_counts(tmp_path: Path) -> None:
    made = make("a", seed=0)
    made.lay(tmp_path / "submissions")
    newer = make("a", created_at=make(seed=9).record.created_at, run_id="newer")
    path = newer.lay(tmp_path / "elsewhere")
    run = tmp_path / "runs" / "a" / "sp-quick-s0-abc"
    run.mkdir(parents=True)
    path.rename(run / "record.json")
    seeds = gather("a", suite.read("sp"), "quick", [tmp_path / "submissions", tmp_path / "runs"])
    assert [filed.record.run_id for filed in seeds.filed] == ["newer"]


@pytest.mark.parametrize(
    "older",
    [{"model__sha256": "b" * 64}, {"task__answer": "8"}, {"task__limit": 100}],
    ids=["another model", "another answer", "fewer samples"],
)
def test_seeds_that_were_made_otherwise_do_not_join_the_newest(older: dict[str, Any], tmp_path: Path) -> None:
    make("a", **older).lay(tmp_path)
    make("a", seed=1).lay(tmp_path)
    assert len(gather("a", suite.read("sp"), "quick", [tmp_path]).filed) == 1


def test_the_tracks_own_recipe_is_compared_before_a_newer_one_of_another(tmp_path: Path) -> None:
    make("net", model__recipe="quick").lay(tmp_path)
    make("net", seed=1, model__recipe="clean").lay(tmp_path)
    (filed,) = gather("net", suite.read("sp"), "quick", [tmp_path]).filed
    assert filed.record.model.recipe == "quick"


def test_ceilings_are_not_compared_as_if_they_were_the_entry(tmp_path: Path) -> None:
    make("a", band="ceiling", trained_on="0.3", seed=5).lay(tmp_path)
    make("a").lay(tmp_path)
    assert len(gather("a", suite.read("sp"), "quick", [tmp_path]).filed) == 1


def test_a_path_of_a_record_stands_for_it_alone(tmp_path: Path) -> None:
    paths = [make("a", seed=seed).lay(tmp_path) for seed in range(2)]
    seeds = gather(paths[1], suite.read("sp"), "quick", [])
    assert isinstance(seeds, Seeds)
    assert [filed.path for filed in seeds.filed] == [paths[1]]


def test_the_comparison_goes_to_json_and_to_a_table(tmp_path: Path) -> None:
    make("a", skill=12).lay(tmp_path)
    make("b").lay(tmp_path)
    comparison = against(tmp_path, "a", "b")
    assert json.loads(comparison.model_dump_json())["headline"]["significant"] is True
    text = table(comparison)
    assert text.splitlines()[-1].startswith(
        "p is over samples alone; a difference is significant where p < 0.05 and"
    )
    assert "| headline" in text
    assert f"{comparison.headline.a:.2f}" in text
    assert compare(*(gather(n, suite.read("sp"), "quick", [tmp_path]) for n in "ab")) == comparison
