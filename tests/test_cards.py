"""What the cards of `submissions/` say of scores, and what the records beside them hold."""

import re
from collections.abc import Iterator, Sequence
from statistics import mean

import pytest

from easy2hard import archive, entry as entries, record as records
from easy2hard.record import Record
from easy2hard.units import scale

EVERY = pytest.mark.parametrize("name", entries.names())
FILED = [records.read(path) for path in archive.paths(entries.folder())]
SUITES = {record.task.suite for record in FILED}
LEVELS = {level for record in FILED for level in record.task.levels}
COUNTS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}


def told(name: str) -> list[str]:
    """The paragraphs of a card that tell scores, each with the list or table of scores right below it.

    They begin "After `…`" for a recipe, or "On the quick track" for what is not trained.
    """
    text = (entries.folder() / name / "README.md").read_text(encoding="utf-8")
    blocks = [" ".join(block.split()) for block in text.split("\n\n")]
    scores = [
        block if block.startswith(("- ", "| ")) and not block.startswith("| recipe |") else ""
        for block in blocks
    ]
    return [
        f"{block} {below}"
        for block, below in zip(blocks, [*scores[1:], ""], strict=True)
        if block.startswith(("After `", "On the quick track "))
    ]


def marked(text: str, among: set[str]) -> set[str]:
    """Those names that a text has in backticks or links to."""
    return among & {name for pair in re.findall(r"`([^`]+)`|\]\(\.\./([\w.-]+)", text) for name in pair}


def seeds_of(entry: str, suites: set[str]) -> list[list[Record]]:
    """The records of an entry on these suites, one for each seed, those of a suite and a recipe together."""
    groups: dict[tuple[str, str | None], list[Record]] = {}
    for record in FILED:
        if record.model.id == entry and record.task.suite in suites and record.model.band != "ceiling":
            groups.setdefault((record.task.suite, record.model.recipe), []).append(record)
    return list(groups.values())


def figures(seeds: Sequence[Record], text: str) -> Iterator[str]:
    """Means over seeds at the levels that a text names: of the declared answer, and at budgets that it names."""
    numbers = set(re.findall(r"\d+(?:\.\d+)?", text))
    values: dict[tuple[str, int, str | None], list[float]] = {}
    for record in seeds:
        answers = [record.answer_cell(level) for level in record.task.levels]
        for cell in record.cells:
            named = str(cell.budget) in numbers and (cell.metric, cell.exit) == (record.task.metric, None)
            if cell.level in numbers and (named or cell in answers):
                values.setdefault((cell.level, cell.budget, cell.exit), []).append(cell.value)
    return (f"{scale(seeds[0].task.metric) * mean(held):.1f}" for held in values.values())


@EVERY
def test_the_scores_that_a_card_tells_stand_in_the_records_of_the_entries_that_it_names(name: str) -> None:
    """Differences ("by 3.9 dB") and what has more decimals, as a paper's figures have, are left out."""
    for text in told(name):
        said = set(re.findall(r"(?<![\d.])\d+\.\d(?![\d.e])", re.sub(r"\bby \d[^,;:(]*", "", text)))
        suites = marked(text, SUITES) or SUITES
        held = [
            figure
            for entry in {name} | marked(text, set(entries.names()))
            for seeds in seeds_of(entry, suites)
            for figure in figures(seeds, text)
        ]
        assert said - LEVELS <= set(held), text


@EVERY
def test_a_card_tells_as_many_seeds_as_there_are_records(name: str) -> None:
    """A number of seeds belongs to the suite that was named last before it; before all, to each of them."""
    for text in told(name):
        suites = marked(text, SUITES)
        said: dict[str, set[int]] = {}
        last = suites or SUITES
        for word in re.findall(r"`([^`]+)`|\b(\w+) seeds?\b", text):
            last = {word[0]} if word[0] in SUITES else last
            if word[1] in COUNTS:
                for suite in last:
                    said.setdefault(suite, set()).add(COUNTS[word[1]])
        for suite, counts in said.items():
            filed = {len(seeds) for seeds in seeds_of(name, {suite})}
            assert not filed or counts == filed, (suite, text)
