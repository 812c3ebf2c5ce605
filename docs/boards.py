"""Render the boards of README.md from the records: the first ranks of each, and what they are measured against.

python docs/boards.py
"""

from collections.abc import Iterator
from pathlib import Path

from tabulate import tabulate

from easy2hard import atomic, entry as entries
from easy2hard.board import collect, definition, sheet, tables
from easy2hard.board.sheet import Row, Sheet
from easy2hard.units import label

BOARDS = ("sp", "sp-cifar10", "gaussian", "maze")
MOST = 8  # the last rank that is shown
ELSEWHERE = ("cnn-alpha", "dt-alpha")  # sweeps, which have a board of their own
BEGIN, END = "<!-- rendered by `python docs/boards.py` -->\n", "<!-- until here -->\n"


def page(text: str) -> str:
    """A README with its boards rendered anew, between the two comments that mark their place."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    found, _ = collect.read_all(entries.folder())
    boards = definition.read_all(definition.folder())
    sheets = [sheet.lay_out(name, *boards[name], "quick", found, []) for name in BOARDS]
    return "".join([before, BEGIN, *map(_board, sheets), END, after])


def _board(one: Sheet) -> str:
    left = sum(not _shown(row) for row in one.bands["entry"] if row.standing.record.model.id not in ELSEWHERE)
    more = (
        f"; {left} entries below rank {MOST} are on the [whole board](leaderboard/README.md)" if left else ""
    )
    title = f"**`{one.name}`**, quick track, {label(one.asked.metric)}{more}"
    levels = [f"easy {one.board.easy}", f"hard {one.board.hard}"]
    head = ["rank", "model", "parameters", *levels, "headline", "answer", "seeds"]
    align = ("left", "left", "right", "right", "right", "right", "right", "right")
    table = tabulate(list(_rows(one)), head, tablefmt="pipe", colalign=align, disable_numparse=True)
    return f"\n{title}:\n\n{table}\n\n"


def _shown(row: Row) -> bool:
    return int(row.rank.rstrip("=") or MOST + 1) <= MOST and row.standing.record.model.id not in ELSEWHERE


def _rows(one: Sheet) -> Iterator[list[str]]:
    for row in one.bands["entry"]:
        if _shown(row):
            yield _row(row.rank, row, one)
    for band in ("floor", "ceiling"):
        for row in one.bands[band]:
            yield _row(band, row, one)


def _row(rank: str, row: Row, one: Sheet) -> list[str]:
    standing, metric = row.standing, one.asked.metric
    record, seeds = standing.record, standing.seeds
    return [
        rank,
        tables.name(record, "submissions"),
        f"{record.model.params_total:,}",
        standing.shown(one.board.easy, metric),
        standing.shown(one.board.hard, metric),
        tables.headline(standing),
        tables.answer(record),
        str(len(seeds.filed)) if record.train else "",
    ]


if __name__ == "__main__":
    path = Path(__file__).parents[1] / "README.md"
    atomic.write_text(path, page(path.read_text(encoding="utf-8")))
    print(path)
