"""docs/counts.md: what papers print, what their code has, what the entries have."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from easy2hard import entry as entries, shelf

DOCS = Path(__file__).parent.parent / "docs"
TABLES = tomllib.loads((DOCS / "counts.toml").read_text(encoding="utf-8"))["tables"]
ROWS = [row for table in TABLES for row in table["rows"]]
EACH = pytest.mark.parametrize("row", ROWS, ids=lambda row: row["model"])
counts = shelf.load_file(DOCS / "counts.py")


def test_the_page_of_counts_is_what_the_cards_say() -> None:
    wanted = counts.page(DOCS / "counts.toml", entries.names()).splitlines()
    held = (DOCS / "counts.md").read_text(encoding="utf-8").splitlines()
    names = {line.split("|")[1].strip() for line in set(wanted) ^ set(held) if line.startswith("| ")}
    assert wanted == held, f"run `python docs/counts.py`: {', '.join(sorted(names)) or 'the text'} changed"


@EACH
def test_an_entry_has_as_many_parameters_as_the_code_of_its_paper(row: dict[str, Any]) -> None:
    name = row.get("entry")
    if name is None or "code" not in row:
        return
    if name not in entries.names():
        pytest.skip(f"there is no entry {name} yet")
    assert entries.card(name).parameters == row["code"]


@EACH
def test_a_count_that_a_paper_prints_in_full_is_that_of_its_code(row: dict[str, Any]) -> None:
    assert not isinstance(row.get("paper"), int) or row["paper"] == row["code"]


def test_a_row_whose_entry_is_not_there_keeps_its_figures_and_links_nothing() -> None:
    page = counts.page(DOCS / "counts.toml", ["dt"])
    dt, cnn = (
        [cell.strip() for cell in line.strip("|").split("|")][:5]
        for line in page.splitlines()
        if line.startswith(("| DT  ", "| CNN  "))
    )
    assert dt == ["DT", "27,360", "27,360", "27,360", "[dt](../submissions/dt)"]
    assert cnn == ["CNN", "84,960", "84,960", "–", "–"]
