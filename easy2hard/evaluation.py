"""An entry on a suite: train or load, hash the weights, score every level, write the record.

Everything lands in `runs/<entry>/<suite>-…/` as soon as it is known: the checkpoint while training, then the scores of
each level. A run that was killed goes on from there; the folder's name holds a hash of all that determines the
result, so that nothing made by other code or another recipe is taken up.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor, nn

from easy2hard import atomic, data, provenance, suite as suites
from easy2hard.archive import Filed
from easy2hard.ask import Ask, batch_size, budgets_of, checked, rows_of, rules_of
from easy2hard.entry import Entry, Recipe, TaskSpec, load as load_entry
from easy2hard.errors import UserError
from easy2hard.fit import fit, own_training, refuse_untrained
from easy2hard.models.recurrent import Recurrent, adapt, place
from easy2hard.probe import probe, seconds_per_step
from easy2hard.progress import Listener, Step, silent
from easy2hard.raised import check_it, named, told
from easy2hard.record import Record, Samples, Weights, now, read as read_record, write as write_record
from easy2hard.recording import answered, asked, cells, declared, loss_stamps, train_iterations, trained
from easy2hard.score import LAST, NAN, Row, checked as checked_answer, score_batch, score_exit
from easy2hard.suite import Suite
from easy2hard.tasks import I64, Batch, Task, open_task
from easy2hard.train import Fast, Outcome, seeded, train, trainable, training_steps
from easy2hard.units import label, show
from easy2hard.version import VERSION
from easy2hard.weights import has_weights, load_weights, save_weights, sha256_of

_SEVERAL = ("levels", "budgets", "exits")  # of an Ask
_LOOKED_AT = 4  # easy samples on which a model must answer with numbers before it is scored


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
        return Evaluation(tuple(_run(entry, ask, task, seed, Path(out), resume, listen) for seed in seeds))


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
        return _foretold(entry, ask, task, seeds, Path(out))


def _foretold(
    entry: Entry, ask: Ask, task: Task, seeds: Sequence[int], out: Path
) -> tuple[int, float | None]:
    chosen = entry.recipe(ask.recipe)
    if chosen is None or ask.weights:
        if not ask.weights:
            refuse_untrained(entry, _build(entry, task, ask.suite))
        return 0, 0.0
    folders = [_folder(entry, ask, chosen, seed, out) for seed in seeds]
    trainings = sum(not (folder / "trained.json").is_file() for folder in folders)
    if not trainings:
        return 0, 0.0
    if own_training(entry, _build(entry, task, ask.suite), _spec(task, ask.suite), seed=0):
        return trainings, None
    per_step, steps = _cost(entry, ask, task, chosen[1], _train_levels(ask), Fast())
    return trainings, trainings * per_step * steps


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


def _run(entry: Entry, ask: Ask, task: Task, seed: int, out: Path, resume: bool, listen: Listener) -> Filed:
    """Train (where there is a recipe), score, and write the record of one seed."""
    chosen = entry.recipe(ask.recipe)
    folder = _folder(entry, ask, chosen, seed, out)
    finished = folder / "record.json"
    resume = resume and bool(entry.sha256)  # of an object nobody knows whether it is still the same
    if finished.is_file() and resume:
        return Filed(read_record(finished), finished)
    if folder.is_dir() and not resume:
        _clear(folder)
    began = time.perf_counter()
    torch.manual_seed(seeded("init", seed))
    model = _build(entry, task, ask.suite)
    if chosen is None and not ask.weights:
        refuse_untrained(entry, model)
    # Before it trains for hours: an answer of another form, or of NaN, is refused here.
    _check_first_thought(entry, model.eval(), ask, task)
    outcome, fast = _train(model, entry, ask, task, None if ask.weights else chosen, seed, folder, listen)
    failed = outcome.failure if outcome else None
    if ask.weights:
        load_weights(model, ask.weights)
    if not failed and not (folder / "weights.safetensors").is_file() and has_weights(model):
        save_weights(model, folder / "weights.safetensors")
    # From here on the weights are fixed and hashed: only now is any hard split drawn.
    weights = _weights(folder)
    place(model, ask.device).eval()
    failed = failed or _fault(entry, model, ask, task, learnt=bool(outcome))
    answer = declared(ask, chosen)
    answer = str(train_iterations(model, chosen) or 1) if answer == "train" else answer
    tables = {
        level: _score_level(entry, model, ask, task, level, answer, folder, listen)
        for level in (() if failed else ask.levels)
    }
    record = Record(
        run_id=f"{entry.name}-{folder.name}",
        created_at=now(),
        status="failed" if failed else "ok",
        reason=failed,
        track=ask.track,
        task=asked(ask, task, chosen, tables),
        model=answered(entry, ask, model, chosen, weights, task),
        train=trained(ask, seed, outcome, chosen, folder),
        cells=tuple(cell for level, table in tables.items() for cell in cells(level, table, model, task)),
        samples=_samples(folder, tables),
        provenance=provenance.collect(
            device=ask.device,
            dtype="bfloat16 autocast" if fast.bfloat16 else "float32",
            batch_size=batch_size(task.shape(ask.levels[0])),
            seconds=time.perf_counter() - began,
        ),
    )
    write_record(record, finished)
    return Filed(record, finished)


def _folder(entry: Entry, ask: Ask, chosen: tuple[str, Recipe] | None, seed: int, out: Path) -> Path:
    """Where a run leaves its files."""
    ceiling = f"-ceiling-{ask.ceiling}" if ask.ceiling else ""
    key = _key(entry, ask, chosen, seed)
    return out / entry.name / f"{ask.suite.name}-{ask.track}{ceiling}-s{seed}-{key}"


def _train_levels(ask: Ask) -> tuple[str, ...]:
    return (ask.ceiling,) if ask.ceiling else ask.suite.easy


def _key(entry: Entry, ask: Ask, chosen: tuple[str, Recipe] | None, seed: int) -> str:
    """A hash of what determines the outcome of a run."""
    content = {
        "easy2hard": VERSION,
        "code": [entry.sha256, provenance.code_digest(entry.path)],
        "recipe": chosen[1].model_dump(mode="json") if chosen else None,
        "losses": loss_stamps(chosen[1]) if chosen and not ask.weights else None,
        "suite": [ask.suite.model_dump(mode="json"), ask.suite.definition_digest],
        "weights": sha256_of(ask.weights) if ask.weights and ask.weights.is_file() else None,
        "ask": [str(part) for part in ask[1:]],
        "seed": seed,
    }
    return blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=4).hexdigest()


def _clear(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def _spec(task: Task, suite: Suite) -> TaskSpec:
    return TaskSpec(task.name, task.in_channels, task.out_channels, suite.name)


def _build(entry: Entry, task: Task, suite: Suite) -> Recurrent:
    spec = _spec(task, suite)
    try:
        return adapt(entry.build(spec), entry.needs)
    except UserError:
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {str(error).rstrip('.')}"
        raise UserError(f"{entry.name}: build(task) failed: {said}; {check_it(entry)}.") from error


def _train(
    model: Recurrent,
    entry: Entry,
    ask: Ask,
    task: Task,
    chosen: tuple[str, Recipe] | None,
    seed: int,
    folder: Path,
    listen: Listener,
) -> tuple[Outcome | None, Fast]:
    atomic.make_folder(folder)
    if chosen is None:
        return None, Fast()
    _, recipe = chosen
    levels = _train_levels(ask)
    if own := own_training(entry, model, _spec(task, ask.suite), seed):
        outcome = fit(
            own,
            entry,
            model,
            task,
            ask.suite,
            recipe,
            seed=seed,
            folder=folder,
            levels=levels,
            device=ask.device,
            listen=listen,
        )
        return outcome, Fast()
    trainable(model)
    fast = Fast()
    if ask.fast:
        fast = _probed(entry, ask, task, recipe, levels, folder, listen)
    if not (folder / "trained.json").is_file():
        _say_cost(entry, ask, task, recipe, fast, seed, levels, listen)
    with told(entry, f"while it was trained at level {', '.join(levels)}"):
        outcome = train(
            model,
            task,
            ask.suite,
            recipe,
            seed=seed,
            folder=folder,
            levels=levels,
            device=ask.device,
            fast=fast,
            listen=listen,
        )
    return outcome, fast


def _probed(
    entry: Entry,
    ask: Ask,
    task: Task,
    recipe: Recipe,
    levels: tuple[str, ...],
    folder: Path,
    listen: Listener,
) -> Fast:
    """What pays on this machine; a run that goes on keeps to what it found when it began."""
    noted = folder / "fast.json"
    if noted.is_file():
        return Fast(**json.loads(noted.read_text()))
    fast, times = probe(lambda: _build(entry, task, ask.suite), task, ask.suite, levels, recipe, ask.device)
    listen(Step("probing what is fast here", 1, 1, times))
    atomic.write_text(noted, json.dumps(fast._asdict()) + "\n")
    return fast


def _say_cost(
    entry: Entry,
    ask: Ask,
    task: Task,
    recipe: Recipe,
    fast: Fast,
    seed: int,
    levels: tuple[str, ...],
    listen: Listener,
) -> None:
    """Say what the whole training will take."""
    per_step, steps = _cost(entry, ask, task, recipe, levels, fast)
    seconds = per_step * steps
    how_long = f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
    note = (
        f"seed {seed}: training at level {', '.join(levels)}, {steps:,} steps of {recipe.batch_size} samples, "
        f"about {how_long} on {ask.device}"
    )
    listen(Step("training", 0, steps, {}, note))


def _cost(
    entry: Entry, ask: Ask, task: Task, recipe: Recipe, levels: tuple[str, ...], fast: Fast
) -> tuple[float, int]:
    """The seconds of a step, timed on a throw-away model, and how many there are."""
    with told(entry, f"in its first steps of training at level {', '.join(levels)}"):
        per_step = seconds_per_step(
            lambda: _build(entry, task, ask.suite), task, ask.suite, levels, recipe, ask.device, fast
        )
    return per_step, training_steps(task, ask.suite, recipe, levels)


@torch.inference_mode()
def _first_thought(entry: Entry, model: Recurrent, ask: Ask, task: Task, device: str) -> Tensor:
    """The first thought on a few easy validation images; `UserError` for one of another shape or dtype."""
    level = ask.ceiling or ask.suite.easy[0]
    model.tell(level)
    images, _ = task.tensors(task.draw("validation", level, np.arange(_LOOKED_AT, dtype=np.int64)))
    x = images.to(device, memory_format=torch.channels_last)
    with told(entry, f"on images {tuple(x.shape)}", always=True):
        return checked_answer(model(x, 1), task, x)


def _check_first_thought(entry: Entry, model: Recurrent, ask: Ask, task: Task) -> None:
    if bool(_first_thought(entry, model, ask, task, "cpu").isnan().any()) and not ask.weights:
        raise UserError(
            f"{entry.name} answers with NaN before it is trained; look at divisions and the initialisation, and "
            f"{check_it(entry)}."
        )


def _fault(entry: Entry, model: Recurrent, ask: Ask, task: Task, *, learnt: bool) -> str | None:
    """What is wrong with a model whose first thought at the easy level is not a number: its training failed.

    Raises `UserError` where it was not trained here. No test sample is looked at.
    """
    if bool(torch.isfinite(_first_thought(entry, model, ask, task, ask.device)).all()):
        return None
    fault = f"{entry.name} answers with NaN or infinity at level {ask.ceiling or ask.suite.easy[0]}"
    if not learnt:
        raise UserError(f"{fault}; look at divisions and the weights, and {check_it(entry)}.")
    return f"after its training {fault}"


def _weights(folder: Path) -> Weights | None:
    path = folder / "weights.safetensors"
    return Weights(uri=path.name, sha256=sha256_of(path)) if path.is_file() else None


def _batches(ask: Ask, task: Task, level: str) -> Iterator[tuple[I64, Tensor, Tensor]]:
    """The test samples of a level, in order, drawn or read from files."""
    rows, size = rows_of(ask, task, level), batch_size(task.shape(level))
    stored = data.load(ask.suite, level, "test", data=ask.data, rows=rows) if ask.data else None
    for start in range(0, rows, size):
        indices = np.arange(start, min(start + size, rows), dtype=np.int64)
        batch = _slice(stored, indices) if stored else task.draw("test", level, indices)
        x, target = task.tensors(batch)
        yield indices, x.to(ask.device, memory_format=torch.channels_last), target.to(ask.device)


def _slice(stored: data.Samples, indices: I64) -> Batch:
    """Samples read from files, in the form in which a task draws them."""
    images, targets = stored.input[indices], stored.target[indices]
    if targets.ndim == 4:
        targets = targets.permute(0, 2, 3, 1)
    return Batch(images.permute(0, 2, 3, 1).numpy(), targets.numpy(), {})


def _score_level(
    entry: Entry,
    model: Recurrent,
    ask: Ask,
    task: Task,
    level: str,
    answer: str,
    folder: Path,
    listen: Listener,
) -> pa.Table:
    """The scores of every sample of a level, from the file of an earlier part of this run where there is one."""
    path = folder / f"scores-{level}.parquet"
    if path.is_file():
        return pq.read_table(path)
    model.tell(level)
    rows, budgets = rows_of(ask, task, level), budgets_of(ask, level, model, answer)
    rules = rules_of(ask, task, model, answer)
    parts: list[pa.Table] = []
    for indices, x, target in _batches(ask, task, level):
        with told(entry, f"on images {tuple(x.shape)} of level {level}"):
            scored = _score(model, ask, task, x, target, budgets, rules)
        parts += [_table(level, indices, row) for row in scored]
        done = int(indices[-1]) + 1
        listen(Step(f"scoring level {level}", done, rows, {}))
    table = pa.concat_tables(parts)
    _write_scores(table, path)
    return table


def _score(
    model: Recurrent,
    ask: Ask,
    task: Task,
    x: Tensor,
    target: Tensor,
    budgets: Sequence[int],
    rules: Sequence[str],
) -> list[Row]:
    metrics = ask.suite.metrics
    if ask.exit and model.max_iterations != 1:
        return [score_exit(model, task, x, target, budget=max(budgets), rule=ask.exit, metrics=metrics)]
    return score_batch(model, task, x, target, budgets=budgets, rules=rules, metrics=metrics)


def _table(level: str, indices: I64, row: Row) -> pa.Table:
    n = len(indices)
    columns: dict[str, Any] = {
        "level": pa.array([level] * n).dictionary_encode(),
        "index": pa.array(indices),
        "rule": pa.array(["" if row.rule == LAST else row.rule] * n).dictionary_encode(),
        "budget": pa.array(np.full(n, row.budget, np.int32)),
        "iterations": pa.array(row.iterations),
    }
    columns |= {metric: pa.array(values) for metric, values in row.scores.items() if metric != NAN}
    columns[NAN] = pa.array(row.scores[NAN] > 0)
    return pa.table(columns)


def _write_scores(table: pa.Table, path: Path) -> None:
    with atomic.replacing(path) as temporary:
        pq.write_table(table.unify_dictionaries(), temporary, compression="zstd", compression_level=9)


def _samples(folder: Path, tables: dict[str, pa.Table]) -> Samples | None:
    if not tables:
        return None
    path = folder / "record.parquet"
    _write_scores(pa.concat_tables([table.unify_dictionaries() for table in tables.values()]), path)
    return Samples(path=path.name, sha256=sha256_of(path))
