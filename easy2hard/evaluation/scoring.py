"""The scores of a run: every test sample of every level, at every budget and exit rule, as one table a level.

A level's table is written as soon as it is complete; a run that was killed goes on with the next one.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from easy2hard import atomic, data
from easy2hard.evaluation.ask import batch_size, budgets_of, rows_of, rules_of
from easy2hard.evaluation.raised import told
from easy2hard.evaluation.run import Run
from easy2hard.models.recurrent import Recurrent
from easy2hard.progress import Step
from easy2hard.record import Samples
from easy2hard.score import LAST, NAN, Row, score_batch, score_exit
from easy2hard.tasks import I64, Batch
from easy2hard.weights import sha256_of


def score(run: Run, model: Recurrent, answer: str) -> dict[str, pa.Table]:
    """The table of each level; `answer` is the budget or exit rule that ranks, and is scored whatever is asked."""
    return {level: _score_level(run, model, level, answer) for level in run.ask.levels}


def file_samples(run: Run, tables: dict[str, pa.Table]) -> Samples | None:
    """Write the scores of all levels into one file beside the record; None where there are none."""
    if not tables:
        return None
    path = run.folder / "record.parquet"
    _write(pa.concat_tables([table.unify_dictionaries() for table in tables.values()]), path)
    return Samples(path=path.name, sha256=sha256_of(path))


def _score_level(run: Run, model: Recurrent, level: str, answer: str) -> pa.Table:
    path = run.folder / f"scores-{level}.parquet"
    if path.is_file():
        return pq.read_table(path)
    model.tell(level)
    rows, budgets = rows_of(run.ask, run.task, level), budgets_of(run.ask, level, model, answer)
    rules = rules_of(run.ask, run.task, model, answer)
    parts: list[pa.Table] = []
    for indices, x, target in _batches(run, level):
        with told(run.entry, f"on images {tuple(x.shape)} of level {level}"):
            scored = _score(run, model, x, target, budgets, rules)
        parts += [_table(level, indices, row) for row in scored]
        run.listen(Step(f"scoring level {level}", int(indices[-1]) + 1, rows, {}))
    table = pa.concat_tables(parts)
    _write(table, path)
    return table


def _batches(run: Run, level: str) -> Iterator[tuple[I64, Tensor, Tensor]]:
    """The test samples of a level, in order, drawn or read from files."""
    ask, task = run.ask, run.task
    rows, size = rows_of(ask, task, level), batch_size(task.shape(level))
    stored = data.load(run.suite, level, "test", data=ask.data, rows=rows) if ask.data else None
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


def _score(
    run: Run, model: Recurrent, x: Tensor, target: Tensor, budgets: Sequence[int], rules: Sequence[str]
) -> list[Row]:
    metrics, exit_ = run.suite.metrics, run.ask.exit
    if exit_ and model.max_iterations != 1:
        return [score_exit(model, run.task, x, target, budget=max(budgets), rule=exit_, metrics=metrics)]
    return score_batch(model, run.task, x, target, budgets=budgets, rules=rules, metrics=metrics)


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


def _write(table: pa.Table, path: Path) -> None:
    with atomic.replacing(path) as temporary:
        pq.write_table(table.unify_dictionaries(), temporary, compression="zstd", compression_level=9)
