"""What `generate` did; whoever called it decides what to print."""

from pathlib import Path
from typing import NamedTuple

from easy2hard.data.manifest import Overlap
from easy2hard.suite import Split


class SplitReport(NamedTuple):
    """What the folder now holds of a split, and what was done for it."""

    level: str
    split: Split
    rows: int
    bytes: int
    digest: str  # of the pixels
    rows_per_second: float | None  # None where nothing had to be drawn
    summary: dict[str, float]  # figures over the first 1,000 rows
    drawn: int  # shards written
    kept: int  # shards found whole


class Report(NamedTuple):
    """What `generate` did to one suite's folder."""

    folder: Path
    splits: tuple[SplitReport, ...]
    levels: dict[str, str]  # level -> data digest
    overlaps: tuple[Overlap, ...]  # of all that the folder holds
    notes: tuple[str, ...]
