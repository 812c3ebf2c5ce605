"""Every entry of `submissions/`: its card, its recipes, its model; and every record that lies beside one."""

import math
import re
from functools import cache
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pytest
import torch

from easy2hard import check as checks, data, entry as entries, record as records, shelf, suite as suites
from easy2hard.board import definition
from easy2hard.entry import Entry
from easy2hard.errors import UserError
from easy2hard.metrics import psnr
from easy2hard.record import Cell
from easy2hard.tasks import open_task

ENTRIES = entries.names()
RECORDS = sorted(entries.folder().glob("*/records/*.json"))
EVERY = pytest.mark.parametrize("name", ENTRIES)
EACH = pytest.mark.parametrize("path", RECORDS, ids=lambda path: f"{path.parents[1].name}/{path.stem}")


@cache
def load(name: str) -> Entry:
    try:
        return entries.load(name)
    except UserError as error:
        if "pip install 'easy2hard[classical]'" in str(error):
            pytest.skip(str(error))
        raise


def scores(path: Path) -> dict[tuple[str, int, str], pd.DataFrame]:
    """The scores of every sample, by level, budget and rule."""
    groups = pd.read_parquet(path).groupby(["level", "budget", "rule"], observed=True)
    return dict(iter(groups))


@EVERY
def test_an_entry_has_a_card_with_a_sentence_and_a_source(name: str) -> None:
    card = entries.card(name)
    assert card.summary.endswith(".")
    assert card.source
    assert all(suites.read(suite).task == card.task for suite in card.suites)
    assert load(name).card == card


@EVERY
def test_an_entry_has_words_under_its_card(name: str) -> None:
    text = (entries.folder() / name / "README.md").read_text(encoding="utf-8")
    assert text.split("---\n", 2)[2].strip().startswith("# ")


@EVERY
def test_a_card_names_every_recipe_of_its_entry(name: str) -> None:
    text = (entries.folder() / name / "README.md").read_text(encoding="utf-8")
    assert [recipe for recipe in load(name).recipes if f"`{recipe}`" not in text] == []


@EVERY
def test_the_commands_of_a_card_name_entries_suites_and_recipes_that_exist(name: str) -> None:
    text = (entries.folder() / name / "README.md").read_text(encoding="utf-8")
    for line in re.findall(r"easy2hard evaluate\s([^`\n]+)", text):
        models = [word for word in line.split(" --")[0].split() if not word.endswith(".py")]
        assert set(models) <= set(ENTRIES)
        assert set(re.findall(r"--suite (\S+)", line)) <= set(suites.names())
        recipes = {recipe for listed in re.findall(r"--recipe (\S+)", line) for recipe in listed.split(",")}
        assert all(recipes <= set(load(model).recipes) for model in models)


@EVERY
def test_a_filter_whose_macs_are_not_counted_says_so_on_its_card(name: str) -> None:
    card, text = entries.card(name), (entries.folder() / name / "README.md").read_text(encoding="utf-8")
    if card.macs_fixed is None:
        assert "`easy2hard list` shows a dash" in " ".join(text.split())


@EVERY
def test_an_entry_that_learns_has_recipes_with_losses_that_exist_and_rows_that_there_are(name: str) -> None:
    entry = load(name)
    if entries.card(name).band in ("floor", "ceiling"):
        assert not entry.recipes
        return
    assert entry.recipes
    for recipe in entry.recipes.values():
        assert set(recipe.losses) <= set(shelf.names("losses"))
        assert recipe.rows is None or recipe.rows <= 40_000


@EVERY
def test_an_entry_keeps_the_contract_and_its_card_tells_the_truth(name: str) -> None:
    findings = list(checks.check(load(name)))
    assert len(findings) == len(checks._CHECKS) + 1
    assert all(finding.passed for finding in findings), [
        finding for finding in findings if not finding.passed
    ]


@EVERY
def test_an_entry_holds_nothing_but_its_code_its_card_and_its_records(name: str) -> None:
    held = {path.name for path in (entries.folder() / name).iterdir() if path.name != "__pycache__"}
    assert held <= {"model.py", "README.md", "records"}


@EACH
def test_a_record_lies_where_its_name_says_and_can_rank(path: Path) -> None:
    record = records.read(path)
    assert path.name == record.filename
    assert path.parents[1].name == record.model.id
    assert record.ranks or record.model.band == "ceiling"
    assert record.task.limit is None


@EACH
def test_a_record_is_of_the_code_and_the_protocol_as_they_are(path: Path) -> None:
    record = records.read(path)
    code = (path.parents[1] / "model.py").read_bytes()
    assert record.model.sha256 == sha256(code).hexdigest()
    assert record.task.protocol == suites.read(record.task.suite).protocol_digest


@EACH
def test_the_scores_and_weights_beside_a_record_are_those_that_it_names(path: Path) -> None:
    record = records.read(path)
    beside = [record.samples] if record.samples else []
    for named in beside:
        assert sha256((path.parent / named.path).read_bytes()).hexdigest() == named.sha256
    weights = record.model.weights
    if weights and (path.parent / weights.uri).is_file():
        assert sha256((path.parent / weights.uri).read_bytes()).hexdigest() == weights.sha256


def expected(cell: Cell, at: pd.DataFrame) -> float:
    """The figure of a cell from the scores of its samples."""
    assert at["index"].tolist() == list(range(cell.n))
    assert cell.iterations == pytest.approx(at.iterations.mean())
    metric = cell.metric.removesuffix("_pooled")
    if metric != cell.metric:
        return psnr.pooled(torch.from_numpy(at[metric].to_numpy("float64")))
    return float(at[metric].mean())


@EACH
def test_every_figure_of_a_record_is_the_mean_of_the_samples_beside_it(path: Path) -> None:
    record = records.read(path)
    if record.status == "failed":
        assert record.cells == ()
        return
    assert record.samples is not None
    table = scores(path.parent / record.samples.path)
    assert len(record.cells) > 0
    for cell in record.cells:
        assert cell.value == pytest.approx(
            expected(cell, table[cell.level, cell.budget, cell.exit or ""]), rel=1e-5
        ), cell
        assert cell.ci95 is None or cell.ci95[0] <= cell.value <= cell.ci95[1]
        assert math.isfinite(cell.value)


@EACH
def test_every_figure_of_a_record_costs_what_its_iterations_do(path: Path) -> None:
    record = records.read(path)
    for cell in record.cells:
        if cell.level in record.task.train_levels and record.model.band != "ceiling":
            total = record.model.macs_fixed + cell.iterations * record.model.macs_per_iteration
            assert cell.macs == pytest.approx(total)


@EACH
def test_a_record_counts_what_the_card_counts(path: Path) -> None:
    model, card = records.read(path).model, entries.card(path.parents[1].name)
    assert (model.title, model.band) == (card.title, card.band) or model.band == "ceiling"
    if model.params_total:
        counted = (model.params_total, model.macs_fixed, model.macs_per_iteration)
        assert counted == (card.parameters, card.macs_fixed, card.macs_per_iteration)


@pytest.mark.parametrize("name", sorted({path.name.split("-quick")[0].split("-full")[0] for path in RECORDS}))
def test_the_samples_of_the_records_are_those_that_are_drawn_today(name: str) -> None:
    suite = suites.read(name)
    if suite.images not in (None, "dead_leaves"):
        return  # the images are not here
    level = suite.easy[0]
    today = data.level_digest(open_task(suite), suite, level)
    held = [records.read(path) for path in RECORDS if path.name.startswith(f"{name}-")]
    of_suite = [record for record in held if record.task.suite == name and level in record.task.levels]
    assert {record.task.levels[level].digest for record in of_suite} <= {today}


@pytest.mark.parametrize("path", sorted(definition.folder().glob("*.toml")), ids=lambda path: path.stem)
def test_every_recipe_that_a_board_sets_beside_a_paper_is_one_of_its_entry(path: Path) -> None:
    board, _ = definition.read(path)
    for row in board.paper.rows if board.paper else ():
        assert set(row.recipes) <= set(load(row.entry).recipes)


def test_every_record_names_a_suite_that_comes_with_the_package() -> None:
    assert {records.read(path).task.suite for path in RECORDS} <= set(suites.names())
