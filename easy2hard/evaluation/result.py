"""What an evaluation gives back: the records of an entry, one for each training seed."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from easy2hard.archive import Filed
from easy2hard.record import Record
from easy2hard.units import label, show


class Evaluation(NamedTuple):
    """The records of one entry, one for each training seed, and the files that hold them."""

    filed: tuple[Filed, ...]

    def __repr__(self) -> str:
        """The entry, the suite, and the headline of each seed."""
        record = self.record
        metric, asked = record.task.metric, f"{record.task.suite}, {record.track} track"
        figures = ", ".join(f"seed {one.training_seed}: {_headline(one)}" for one in self.records)
        return f"<Evaluation of {record.model.id} on {asked}; mean {label(metric)} of the hard levels: {figures}>"

    @property
    def records(self) -> tuple[Record, ...]:
        """The records alone."""
        return tuple(filed.record for filed in self.filed)

    @property
    def record(self) -> Record:
        """The first (often the only) record."""
        return self.records[0]

    def frame(self) -> pd.DataFrame:
        """Every figure of every record as one row: entry, seed, level, budget, exit, metric, value, …"""
        rows = [
            {"entry": record.model.id, "seed": record.training_seed, **cell.model_dump()}
            for record in self.records
            for cell in record.cells
        ]
        return pd.DataFrame(rows)


def _headline(record: Record) -> str:
    """The mean over the hard levels at the declared answer; n/a for a run in part, failed for a failed one."""
    if record.status == "failed":
        return "failed"
    cells = [record.answer_cell(level) for level in record.task.headline]
    values = [cell.value for cell in cells if cell is not None]
    return show(record.task.metric, float(np.mean(values)) if len(values) == len(cells) else None)
