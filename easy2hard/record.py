"""A record: all that was measured of one entry on one suite with one training seed, with its provenance."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from easy2hard import atomic
from easy2hard.errors import UserError
from easy2hard.suite import Track, explain

Band = Literal["entry", "augmented", "floor", "ceiling"]
_Share = Annotated[float, Field(ge=0)]
_Count = Annotated[int, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")


class LevelData(_Strict):
    """The test samples of one level: how many were scored, and the digest of what determines their bits."""

    n: _Count
    digest: str
    kind: Literal["easy", "hard", "easier"]


class Asked(_Strict):
    """The suite as it was asked."""

    suite: str
    version: int
    protocol: str  # protocol digest of the suite
    metric: str  # the one that ranks
    answer: str  # the budget or exit rule that ranks, as declared before any hard split was opened
    train_levels: tuple[str, ...]
    headline: tuple[str, ...]  # the hard levels whose mean ranks
    levels: dict[str, LevelData]
    seed: int  # of the data; a fresh one marks a verification
    stamp: dict[str, str]
    source: str | None  # digest of the source images
    limit: int | None = None  # a run cut short never ranks


class Weights(_Strict):
    uri: str
    sha256: str


class Answered(_Strict):
    """The entry as it answered."""

    id: str
    title: str
    band: Band
    recipe: str | None  # name of the recipe; None for an entry that does not learn
    sha256: str  # of the entry's model.py
    hparams: dict[str, Any]
    iterative: bool
    train_iterations: int | None
    max_iterations: Annotated[int, Field(ge=1)] | Literal["unbounded"] | None = None  # None: an older record
    params_total: _Count
    params_trained: _Count
    macs_fixed: _Count  # per sample of the easy level: encode and decode
    macs_per_iteration: _Count
    weights: Weights | None
    needs: tuple[str, ...] = ()
    authors: str
    licence: str
    paper: str | None = None


class Trained(_Strict):
    """How it was trained."""

    seed: int
    levels: tuple[str, ...]
    steps: _Count
    samples: _Count
    seconds: _Share
    loss: float | None
    validation: float | None  # the ranking metric on the easy validation split
    selected_on: Literal["last", "easy validation"]
    own: bool = False  # by the entry's own training, on the batches that the harness hands out
    log_sha256: str | None


class Cell(_Strict):
    """One figure: a level, and a budget or an exit rule within a budget."""

    level: str
    budget: Annotated[int, Field(ge=1)]
    exit: str | None  # None: the thought at `budget`
    metric: str
    higher_is_better: bool
    value: float
    n: Annotated[int, Field(ge=1)]
    se: _Share | None
    ci95: tuple[float, float] | None
    iterations: _Share  # mean number of iterations used
    macs: _Share  # mean per sample, at this level's image size
    nan: Annotated[int, Field(ge=0)] = 0  # answers that hold NaN: they count as black (in a maze, as no path)


class Samples(_Strict):
    """The per-sample scores beside the record: columns level, index, rule, budget, iterations, nan, and metrics."""

    path: str
    sha256: str


class Provenance(_Strict):
    """Where and with what the figures came about."""

    easy2hard: str
    commit: str | None
    dirty: bool | None
    command: str
    python: str
    torch: str
    numpy: str
    os: str
    cpu: str
    gpu: str | None
    threads: int
    device: str
    dtype: str
    batch_size: int
    tf32: bool
    deterministic: bool
    seconds: _Share
    peak_memory_mb: _Share | None = None


class Record(_Strict):
    """One entry, one suite, one training seed. Written once, whole; never edited."""

    schema_version: Literal["easy2hard.record/1"] = "easy2hard.record/1"
    run_id: str
    created_at: datetime
    status: Literal["ok", "failed"]
    reason: str | None = None  # why a run failed
    track: Track
    task: Asked
    model: Answered
    train: Trained | None
    cells: tuple[Cell, ...]
    samples: Samples | None
    provenance: Provenance

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if (self.status == "failed") != (self.reason is not None):
            raise ValueError("a failed record says why, and no other has a reason")
        unknown = {cell.level for cell in self.cells} - set(self.task.levels)
        if unknown:
            raise ValueError(f"cells at levels that the record does not list: {', '.join(sorted(unknown))}")
        for cell in self.cells:
            if cell.n != self.task.levels[cell.level].n:
                raise ValueError(f"level {cell.level}: a cell over {cell.n} samples, the record over "
                                 f"{self.task.levels[cell.level].n}")  # fmt: skip
        return self

    @property
    def ranks(self) -> bool:
        """Whether a board may rank it: complete, and on the suite's own seed."""
        return self.task.limit is None and set(self.task.headline) <= set(self.task.levels)

    @property
    def training_seed(self) -> int:
        return self.train.seed if self.train else 0

    @property
    def variant(self) -> str:
        """The recipe, where it is not the track's own (`quick` or `paper`, or the only one of a file); else empty."""
        usual = {"quick": "quick", "full": "paper"}[self.track]
        return "" if self.model.recipe in (None, "default", usual) else self.model.recipe

    @property
    def title(self) -> str:
        """What stands on boards: the entry's title, and the recipe that is not the track's own."""
        return f"{self.model.title} ({self.variant})" if self.variant else self.model.title

    @property
    def filename(self) -> str:
        """Its name in `submissions/<entry>/records/`."""
        variant = f"-{self.variant}" if self.variant else ""
        ceiling = (
            f"-ceiling-{'-'.join(self.train.levels)}" if self.model.band == "ceiling" and self.train else ""
        )
        return f"{self.task.suite}-{self.track}{variant}{ceiling}-s{self.training_seed}.json"

    def answer_cell(self, level: str, metric: str | None = None) -> Cell | None:
        """The cell of the declared answer at `level`; None where the entry cannot give it."""
        metric = metric or self.task.metric
        cells = [cell for cell in self.cells if cell.level == level and cell.metric == metric]
        answer = self.declared_answer
        if answer.isdigit():
            return next((c for c in cells if c.exit is None and c.budget == int(answer)), None)
        if answer == "last":
            return max((c for c in cells if c.exit is None), key=lambda c: c.budget, default=None)
        return max((c for c in cells if c.exit == answer), key=lambda c: c.budget, default=None)

    @property
    def declared_answer(self) -> str:
        """The answer that ranks, `"train"` resolved to the training budget (1 for a net that does not iterate).

        A net of one thought gives it under every rule.
        """
        if self.task.answer == "train":
            return str(self.model.train_iterations or 1)
        return self.task.answer if self.model.iterative or self.task.answer.isdigit() else "last"


def read(path: Path) -> Record:
    """The record in a file; raises `UserError` saying what is wrong with one that is not valid."""
    try:
        return Record.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"there is no record {path}.") from error
    except ValidationError as error:
        raise UserError(f"{path} is not a valid record: {explain(error, Record)}") from error


def write(record: Record, path: Path) -> None:
    """Write a record, whole or not at all, with keys in the order of the schema."""
    atomic.write_text(path, record.model_dump_json(indent=1) + "\n")


def schema() -> str:
    """The JSON schema of a record."""
    return json.dumps(Record.model_json_schema(), indent=2, sort_keys=True) + "\n"


def now() -> datetime:
    """The time of a record: UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)
