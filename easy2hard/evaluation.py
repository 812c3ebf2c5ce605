"""An entry on a suite: train or load, hash the weights, score every level, write the record.

Everything lands in `runs/<entry>/<suite>-…/` as soon as it is known: the checkpoint while training, then the scores of
each level. A run that was killed goes on from there.
"""

import time
from collections.abc import Callable, Sequence
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import nn

from easy2hard import atomic, first_thought, learning, provenance, recording, scoring, suite as suites
from easy2hard.archive import Filed
from easy2hard.ask import Ask, batch_size, checked
from easy2hard.entry import Entry, load as load_entry
from easy2hard.errors import UserError
from easy2hard.fit import refuse_untrained
from easy2hard.models.recurrent import Recurrent, place
from easy2hard.progress import Listener, silent
from easy2hard.raised import named
from easy2hard.record import Record, Weights, now, read as read_record, write as write_record
from easy2hard.run import Run
from easy2hard.suite import Suite
from easy2hard.tasks import Task, open_task
from easy2hard.train import seeded
from easy2hard.units import label, show
from easy2hard.weights import has_weights, load_weights, save_weights, sha256_of

_SEVERAL = ("levels", "budgets", "exits")  # of an Ask


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


def evaluate(
    model: str | Path | Entry | nn.Module | Callable[..., Any],
    suite: str | Path | Suite = "sp",
    *,
    seeds: Sequence[int] = (0,),
    out: str | Path = "runs",
    resume: bool = True,
    listen: Listener = silent,
    **asked: Any,
) -> Evaluation:
    """Evaluate an entry (a name, a file, a folder), or a model as it is, and return its records.

    A model given as an object is scored with the weights it has; an entry with a recipe is trained first, once per
    seed, on the easy levels of `suite` alone. Keywords are the fields of `Ask`: track, recipe, levels, budgets,
    exits, exit, limit, weights, data, images, device, fast, ceiling. Raises `UserError` on anything that cannot be
    asked.
    """
    if not seeds:
        raise UserError("give at least one training seed, such as 0.")
    entry, ask, task = _opened(model, suite, asked)
    if not entry.recipes or ask.weights:
        seeds = seeds[:1]  # nothing is trained, so there is nothing to repeat
    with named(entry):
        runs = [Run.of(entry, ask, task, seed, Path(out), listen) for seed in seeds]
        return Evaluation(tuple(_filed(run, resume=resume) for run in runs))


def foretell(
    model: str | Path | Entry,
    suite: str | Path | Suite,
    *,
    seeds: Sequence[int],
    out: str | Path,
    **asked: Any,
) -> tuple[int, float | None]:
    """How many trainings `evaluate` would begin, and the seconds that they take here; None where it cannot be told.

    A few steps are timed on a throw-away model. Raises `UserError` on anything that cannot be asked.
    """
    entry, ask, task = _opened(model, suite, asked)
    with named(entry):
        return learning.foretell([Run.of(entry, ask, task, seed, Path(out)) for seed in seeds])


def _opened(
    model: str | Path | Entry | nn.Module | Callable[..., Any],
    suite: str | Path | Suite,
    asked: dict[str, Any],
) -> tuple[Entry, Ask, Task]:
    """What is evaluated, the question with its gaps filled, and the task that it is about."""
    entry = model if isinstance(model, Entry) else _entry_of(model)
    ask = _ask(suite if isinstance(suite, Suite) else suites.read(suite), asked)
    task = open_task(ask.suite, ask.images)
    return entry, checked(ask, task, entry), task


def _ask(suite: Suite, asked: dict[str, Any]) -> Ask:
    """The question as its keywords put it: a path may be text, a single level, budget or rule need not be a tuple."""
    unknown = sorted(set(asked) - set(Ask._fields))
    if unknown:
        raise UserError(f"evaluate takes no {', '.join(unknown)}; there are: {', '.join(Ask._fields[1:])}.")
    paths = {name: Path(asked[name]) for name in ("weights", "data", "images") if asked.get(name)}
    single = {name: (asked[name],) for name in _SEVERAL if isinstance(asked.get(name), str | Real)}
    ask = Ask(suite, **{**asked, **paths, **single})
    if ask.fresh_seed is not None:
        ask = ask._replace(suite=suite.model_copy(update={"seed": ask.fresh_seed}))
    return ask


def _headline(record: Record) -> str:
    """The mean over the hard levels at the declared answer; n/a for a run in part, failed for a failed one."""
    if record.status == "failed":
        return "failed"
    cells = [record.answer_cell(level) for level in record.task.headline]
    values = [cell.value for cell in cells if cell is not None]
    return show(record.task.metric, float(np.mean(values)) if len(values) == len(cells) else None)


def _entry_of(model: object) -> Entry:
    if isinstance(model, str | Path):
        return load_entry(model)
    if not callable(model):
        raise UserError(
            "evaluate takes the name of an entry, the path of a .py file or of its folder, an nn.Module, or a "
            f"function of an image; got {model!r} ({type(model).__name__})."
        )
    name = type(model).__name__ if isinstance(model, nn.Module) else getattr(model, "__name__", "model")
    return Entry(name=name.lower().strip("<>"), path=Path(), card=None, build=lambda task: model)


def _filed(run: Run, *, resume: bool) -> Filed:
    """The record of a run: the one that is there already, or one made now."""
    finished = run.folder / "record.json"
    resume = resume and bool(run.entry.sha256)  # of an object nobody knows whether it is still the same
    if finished.is_file() and resume:
        return Filed(read_record(finished), finished)
    if run.folder.is_dir() and not resume:
        _clear(run.folder)
    record = _made(run)
    write_record(record, finished)
    return Filed(record, finished)


def _clear(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def _made(run: Run) -> Record:
    """Train (where there is a recipe), score, and say all that was measured."""
    began = time.perf_counter()
    torch.manual_seed(seeded("init", run.seed))
    model = run.build()
    if run.chosen is None and not run.ask.weights:
        refuse_untrained(run.entry, model)
    first_thought.refuse_nonsense(run, model.eval())
    atomic.make_folder(run.folder)
    outcome, fast = learning.learn(run, model)
    failed = outcome.failure if outcome else None
    if run.ask.weights:
        load_weights(model, run.ask.weights)
    # From here on the weights are fixed and hashed: only now is any hard split drawn.
    weights = None if failed else _hashed(run, model)
    place(model, run.ask.device).eval()
    failed = failed or first_thought.fault(run, model, learnt=bool(outcome))
    tables = {} if failed else scoring.score(run, model, recording.ranking_answer(run, model))
    return Record(
        run_id=f"{run.entry.name}-{run.folder.name}",
        created_at=now(),
        status="failed" if failed else "ok",
        reason=failed,
        track=run.ask.track,
        task=recording.asked(run, tables),
        model=recording.answered(run, model, weights),
        train=recording.trained(run, outcome),
        cells=recording.cells(run, model, tables),
        samples=scoring.file_samples(run, tables),
        provenance=provenance.collect(
            device=run.ask.device,
            dtype="bfloat16 autocast" if fast.bfloat16 else "float32",
            batch_size=batch_size(run.task.shape(run.ask.levels[0])),
            seconds=time.perf_counter() - began,
        ),
    )


def _hashed(run: Run, model: Recurrent) -> Weights | None:
    """The weights that are scored, in a file of the run, and its hash; None for a model without any."""
    path = run.folder / "weights.safetensors"
    if not path.is_file() and has_weights(model):
        save_weights(model, path)
    return Weights(uri=path.name, sha256=sha256_of(path)) if path.is_file() else None
