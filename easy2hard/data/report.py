"""What `generate` did, as data and as words; whoever called it decides what to print."""

from pathlib import Path
from typing import Any, NamedTuple

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

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Column names, and a row for each split."""
        figures = list(self.splits[0].summary)
        columns = ["level", "split", "rows", "MB", "rows/s", *(name.replace("_", " ") for name in figures)]
        rows = [
            [
                split.level,
                split.split,
                f"{split.rows:,}",
                f"{split.bytes / 1e6:.1f}",
                "kept" if split.rows_per_second is None else f"{split.rows_per_second:,.0f}",
                *(f"{split.summary[name]:.2f}" for name in figures),
                split.digest[:12],
            ]
            for split in self.splits
        ]
        return [*columns, "digest"], rows

    def certificate_text(self) -> str:
        """The overlap certificate in words: what splits share, and what repeats within one."""
        across = [overlap for overlap in self.overlaps if overlap.first != overlap.second]
        shared = [f"{o.first} and {o.second} share {o.shared:,} ({o.notion})" for o in across if o.shared]
        repeats = [
            f"{o.first} {o.shared:,} of {o.rows[0]:,} ({o.notion})"
            for o in self.overlaps
            if o.first == o.second and o.shared
        ]
        compared = len({(overlap.first, overlap.second) for overlap in across})
        notions = ", ".join(dict.fromkeys(overlap.notion for overlap in self.overlaps))
        disjoint = f"none of {compared} pairs of splits shares a sample ({notions})"
        lines = [
            f"overlap: {'; '.join(shared) or disjoint}"
            if compared
            else "overlap: one split, nothing to compare"
        ]
        if repeats:
            lines.append(f"repeats within a split: {'; '.join(repeats)}")
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """The same for a script."""
        return {
            "folder": str(self.folder),
            "levels": self.levels,
            "splits": [split._asdict() for split in self.splits],
            "overlaps": [overlap.model_dump() for overlap in self.overlaps],
            "notes": list(self.notes),
        }
