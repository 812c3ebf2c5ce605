"""The records of `submissions/`: where they lie, and the per-sample scores beside them."""

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from easy2hard import record
from easy2hard.errors import UserError
from easy2hard.record import Record
from easy2hard.statistics import Scores

if TYPE_CHECKING:
    from pyarrow import Table

IDENTITY = "identity"  # the floor that answers with its input, and as which a failed seed is scored


class Filed(NamedTuple):
    """A record, and the file it was read from."""

    record: Record
    path: Path

    @property
    def table(self) -> Path | None:
        """The per-sample scores beside the record; None for a record that has none."""
        samples = self.record.samples
        return self.path.with_name(Path(samples.path).name) if samples else None


def read(path: Path) -> Filed:
    """The record in a file; raises `UserError` where it is not valid or does not lie where it belongs."""
    found = record.read(path)
    entry = path.parent.parent.name
    if path.parent.name == "records" and (path.name, entry) != (found.filename, found.model.id):
        raise UserError(
            f"{path} holds the record {found.model.id}/records/{found.filename}; move it there, or evaluate again."
        )
    return Filed(found, path)


def paths(submissions: Path, entry: str = "*") -> list[Path]:
    """The files of all records, or those of one entry, sorted."""
    return sorted(submissions.glob(f"{entry}/records/*.json"))


def verify(filed: Filed) -> None:
    """Refuse, with a `UserError`, per-sample scores that are not those that the record was written with."""
    table = filed.table
    if table is None or not table.is_file() or filed.record.samples is None:
        return
    digest = sha256(table.read_bytes()).hexdigest()
    if digest != filed.record.samples.sha256:
        raise UserError(
            f"{table.name} is not the file that the record was written with (sha256 {digest[:12]}, not "
            f"{filed.record.samples.sha256[:12]}); evaluate {filed.record.model.id} again."
        )


def answers(filed: Filed, levels: tuple[str, ...], metric: str) -> dict[str, Scores]:
    """The per-sample scores of the declared answer at `levels`.

    Raises `UserError` where the file is missing, lacks the metric, or the entry cannot give its answer.
    """
    table = _table(filed, metric)
    return {level: _at(filed, table, level, metric) for level in levels}


def _at(filed: Filed, table: "Table", level: str, metric: str) -> Scores:
    """The rows of the declared answer at one level."""
    import pyarrow.compute as pc

    cell = filed.record.answer_cell(level, metric)
    if cell is None:
        raise UserError(
            f"{filed.record.model.id} has no answer '{filed.record.declared_answer}' at level {level}."
        )
    wanted = (
        (pc.field("level") == level)
        & (pc.field("rule") == (cell.exit or ""))
        & (pc.field("budget") == cell.budget)
    )
    rows = table.filter(wanted)
    if rows.num_rows != cell.n:
        raise UserError(
            f"{filed.table}: {rows.num_rows} rows at level {level}, budget {cell.budget}; the record has {cell.n}."
        )
    return Scores(rows["index"].to_numpy().astype(np.int64), rows[metric].to_numpy().astype(np.float64))


def _table(filed: Filed, metric: str) -> "Table":
    import pyarrow.parquet as pq

    verify(filed)
    if filed.table is None or not filed.table.is_file():
        raise UserError(
            f"the per-sample scores of {filed.path} are not beside it; run `easy2hard evaluate "
            f"{filed.record.model.id} --suite {filed.record.task.suite}` to score them again."
        )
    if metric not in pq.read_schema(filed.table).names:
        raise UserError(f"{filed.table} has no per-sample '{metric}'.")
    return pq.read_table(filed.table, columns=["level", "index", "rule", "budget", metric])
