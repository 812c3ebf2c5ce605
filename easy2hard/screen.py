"""What the command line shows: progress on the error stream, tables and JSON on the output."""

import json
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from easy2hard.progress import Listener, Step

_PLAIN_SECONDS = 5.0
_LEAST = 16  # the columns that a name keeps, where a table is tight

out = Console()
err = Console(stderr=True)


@contextmanager
def progress(title: str = "", *, quiet: bool = False) -> Iterator[Listener]:
    """A listener that draws a bar with the time left on a terminal, and a line now and then elsewhere."""
    if quiet:
        yield lambda step: None
    elif err.is_terminal:
        with _bars() as bars:
            yield _Bars(bars, title)
    else:
        yield _Lines(title)


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, fold: bool = False
) -> None:
    """Print a table; columns of numbers are set right.

    Below 100 columns it is printed for 120, and never so narrow that a figure is broken: names fold instead. `fold`
    keeps to the width that there is, for a table whose last column is words.
    """
    cells = [[str(row[number]) for row in rows] for number in range(len(columns))]
    figures = [all(map(_numeric, column)) for column in cells]
    at_least = 0 if fold or out.width >= 100 else 120
    heads = list(columns)
    if _needed(heads, cells, figures) > max(out.width, at_least):
        heads = [
            _stacked(head, column) if numeric else head
            for head, column, numeric in zip(heads, cells, figures, strict=True)
        ]
    if not fold:
        at_least = max(at_least, _needed(heads, cells, figures))
    shown = Table(header_style="bold", box=None, pad_edge=False)
    for number, (head, numeric) in enumerate(zip(heads, figures, strict=True)):
        shown.add_column(
            head,
            justify="right" if numeric else "left",
            overflow="fold",
            no_wrap=numeric or (fold and number < len(columns) - 1),
        )
    for row in rows:
        shown.add_row(*map(str, row))
    console = out if out.width >= at_least else Console(width=at_least)
    if title:
        console.print(title, style="bold", highlight=False, soft_wrap=True)
    console.print(shown)


def _needed(heads: Sequence[str], cells: Sequence[Sequence[str]], figures: Sequence[bool]) -> int:
    """The width of a table in which no figure is broken, and no name is narrower than need be."""
    widest = [
        max(len(line) for text in (head, *column) for line in text.split("\n"))
        for head, column in zip(heads, cells, strict=True)
    ]
    kept = (width if numeric else min(width, _LEAST) for width, numeric in zip(widest, figures, strict=True))
    return sum(kept) + 2 * (len(heads) - 1)


def _stacked(head: str, column: Sequence[str]) -> str:
    """A head of several words in lines no wider than what stands below it, where its words allow that."""
    widest = max(map(len, (*column, *head.split())))
    return textwrap.fill(head, widest, break_long_words=False)


def say(text: str) -> None:
    """A line for the reader, on the error stream so that output stays clean."""
    err.print(text, highlight=False, soft_wrap=True)


def print_json(content: Any) -> None:
    """JSON for a script, on the output."""
    json.dump(content, sys.stdout, indent=1, default=str)
    print()


def duration(seconds: float) -> str:
    """How long, as a person says it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _numeric(cell: object) -> bool:
    text = str(cell).replace(",", "").replace("%", "").strip("-–± ")
    return text in ("", "n/a") or text.replace(".", "", 1).split(" ")[0].isdigit()


def _figures(figures: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in figures.items())


def _bars() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("[dim]{task.fields[figures]}"),
    )
    return Progress(*columns, console=err, transient=False)


class _Bars:
    """One bar for each stage."""

    def __init__(self, bars: Progress, title: str) -> None:
        self._bars, self._title = bars, title
        self._stages: dict[str, TaskID] = {}

    def __call__(self, step: Step) -> None:
        if step.note:
            self._bars.print(step.note, highlight=False)
        if step.stage not in self._stages:
            name = f"{self._title}{step.stage}"
            self._stages[step.stage] = self._bars.add_task(name, total=step.total, figures="")
        self._bars.update(
            self._stages[step.stage], completed=step.done, total=step.total, figures=_figures(step.figures)
        )


class _Lines:
    """A line when a stage begins and ends, and every few seconds between, with the time left."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._began: dict[str, tuple[float, int]] = {}
        self._said = 0.0

    def __call__(self, step: Step) -> None:
        if step.note:
            say(f"{self._title}{step.note}")
            return
        now = time.monotonic()
        began, first = self._began.setdefault(step.stage, (now, step.done))
        if now - self._said < _PLAIN_SECONDS and step.done < step.total:
            return
        self._said = now
        left = (now - began) / max(1, step.done - first) * (step.total - step.done)
        wait = "" if step.done >= step.total or step.done == first else f", {duration(left)} left"
        say(
            f"{self._title}{step.stage}: {step.done:,}/{step.total:,}{wait}  {_figures(step.figures)}".rstrip()
        )
