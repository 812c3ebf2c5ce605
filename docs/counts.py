"""Render docs/counts.md: how many parameters papers print, their code has, and the entries have.

python docs/counts.py
"""

import tomllib
from pathlib import Path
from typing import Any

from tabulate import tabulate

from easy2hard import atomic, entry as entries

HEAD = """\
<!-- rendered by `python docs/counts.py` from docs/counts.toml and the entries' cards: a change made here is lost -->
# Parameter counts

What a paper prints, what its authors' code (or a re-implementation that matches) has, and what the entry here has.
`easy2hard check` counts the last anew for every entry, and its card has the multiply-accumulates. A dash: nothing is
printed, or there is no such entry.
"""


def page(definition: Path, names: list[str]) -> str:
    """The tables of a definition; `names` are the entries that there are."""
    tables = tomllib.loads(definition.read_text(encoding="utf-8"))["tables"]
    return "\n".join([HEAD, *(_table(table, names) for table in tables)])


def _table(table: dict[str, Any], names: list[str]) -> str:
    rows = [_row(names, **row) for row in table["rows"]]
    head = ["model", "paper", "authors' code", "here", "entry", "note"]
    align = ("left", "right", "right", "right", "left", "left")
    text = tabulate(rows, head, tablefmt="pipe", colalign=align, disable_numparse=True)
    return f"## {table['title']}\n\n{table['text']}\n\n{text}\n"


def _row(
    names: list[str],
    *,
    model: str,
    paper: int | str = "–",
    code: int | None = None,
    entry: str = "",
    note: str = "",
) -> list[str]:
    here = entry in names
    count = f"{entries.card(entry).parameters or 0:,}" if here else "–"
    printed = f"{paper:,}" if isinstance(paper, int) else paper
    link = f"[{entry}](../submissions/{entry})" if here else "–"
    return [model, printed, f"{code:,}" if code else "–", count, link, note]


if __name__ == "__main__":
    path = Path(__file__).with_suffix(".md")
    atomic.write_text(path, page(path.with_suffix(".toml"), entries.names()))
    print(path)
