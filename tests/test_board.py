"""Boards: what ranks, what does not, what is refused, and that rendering is a pure function of the records."""

import csv
import io
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from records import Made, identity, make

from easy2hard import archive, board, entry as entries
from easy2hard.board import collect, definition, tidy
from easy2hard.board.sheet import Sheet, lay_out
from easy2hard.errors import UserError

ROOT = Path(__file__).parent.parent


class Hall:
    """A folder of submissions, and the boards over it."""

    def __init__(self, folder: Path) -> None:
        self.submissions, self.out = folder / "submissions", folder / "leaderboard"
        self.submissions.mkdir()

    def lay(self, *made: Made, scores: bool = True) -> None:
        for one in made:
            one.lay(self.submissions, scores=scores)

    def sheet(self, name: str = "sp") -> Sheet:
        found, _ = collect.read_all(self.submissions)
        shown, asked = definition.read(ROOT / "leaderboard" / f"{name}.toml")
        return lay_out(name, shown, asked, "quick", found, [])

    def ranks(self, band: str = "entry", name: str = "sp") -> dict[str, str]:
        return {row.standing.record.model.id: row.rank for row in self.sheet(name).bands[band]}

    def page(self) -> str:
        board.render(ROOT / "leaderboard", self.submissions, self.out)
        return (self.out / "README.md").read_text()

    def rows(self, name: str = "sp") -> list[dict[str, str]]:
        self.page()
        return list(csv.DictReader(io.StringIO((self.out / f"{name}.csv").read_text())))


@pytest.fixture
def hall(tmp_path: Path) -> Hall:
    return Hall(tmp_path)


def line_of(page: str, title: str) -> list[str]:
    """The cells of the first table row that names an entry."""
    row = next(line for line in page.splitlines() if line.startswith("|") and f"[{title}]" in line)
    return [cell.strip() for cell in row.strip("|").split("|")]


# --- ranks ---


def test_the_better_entry_ranks_first(hall: Hall) -> None:
    hall.lay(make("good", skill=12), make("bad", skill=8))
    assert hall.ranks() == {"good": "1", "bad": "2"}


def test_entries_that_do_not_differ_significantly_share_a_rank(hall: Hall) -> None:
    hall.lay(make("one"), make("other", skill=10.001), make("worse", skill=8))
    assert hall.ranks() == {"one": "1=", "other": "1=", "worse": "3"}


def test_pairing_separates_entries_whose_intervals_overlap(hall: Hall) -> None:
    hall.lay(make("one"), make("other", skill=10.1))
    one, other = (row.standing.ci95 for row in hall.sheet().rows)
    assert one and other and one[0] < other[1]
    assert hall.ranks() == {"other": "1", "one": "2"}


def test_a_difference_on_every_sample_is_a_tie_where_seeds_scatter_more(hall: Hall) -> None:
    for seed in range(3):
        hall.lay(make("a", seed=seed, skill=10 + seed), make("b", seed=seed, skill=10.2 + seed))
    assert hall.ranks() == {"a": "1=", "b": "1="}


def test_without_per_sample_scores_ties_rest_on_intervals_and_the_page_says_so(hall: Hall) -> None:
    hall.lay(make("near", skill=10.05), make("far", skill=14), scores=False)
    hall.lay(make("one"))
    assert hall.ranks() == {"far": "1", "near": "2=", "one": "2="}
    assert "per-sample scores of far, near are not here" in hall.page()


def test_without_per_sample_scores_the_spread_over_seeds_widens_what_ties_on_both_sides(hall: Hall) -> None:
    hall.lay(*(make("near", seed=seed, skill=8 + 4 * seed) for seed in range(2)), scores=False)
    one = hall.sheet().rows[0].standing
    intervals = [figure.ci95 for level in one.levels if (figure := one.figure(level, "psnr")) and figure.ci95]
    low, high = (sum(ends) / len(one.levels) for ends in zip(*intervals, strict=True))
    assert one.sd and one.sd > 0.5
    assert one.reach == pytest.approx((low - one.sd, high + one.sd))


def test_where_lower_is_better_the_lower_entry_ranks_first_and_gains_by_falling(hall: Hall) -> None:
    for made in (make("low", skill=8), make("high", skill=12)):
        cells = tuple(cell.model_copy(update={"higher_is_better": False}) for cell in made.record.cells)
        hall.lay(Made(made.record.model_copy(update={"cells": cells}), made.table))
    assert hall.ranks() == {"low": "1", "high": "2"}
    oracle = hall.sheet().bands["entry"][0].standing.oracle
    assert oracle is not None
    assert set(oracle.budgets) == {1}


def test_the_headline_is_the_mean_of_the_declared_answer_over_the_hard_levels(hall: Hall) -> None:
    made = make("dt", task__answer="8")
    hall.lay(made)
    cells = [made.record.answer_cell(level) for level in ("0.2", "0.3", "0.4", "0.5")]
    expected = sum(cell.value for cell in cells if cell) / 4
    assert hall.sheet().rows[0].standing.headline == pytest.approx(expected)
    assert f"**{expected:.2f}**" in hall.page()


def test_the_best_budget_on_test_data_never_ranks(hall: Hall) -> None:
    hall.lay(make("late", skill=10, fade=0.0), make("early", skill=10.5, budgets=(1, 2, 3, 4, 5)))
    oracles = {row.standing.record.model.id: row.standing.oracle for row in hall.sheet().rows}
    assert oracles["late"] and oracles["early"]
    assert oracles["late"].value > oracles["early"].value
    assert hall.ranks() == {"early": "1", "late": "2"}
    assert re.search(r"\*\d+\.\d\d at 50\*", hall.page())


def test_gain_and_overthinking_compare_budgets_at_every_hard_level(hall: Hall) -> None:
    made = make("dt", fade=0.05)
    hall.lay(made)
    gains, losses = [], []
    for level in ("0.2", "0.3", "0.4", "0.5"):
        curve = {
            cell.budget: cell.value
            for cell in made.record.cells
            if (cell.level, cell.metric, cell.exit) == (level, "psnr", None)
        }
        gains.append(max(curve.values()) - curve[5])
        losses.append(max(curve.values()) - curve[50])
    oracle = hall.sheet().rows[0].standing.oracle
    assert oracle
    assert oracle.gain == pytest.approx(sum(gains) / 4)
    assert oracle.overthinking == pytest.approx(sum(losses) / 4)


def test_tracks_rank_apart(hall: Hall) -> None:
    hall.lay(
        make("slow", "maze", track="quick", iterations=20), make("fast", "maze", track="full", iterations=20)
    )
    assert hall.ranks(name="maze") == {"slow": "1"}


def test_bands_rank_apart_and_floors_and_ceilings_never(hall: Hall) -> None:
    hall.lay(make("plain"), make("more-data", band="augmented", skill=15), identity())
    hall.lay(make("told", band="ceiling", skill=20, train=None, model__needs=("level",)))
    assert (hall.ranks(), hall.ranks("augmented")) == ({"plain": "1"}, {"more-data": "1"})
    assert (hall.ranks("floor"), hall.ranks("ceiling")) == ({"identity": ""}, {"told": ""})
    assert "TOLD](../submissions/told) (is told the level)" in hall.page()


# --- seeds ---


def test_spread_over_seeds_is_shown_and_their_mean_ranks(hall: Hall) -> None:
    hall.lay(*(make("dt", seed=seed, skill=skill) for seed, skill in enumerate((9, 10, 11))))
    one = hall.sheet().rows[0].standing
    assert one.sd == pytest.approx(0.75, abs=0.05)
    assert f"± {one.sd:.2f}" in line_of(hall.page(), "DT")[7]
    assert line_of(hall.page(), "DT")[-1] == "3"


def test_a_failed_seed_counts_as_identity(hall: Hall) -> None:
    hall.lay(make("dt"), make("dt", seed=1, failed=True), identity())
    sheet = hall.sheet()
    floor, one = sheet.bands["floor"][0].standing, sheet.bands["entry"][0].standing
    assert one.by_seed[1] == pytest.approx(floor.headline)
    assert hall.ranks() == {"dt": "1"}
    assert line_of(hall.page(), "DT")[-1] == "2 (1 failed)"


def test_a_failed_seed_pulls_down_every_budget(hall: Hall) -> None:
    hall.lay(make("dt"), make("dt", seed=1, failed=True), identity())
    one, floor = (hall.sheet().bands[band][0].standing for band in ("entry", "floor"))
    alone = archive.Seeds(one.seeds.filed[:1]).cells("0.3", "psnr", 50)[0].value
    cell, base = one.figure("0.3", "psnr", 50), floor.figure("0.3", "psnr")
    assert cell and base
    assert cell.value == pytest.approx((alone + base.value) / 2)


def test_a_failed_seed_without_identity_keeps_the_entry_from_ranking_and_says_why(hall: Hall) -> None:
    hall.lay(make("dt"), make("dt", seed=1, failed=True), make("cnn"))
    assert hall.ranks() == {"cnn": "1", "dt": ""}
    assert "easy2hard evaluate identity --suite sp --track quick" in hall.page()


def test_an_entry_all_of_whose_seeds_failed_ranks_as_identity(hall: Hall) -> None:
    hall.lay(make("dt", failed=True), make("cnn"), identity())
    assert hall.ranks() == {"cnn": "1", "dt": "2"}
    assert "n/a" in line_of(hall.page(), "DT")


# --- what an entry cannot do ---


def grid(page: str, title: str) -> dict[str, list[str]]:
    """The cells of an entry's details by the first of them: a budget, or neighbours that share a row."""
    table = next(part for part in page.split("<details>") if f"{title}: every" in part)
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if "|" in line
    ]
    return {head: cells for head, *cells in rows}


@pytest.mark.parametrize("most", [5, None], ids=["as its record says", "as the suite's budgets end there"])
def test_a_budget_that_an_entry_cannot_run_is_not_applicable_and_never_zero(
    hall: Hall, most: int | None
) -> None:
    hall.lay(make("cnn", budgets=(1, 2, 3, 4, 5), model__max_iterations=most))
    table = next(part for part in hall.page().split("<details>") if "CNN: every" in part)
    assert re.search(r"\| 6 … 50 +(\| +n/a ){5}", table)
    assert re.fullmatch(r"\d+\.\d\d", line_of(hall.page(), "CNN")[11])
    assert "0.00" not in table
    assert {row["budget"] for row in hall.rows() if row["level"] == "0.3" and not row["exit"]} == set("12345")


def test_a_budget_that_one_seed_cannot_run_is_not_applicable_to_the_entry(hall: Hall) -> None:
    hall.lay(make("dt"), make("dt", seed=1, budgets=(1, 2, 3, 4, 5)))
    one = hall.sheet().rows[0].standing
    assert one.figure("0.3", "psnr", 5)
    assert one.figure("0.3", "psnr", 50) is None


@pytest.mark.parametrize("most", ["unbounded", 60, None], ids=str)
def test_budgets_that_were_not_asked_are_dashes_each_in_its_place(hall: Hall, most: object) -> None:
    hall.lay(make("csc", budgets=(1, 3, 5, 8, 15, 20), model__max_iterations=most))
    rows = grid(hall.page(), "CSC")
    order = ["1", "2", "3", "4", "5", "6", "8", "10", "15", "20", "30 … 50"]
    assert [head for head in rows if head[0].isdigit() and "%" not in head] == order
    for head in ("2", "4", "6", "10", "30 … 50"):
        assert rows[head] == ["–"] * 5
    assert "n/a" not in {cell for cells in rows.values() for cell in cells}


def test_an_entry_that_could_go_on_is_not_said_to_end_where_it_was_asked_to(hall: Hall) -> None:
    hall.lay(make("dt", budgets=(1, 2, 3, 4, 5)))
    assert grid(hall.page(), "DT")["6 … 50"] == ["–"] * 5


def test_overthinking_is_a_dash_where_the_last_budget_was_not_measured(hall: Hall) -> None:
    hall.lay(
        make("short", budgets=(1, 3, 5, 20)), make("whole"), make("other", iterations=7, task__answer="8")
    )
    page = hall.page()
    short, whole, other = (line_of(page, title)[10:12] for title in ("SHORT", "WHOLE", "OTHER"))
    assert short[1] == "–"
    assert other[0] == "–"
    for figure in (short[0], *whole, other[1]):
        assert re.fullmatch(r"\d+\.\d\d", figure)


def test_the_grid_tells_what_was_not_asked_from_what_could_not_be_answered(hall: Hall) -> None:
    hall.lay(make("dt", "maze", iterations=20, budgets=(1, 2, 4, 6, 8, 10, 15), model__max_iterations=15))
    rows = grid(hall.page(), "DT")
    assert rows["6"][-2:] == ["–", "–"]
    assert rows["20 … 600"] == ["n/a"] * 6


def test_an_entry_without_the_declared_answer_does_not_rank_and_says_where(hall: Hall) -> None:
    hall.lay(make("dt", task__answer="7"), make("cnn"))
    assert hall.ranks() == {"cnn": "1", "dt": ""}
    assert "it gives no answer '7' at level 0.2, 0.3, 0.4, 0.5." in hall.page()


def test_recipes_of_an_entry_stand_in_rows_of_their_own(hall: Hall) -> None:
    hall.lay(make("net", model__recipe="quick"), make("net", skill=12, model__recipe="clean"))
    rows = {row.standing.record.title: row.rank for row in hall.sheet().bands["entry"]}
    assert rows == {"NET (clean)": "1", "NET": "2"}
    assert {row["recipe"] for row in hall.rows()} == {"quick", "clean"}


def test_the_ceiling_of_a_recipe_meets_the_entry_of_that_recipe(hall: Hall) -> None:
    hall.lay(make("net", model__recipe="quick"), make("net", skill=12, model__recipe="clean"))
    hall.lay(make("net", skill=14, band="ceiling", trained_on="0.3", model__recipe="clean"))
    (gap,) = hall.sheet().gaps
    clean = next(row.standing for row in hall.sheet().rows if row.standing.record.variant == "clean")
    assert gap.entry == clean.figure("0.3", "psnr")


def test_a_board_that_names_entries_shows_them_and_the_floors(hall: Hall) -> None:
    hall.lay(make("n2n-a"), make("dt"), identity())
    found, _ = collect.read_all(hall.submissions)
    shown, asked = definition.read(ROOT / "leaderboard" / "sp.toml")
    sheet = lay_out("sp", shown.model_copy(update={"entries": ("n2n-*",)}), asked, "quick", found, [])
    assert [row.standing.record.model.id for row in sheet.rows] == ["n2n-a", "identity"]


def test_what_does_not_iterate_has_no_gain_and_no_oracle(hall: Hall) -> None:
    hall.lay(make("dncnn", iterations=None))
    cells = line_of(hall.page(), "DNCNN")
    assert cells[9] == "one pass"
    assert cells[10:13] == ["n/a", "n/a", "n/a"]


# --- ceilings ---


def test_a_ceiling_shows_the_gap_of_its_entry_at_the_level_it_was_trained_on(hall: Hall) -> None:
    hall.lay(make("dt"), make("dt", band="ceiling", trained_on="0.3", skill=13))
    sheet = hall.sheet()
    assert [row.standing.record.model.id for row in sheet.rows] == ["dt"]
    (gap,) = sheet.gaps
    assert gap.level == "0.3"
    assert gap.trained and gap.entry
    assert f"{gap.trained.value - gap.entry.value:.2f} " in hall.page()


def test_a_ceiling_without_its_entry_has_no_gap(hall: Hall) -> None:
    hall.lay(make("dt", band="ceiling", trained_on="0.3"))
    assert hall.sheet().gaps[0].entry is None
    assert hall.ranks() == {}


# --- beside the paper ---


def beside(page: str, board: str, track: str, model: str) -> list[str]:
    """The cells of a paper's row: the model, our entry, easy and hard of the paper and of ours, seeds."""
    part = page.split(f"## {board}\n")[1].split("\n## ")[0].split(f"### {track} track")[1].split("\n### ")[0]
    row = next(line for line in part.split("**Beside the paper**")[1].splitlines() if f"| {model} " in line)
    return [cell.strip() for cell in row.strip("|").split("|")]


CIFAR, ALPHA = "Salt and pepper on CIFAR-10", "Alpha: how much progressive loss"


def test_our_figures_stand_beside_those_of_the_paper(hall: Hall) -> None:
    hall.lay(make("dt", "sp-cifar10"), make("dt", "sp-cifar10", seed=1))
    one = hall.sheet("sp-cifar10").rows[0].standing
    cells = beside(hall.page(), CIFAR, "Quick", "DT")
    assert cells[1:] == [
        *("[dt](../submissions/dt)", "25.46", one.shown("0.1", "psnr")),
        *("21.01", one.shown("0.3", "psnr"), "2"),
    ]


def test_a_model_of_the_paper_without_a_record_shows_a_dash(hall: Hall) -> None:
    hall.lay(make("dt", "sp-cifar10"))
    page = hall.page()
    assert beside(page, CIFAR, "Quick", "DT + dynamic")[2:] == ["25.27", "–", "22.97", "–", "–"]


def test_a_track_without_records_says_so_and_does_not_repeat_the_paper(hall: Hall) -> None:
    hall.lay(make("dt", "sp-cifar10"))
    board = hall.page().split(f"## {CIFAR}\n")[1].split("\n## ")[0]
    full, quick = board.split("### Quick track")
    assert "No records yet" in full
    assert ("Beside the paper" in full, "Beside the paper" in quick) == (False, True)
    latex = (hall.out / "sp-cifar10.tex").read_text()
    assert "full track: no records yet" in latex
    assert ("full track, PSNR (dB), beside" in latex, "quick track, PSNR (dB), beside" in latex) == (
        False,
        True,
    )


def test_a_row_of_the_paper_meets_the_recipe_that_it_names(hall: Hall) -> None:
    hall.lay(make("dt-alpha", "sp-cifar10", model__recipe="alpha-0.5"))
    hall.lay(make("dt-alpha", "sp-cifar10", track="full", model__recipe="paper-alpha-1"))
    page = hall.page()
    assert beside(page, ALPHA, "Quick", "DT, alpha 0.5")[1].endswith("(alpha-0.5)")
    assert beside(page, ALPHA, "Quick", "DT, alpha 0.5")[3] != "–"
    assert beside(page, ALPHA, "Full", "DT, alpha 1")[3] != "–"
    assert [beside(page, ALPHA, "Quick", f"DT, alpha {alpha}")[3] for alpha in "01"] == ["–", "–"]


def test_another_recipe_is_not_taken_for_the_row_of_the_paper(hall: Hall) -> None:
    hall.lay(make("dt", "sp-cifar10", model__recipe="without-warm-up"))
    assert beside(hall.page(), CIFAR, "Quick", "DT")[3] == "–"


def test_figures_of_the_paper_never_rank_and_stand_in_a_band_of_their_own_in_the_csv(hall: Hall) -> None:
    hall.lay(make("dt", "sp-cifar10"))
    assert hall.ranks(name="sp-cifar10") == {"dt": "1"}
    printed = [row for row in hall.rows("sp-cifar10") if row["band"] == "paper" and row["track"] == "quick"]
    assert len(printed) == 2 * 9
    assert {row["rank"] + row["seeds"] + row["ci_low"] for row in printed} == {""}
    assert {row["level"]: row["value"] for row in printed if row["entry"] == "dt"} == {
        "0.1": "25.46",
        "0.3": "21.01",
    }


def test_the_latex_table_beside_the_paper_has_both_figures(hall: Hall) -> None:
    hall.lay(make("dt", "sp-cifar10"))
    one = hall.sheet("sp-cifar10").rows[0].standing
    hall.page()
    text = (hall.out / "sp-cifar10.tex").read_text()
    easy, hard = (one.shown(level, "psnr") for level in ("0.1", "0.3"))
    assert f"DT & 25.46 & {easy} & 21.01 & {hard} " in text
    assert "DnCNN & 25.18 & -- & 23.40 & -- " in text


def test_a_paper_that_prints_per_cent_stands_beside_shares(hall: Hall) -> None:
    hall.lay(make("dt-maze", "maze", iterations=20, skill=20))
    found, _ = collect.read_all(hall.submissions)
    shown, asked = definition.read(ROOT / "leaderboard" / "maze.toml")
    row = definition.PaperRow(model="DT", entry="dt-maze", easy=99.5, hard=80.0)
    paper = definition.Paper(source="a paper", text="", rows=(row,))
    sheet = lay_out("maze", shown.model_copy(update={"paper": paper}), asked, "quick", found, [])
    (line,) = sheet.beside
    assert (line.easy[0], line.hard[0]) == ("99.5", "80.0")
    assert re.fullmatch(r"\d+\.\d", line.easy[1])
    assert "maze,quick,paper,dt-maze,,,,9,easy,,,,solved,0.995," in tidy.csv([sheet])


def test_a_board_without_a_paper_shows_none(hall: Hall) -> None:
    hall.lay(make("dt"))
    assert "Beside the paper" not in hall.page().split("## Salt and pepper\n")[1].split("\n## ")[0]
    assert not {row["band"] for row in hall.rows()} & {"paper"}


# --- twins ---

N2N = "Noise2Noise on salt and pepper"


def twins(page: str, title: str, track: str = "Quick") -> list[str]:
    """The cells of a net by its two recipes: model, (first, second, difference) at easy, hard, headline; seeds."""
    part = page.split(f"## {N2N}\n")[1].split("\n## ")[0].split(f"### {track} track")[1].split("\n### ")[0]
    return line_of(part.split("**Noisy pairs beside clean targets**")[1].split("**")[0], title)


def lay_twins(hall: Hall) -> None:
    for seed in (0, 1):
        hall.lay(make("n2n-a", seed=seed, skill=9 + seed, model__recipe="quick"))
    hall.lay(make("n2n-a", skill=12, model__recipe="clean"), identity())


def test_a_net_stands_beside_its_twin_with_their_difference_and_spread(hall: Hall) -> None:
    lay_twins(hall)
    noisy, clean = (
        next(one for _, one in hall.sheet("noise2noise-sp").rows if one.record.model.recipe == recipe)
        for recipe in ("quick", "clean")
    )
    cells = twins(hall.page(), "N2N-A")
    assert noisy.sd and clean.sd is None
    for at, level in ((1, "0.1"), (4, "0.3")):
        figures = noisy.figure(level, "psnr"), clean.figure(level, "psnr")
        assert figures[0] and figures[1]
        assert cells[at] == f"{figures[0].value:.2f} ± {figures[0].sd:.2f}"
        assert cells[at + 1] == f"{figures[1].value:.2f}"
        assert cells[at + 2] == f"{figures[0].value - figures[1].value:.2f}"
    assert cells[7:9] == [f"{noisy.headline:.2f} ± {noisy.sd:.2f}", f"{clean.headline:.2f}"]
    assert cells[9:] == [f"{noisy.headline - clean.headline:.2f}", "2 and 1"]


def test_a_net_without_its_twin_shows_dashes_and_one_of_other_recipes_does_not_show(hall: Hall) -> None:
    hall.lay(make("n2n-a", model__recipe="clean"), make("n2n-b", model__recipe="longer"))
    page = hall.page()
    assert [twins(page, "N2N-A (clean)")[at] for at in (1, 3, 4, 6, 7, 9)] == ["–"] * 6
    with pytest.raises(StopIteration):
        twins(page, "N2N-B (longer)")


def test_recipes_of_the_full_track_are_twins_of_their_own(hall: Hall) -> None:
    hall.lay(make("n2n-a", track="full", skill=9, model__recipe="paper"))
    hall.lay(make("n2n-a", track="full", model__recipe="paper-clean"))
    assert float(twins(hall.page(), "N2N-A", "Full")[9]) < 0


def test_the_latex_of_twins_has_both_figures_and_the_difference(hall: Hall) -> None:
    lay_twins(hall)
    cells = twins(hall.page(), "N2N-A")
    latex = (hall.out / "noise2noise-sp.tex").read_text()
    assert "Easy 0.1, from noisy pairs & Easy 0.1, from clean targets & Easy 0.1, difference &" in latex
    assert "N2N-A & " + " & ".join(cells[1:10]).replace("±", r"$\pm$") + r" \\" in latex


def test_a_board_without_twins_shows_none(hall: Hall) -> None:
    hall.lay(make("n2n-a", model__recipe="quick"), make("n2n-a", model__recipe="clean"))
    assert "difference |" not in hall.page().split("## Salt and pepper\n")[1].split("\n## ")[0]


# --- what is refused ---


def refusals(hall: Hall) -> dict[str, str]:
    return {refused.path.parent.parent.name: refused.reason for refused in hall.sheet().refused}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"task__protocol": "0" * 32}, "protocol 00000000"),
        ({"task__seed": 7}, "drawn with seed 7"),
        ({"task__limit": 100}, "stopped after 100 samples"),
    ],
)
def test_a_record_that_was_not_asked_what_the_suite_asks_is_refused(
    hall: Hall, changes: dict[str, object], reason: str
) -> None:
    hall.lay(make("dt"), make("odd", **changes))
    assert reason in refusals(hall)["odd"]
    assert hall.ranks() == {"dt": "1"}
    assert f"- `odd/records/sp-quick-s0.json`: {refusals(hall)['odd']}" in hall.page()


def test_two_sources_never_mix_and_both_digests_are_named(hall: Hall) -> None:
    hall.lay(make("a"), make("b"), make("c", source="6" * 32))
    assert set(hall.ranks()) == {"a", "b"}
    assert all(digest in refusals(hall)["c"] for digest in ("5" * 32, "6" * 32))


def test_of_two_sources_as_frequent_the_older_one_stays(hall: Hall) -> None:
    hall.lay(make("late", seed=1, source="6" * 32), make("early"))
    assert hall.ranks() == {"early": "1"}


def test_a_level_with_other_samples_is_refused(hall: Hall) -> None:
    odd = make("odd")
    levels = odd.record.task.levels
    other = levels | {"0.3": levels["0.3"].model_copy(update={"digest": "another"})}
    hall.lay(make("a"), make("b"), make("odd", task__levels=other))
    assert "samples of level 0.3 are 500 of digest another" in refusals(hall)["odd"]


def test_scores_that_are_not_those_of_the_record_are_refused(hall: Hall) -> None:
    path = make("dt").lay(hall.submissions)
    path.with_suffix(".parquet").write_bytes(b"others")
    assert "not the file that the record was written with" in refusals(hall)["dt"]


def test_a_seed_of_an_older_model_is_refused(hall: Hall) -> None:
    hall.lay(make("dt", model__sha256="b" * 64), make("dt", seed=1))
    assert "its model.py is bbbbbbbbbbbb" in refusals(hall)["dt"]
    assert len(hall.sheet().rows[0].standing.seeds.filed) == 1


def test_a_file_that_is_no_record_is_listed_and_stops_nothing(hall: Hall) -> None:
    hall.lay(make("dt"))
    (hall.submissions / "dt" / "records" / "sp-quick-s9.json").write_text("{}")
    page = hall.page()
    assert "`dt/records/sp-quick-s9.json`: sp-quick-s9.json is not a valid record" in page
    assert str(hall.submissions) not in page


def test_a_record_in_the_folder_of_another_entry_is_refused(hall: Hall) -> None:
    path = make("dt").lay(hall.submissions)
    path.parent.parent.rename(hall.submissions / "stolen")
    assert "holds the record dt/records/sp-quick-s0.json" in hall.page()


def test_a_level_added_to_the_suite_later_makes_no_record_stale(hall: Hall) -> None:
    hall.lay(make("old", task__headline=("0.2", "0.3")), make("new"))
    assert hall.sheet().levels == ("0.2", "0.3")
    assert set(hall.ranks()) == {"old", "new"}


# --- rendering ---


def test_the_same_records_give_the_same_bytes(hall: Hall) -> None:
    hall.lay(make("dt"), make("dt", seed=1), identity(), make("dt", "maze", iterations=20))
    first = {
        path: path.read_bytes() for path in board.render(ROOT / "leaderboard", hall.submissions, hall.out)
    }
    for path in first:
        path.unlink()
    hall.page()
    assert {path: path.read_bytes() for path in first} == first


def test_what_is_up_to_date_is_left_alone_and_what_is_not_is_stale(hall: Hall) -> None:
    hall.page()
    untouched = (hall.out / "maze.csv").stat().st_mtime_ns
    hall.lay(make("dt"))
    stale = board.stale(ROOT / "leaderboard", hall.submissions, hall.out)
    assert {path.name for path in stale} == {"README.md", "sp.csv", "sp.tex"}
    hall.page()
    assert board.stale(ROOT / "leaderboard", hall.submissions, hall.out) == []
    assert (hall.out / "maze.csv").stat().st_mtime_ns == untouched


def test_a_kill_while_writing_leaves_the_old_files(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    before = hall.page()
    hall.lay(make("dt"))
    monkeypatch.setattr("os.replace", lambda *paths: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        hall.page()
    assert (hall.out / "README.md").read_text() == before
    assert not list(hall.out.glob(".*"))


def test_the_page_of_no_records_says_how_to_make_the_first(hall: Hall) -> None:
    assert "`easy2hard evaluate my_model.py --suite sp --track quick` makes the first" in hall.page()


def test_a_board_of_some_entries_names_one_of_them_for_its_first_record(hall: Hall) -> None:
    page = hall.page()
    for title, name in ((N2N, "noise2noise-sp"), (ALPHA, "alpha")):
        part = page.split(f"## {title}\n")[1].split("\n## ")[0]
        shown, _ = definition.read(ROOT / "leaderboard" / f"{name}.toml")
        named = re.findall(r"`easy2hard evaluate (\S+) --suite", part)
        assert len(named) == 2
        assert all(one in entries.names() and shown.shows(one) for one in named)


def test_the_csv_has_a_row_per_level_budget_and_metric_with_interval_and_seeds(hall: Hall) -> None:
    hall.lay(make("dt"), make("dt", seed=1))
    rows = hall.rows()
    (cell,) = [
        row for row in rows
        if (row["level"], row["budget"], row["exit"], row["metric"]) == ("0.3", "8", "", "psnr")
    ]  # fmt: skip
    assert float(cell["ci_low"]) < float(cell["value"]) < float(cell["ci_high"])
    assert (cell["seeds"], cell["n"], cell["rank"], cell["declared"]) == ("2", "500", "1", "False")
    assert len(rows) == 1 + 5 * (12 + 1) * 2


def test_shares_are_written_in_percent_and_decibels_with_two_decimals(hall: Hall) -> None:
    hall.lay(make("dt"), make("dt", "maze", iterations=20, skill=20))
    page = hall.page()
    assert re.fullmatch(r"\d+\.\d\d", line_of(page.split("## Salt and pepper")[1], "DT")[5])
    assert re.fullmatch(r"\d+\.\d", line_of(page.split("## Mazes")[1], "DT")[5])


def test_a_maze_board_counts_wilson_at_zero_and_at_one_hundred_percent(hall: Hall) -> None:
    hall.lay(identity("maze"), make("bfs", "maze", band="ceiling", skill=100, iterations=None, train=None))
    bands = hall.sheet("maze").bands
    none, every = bands["floor"][0].standing.ci95, bands["ceiling"][0].standing.ci95
    assert none and every
    assert (none[0], every[1]) == pytest.approx((0, 1))
    assert none[1] > 0.005
    assert every[0] < 0.995


def test_the_latex_table_has_the_columns_of_the_paper_and_escapes_titles(hall: Hall) -> None:
    hall.lay(make("dt", model__title="DT_50% & more"))
    hall.page()
    text = (hall.out / "sp.tex").read_text()
    assert r"Model & Parameters & Easy (0.1) & Hard (0.3) & Mean of hard \\" in text
    assert r"DT\_50\% \& more & 27,360 &" in text


def test_the_latex_tables_have_every_level_every_budget_and_the_ceilings(hall: Hall) -> None:
    hall.lay(make("dt"), make("dt", band="ceiling", trained_on="0.3", skill=13))
    one = hall.sheet("sp").rows[0].standing
    hall.page()
    text = (hall.out / "sp.tex").read_text()
    shown = [one.shown(level, "psnr") for level in ("0.1", "0.2", "0.3", "0.4", "0.5")]
    assert "& " + " & ".join(shown) + " & [" in text
    assert "every budget of DT" in text
    assert f"\\textbf{{{shown[0]}}} & \\textbf{{{shown[1]}}}" in text
    assert "DT & 0.3 & " in text[text.index("ceilings") :]
    assert text.count("\\begin{tabular}") == text.count("\\end{tabular}") >= 4


def test_a_title_can_neither_break_a_table_nor_bring_markup(hall: Hall) -> None:
    hall.lay(make("dt", model__title="a|b <script> ](http://x)"))
    page = hall.page()
    assert "<script>" not in page
    assert r"a\|b &lt;script&gt; \](http://x)" in page


# --- definitions ---


def test_every_board_names_a_suite_and_levels_that_exist() -> None:
    boards = definition.read_all(ROOT / "leaderboard")
    suites = ["sp", "gaussian", "maze", "sp-cifar10", "gaussian-cifar10"]
    assert list(boards) == [*suites, "noise2noise-sp", "noise2noise-gaussian", "alpha"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('easy = "0.1"', 'easy = "0.1"\ncolour = "red"', "colour: unknown key; there are: title, suite"),
        ('hard = "0.3"', 'hard = "0.9"', "hard must be one of 0.2, 0.3, 0.4, 0.5; got 0.9"),
        ('suite = "sp"', 'suite = "pepper"', "there is no suite 'pepper'"),
        ('"full", "quick"', '"slow"', "tracks.0"),
        ("position = 1", "position = ", "not valid TOML"),
    ],
)
def test_a_definition_that_is_not_valid_is_refused_with_the_field(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    text = (ROOT / "leaderboard" / "sp.toml").read_text()
    (tmp_path / "sp.toml").write_text(text.replace(old, new))
    with pytest.raises(UserError, match=re.escape(message)):
        definition.read_all(tmp_path)


PAPER = '[paper]\nsource = "a paper"\ntext = "history"\nrows = [{ model = "DT", entry = "dt", easy = 25, hard = 21 }]\n'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"dt"', '"dtt"', "paper.rows, DT: this board shows no entry 'dtt'; it may show: adaptive-median"),
        ("easy", "colour = 1, easy", "paper.rows.0.colour: unknown key; there are: model, entry, recipes"),
        ("source", "year = 2022\nsource", "paper.year: unknown key; there are: source, text, rows"),
        (", hard = 21", "", "paper.rows.0.hard: Field required"),
        ("easy = 25", "easy = [25, 26]", "paper.rows.0.easy: Input should be a valid number"),
        ("[{ model", "[] # [{ model", "paper.rows: Tuple should have at least 1 item"),
    ],
)
def test_figures_of_a_paper_that_cannot_be_shown_are_refused_with_the_field(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    text = (ROOT / "leaderboard" / "sp.toml").read_text()
    (tmp_path / "sp.toml").write_text(text + PAPER)
    assert definition.read(tmp_path / "sp.toml")[0].paper is not None
    (tmp_path / "sp.toml").write_text(text + PAPER.replace(old, new, 1))
    with pytest.raises(UserError, match=re.escape(message)) as refused:
        definition.read(tmp_path / "sp.toml")
    assert "\n" not in str(refused.value)


def test_a_paper_may_not_name_an_entry_that_the_board_leaves_out(tmp_path: Path) -> None:
    text = (ROOT / "leaderboard" / "sp.toml").read_text()
    (tmp_path / "sp.toml").write_text('entries = ["cnn*"]\n' + text + PAPER)
    with pytest.raises(UserError, match=r"shows no entry 'dt'; it may show: cnn, cnn-alpha\."):
        definition.read(tmp_path / "sp.toml")


TWINS = '[twins]\ntitle = "a title"\ncolumns = ["one", "other"]\nrecipes = [["quick", "clean"], ["a", "b"]]\n'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title", "colour = 1\ntitle", "twins.colour: unknown key; there are: title, columns, recipes"),
        ('"one", ', "", "twins.columns.1: Field required"),
        ('"b"', '"b", "c"', "twins.recipes.1"),
        ('[["quick", "clean"], ["a", "b"]]', "[]", "twins.recipes: Tuple should have at least 1 item"),
        ('"b"', '"clean"', "twins.recipes: a recipe stands in one pair, once; got clean twice."),
    ],
)
def test_twins_that_cannot_be_shown_are_refused_with_the_field(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    text = (ROOT / "leaderboard" / "sp.toml").read_text()
    (tmp_path / "sp.toml").write_text(text + TWINS)
    assert definition.read(tmp_path / "sp.toml")[0].twins is not None
    (tmp_path / "sp.toml").write_text(text + TWINS.replace(old, new, 1))
    with pytest.raises(UserError, match=re.escape(message)) as refused:
        definition.read(tmp_path / "sp.toml")
    assert "\n" not in str(refused.value)


def test_every_recipe_that_a_board_names_is_one_of_its_entries() -> None:
    for shown, _ in definition.read_all(ROOT / "leaderboard").values():
        for row in shown.paper.rows if shown.paper else ():
            assert set(row.recipes) <= set(entries.load(row.entry).recipes)
        if shown.twins:
            paired = {recipe for pair in shown.twins.recipes for recipe in pair}
            nets = [entries.load(name) for name in entries.names() if shown.shows(name)]
            assert all(paired <= set(net.recipes) for net in nets)


def test_a_folder_without_boards_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no board"):
        definition.read_all(tmp_path)


# --- the repository ---


def test_the_committed_leaderboard_is_what_the_committed_records_say() -> None:
    if not archive.paths(ROOT / "submissions"):
        pytest.skip("no entry has a record yet")
    stale = board.stale(ROOT / "leaderboard", ROOT / "submissions", ROOT / "leaderboard")
    assert stale == [], "run `easy2hard leaderboard`"


@pytest.mark.parametrize("room", ["board", "compare", "figures"])
def test_boards_load_neither_torch_nor_datasets(room: str) -> None:
    code = f"import sys, easy2hard.{room}; print(*({{'torch', 'datasets', 'matplotlib'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == ""


# The same page is rendered with a kill before its third file takes its place.
KILLED = """
import os, signal, sys
from pathlib import Path
from easy2hard import atomic, board

place, left = os.replace, [2]

def replace(source, target):
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    place(source, target)

atomic.os.replace = replace
sys.argv = ["easy2hard", "leaderboard", "--submissions", sys.argv[1], "--out", sys.argv[2]]
from easy2hard import cli
cli.main()
"""


def test_boards_whose_rendering_was_killed_are_whole_files_and_complete_after_a_rerun(tmp_path: Path) -> None:
    submissions = tmp_path / "submissions"
    for name in ("identity", "median-3"):
        shutil.copytree(entries.folder() / name, submissions / name)

    def rendered(code: str, out: Path) -> tuple[int, dict[str, bytes]]:
        ask = ["leaderboard", "--submissions", str(submissions), "--out", str(out)]
        command = ["-c", code, str(submissions), str(out)] if code else ["-m", "easy2hard", *ask]
        done = subprocess.run([sys.executable, *command], capture_output=True, check=False)
        return done.returncode, {
            path.name: path.read_bytes() for path in out.iterdir() if not path.name.startswith(".")
        }

    _, whole = rendered("", tmp_path / "whole")
    killed, part = rendered(KILLED, tmp_path / "killed")
    assert killed == -signal.SIGKILL
    assert len(part) == 2
    assert part.items() <= whole.items()
    assert rendered("", tmp_path / "killed") == (0, whole)
