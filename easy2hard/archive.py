"""The records of `submissions/`: where they lie, and the per-sample scores beside them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from easy2hard import record
from easy2hard.errors import UserError
from easy2hard.record import Cell, Record
from easy2hard.statistics import Scores

if TYPE_CHECKING:
    from pyarrow import Table


IDENTITIES = ("identity", "identity-maze")  # floors that answer with their input; one for each task


class Filed(NamedTuple):
    """A record, and the file it was read from."""

    record: Record
    path: Path

    @property
    def table(self) -> Path | None:
        """The per-sample scores beside the record; None for a record that has none."""
        samples = self.record.samples
        return self.path.with_name(Path(samples.path).name) if samples else None


@dataclass(frozen=True)
class Seeds:
    """The records of one entry and recipe on one suite and track, one per training seed, in their order.

    A failed seed counts: it is scored as the identity floor of the same suite and track.
    """

    filed: tuple[Filed, ...]
    identity: Filed | None = None

    @property
    def record(self) -> Record:
        """The record that stands for what all have in common."""
        return next(
            (filed.record for filed in self.filed if filed.record.status == "ok"), self.filed[0].record
        )

    @property
    def failed(self) -> int:
        return sum(filed.record.status == "failed" for filed in self.filed)

    @property
    def fault(self) -> str | None:
        """Why the seeds cannot be scored: one failed, and there is no identity in whose place it counts."""
        if not self.failed or self.identity is not None:
            return None
        task, track = self.record.task, self.record.track
        return (
            f"a seed of {self.record.model.id} failed and counts as the floor identity, which has no record "
            f"here; run `easy2hard evaluate identity --suite {task.suite} --track {track}` and submit it."
        )

    @property
    def scored(self) -> list[Filed]:
        """The records to score, identity in place of failed ones; raises `UserError` where it is missing."""
        if self.fault:
            raise UserError(self.fault)
        return [self.identity or filed if filed.record.status == "failed" else filed for filed in self.filed]

    def cells(
        self, level: str, metric: str, budget: int | None = None, exit: str | None = None
    ) -> list[Cell]:
        """A cell per seed at a budget or rule (None: the declared answer); empty where one cannot give it."""
        if self.fault:
            return []
        cells = [
            filed.record.answer_cell(level, metric)
            if budget is None or (self.failed and filed is self.identity)
            else _cell(filed.record, level, metric, budget, exit)
            for filed in self.scored
        ]
        found = [cell for cell in cells if cell is not None]
        return found if len(found) == len(cells) else []

    def answers(self, levels: Sequence[str], metric: str) -> list[dict[str, Scores]]:
        """The per-sample scores of the declared answer, per seed; raises `UserError` where one is missing."""
        return [answers(filed, levels, metric) for filed in self.scored]


def read(path: Path) -> Filed:
    """The record in a file; raises `UserError` where it is not valid or does not lie where it belongs."""
    found = record.read(path)
    entry = path.parent.parent.name
    if path.parent.name == "records" and (path.name, entry) != (found.filename, found.model.id):
        raise UserError(
            f"{path} holds the record {found.model.id}/records/{found.filename}; "
            "move it there, or evaluate again."
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
            f"{filed.record.samples.sha256[:12]}); run `{again(filed.record)}`."
        )


def find_identity(found: Iterable[Filed]) -> Filed | None:
    """The record of the floor as which a failed seed is scored, among records of one suite and track."""
    return next(
        (filed for filed in found if filed.record.model.id in IDENTITIES and filed.record.cells), None
    )


def again(record: Record, model: str | None = None, suite: str | None = None) -> str:
    """The command that makes a record anew; of a file `model` or `suite` is the path, which no record knows."""
    seed = f" --seeds {record.training_seed}" if record.train else ""
    ceiling = " --ceiling" if record.model.band == "ceiling" and record.train else ""
    named = record.model.recipe not in (None, "default", "quick")  # `evaluate` takes these by itself
    recipe = f" --recipe {record.model.recipe}" if named else ""
    asked = f"--suite {suite or record.task.suite} --track {record.track}{recipe}{seed}{ceiling}"
    return f"easy2hard evaluate {model or record.model.id} {asked}"


def answers(filed: Filed, levels: Sequence[str], metric: str) -> dict[str, Scores]:
    """The per-sample scores of the declared answer at `levels`.

    Raises `UserError` where the file is missing, lacks the metric, or the entry cannot give its answer.
    """
    table = _table(filed, metric)
    return {level: _at(filed, table, level, metric) for level in levels}


def _cell(record: Record, level: str, metric: str, budget: int, exit: str | None) -> Cell | None:
    wanted = (level, metric, budget, exit)
    return next((c for c in record.cells if (c.level, c.metric, c.budget, c.exit) == wanted), None)


def _at(filed: Filed, table: "Table", level: str, metric: str) -> Scores:
    """The rows of the declared answer at one level."""
    import pyarrow.compute as pc

    cell = filed.record.answer_cell(level, metric)
    if cell is None:
        raise UserError(
            f"{filed.record.model.id} has no answer '{filed.record.declared_answer}' at level {level}."
        )
    of_level, of_rule = pc.field("level") == level, pc.field("rule") == (cell.exit or "")
    rows = table.filter(of_level & of_rule & (pc.field("budget") == cell.budget))
    if rows.num_rows != cell.n:
        raise UserError(
            f"{filed.table}: {rows.num_rows} rows at level {level}, budget {cell.budget}; "
            f"the record has {cell.n}."
        )
    return Scores(rows["index"].to_numpy().astype(np.int64), rows[metric].to_numpy().astype(np.float64))


def _table(filed: Filed, metric: str) -> "Table":
    import pyarrow.parquet as pq

    verify(filed)
    if filed.table is None or not filed.table.is_file():
        raise UserError(
            f"the per-sample scores of {filed.path} are not beside it; `{again(filed.record)}` makes them."
        )
    if metric not in pq.read_schema(filed.table).names:
        raise UserError(f"{filed.table} has no per-sample '{metric}'.")
    return pq.read_table(filed.table, columns=["level", "index", "rule", "budget", metric])
