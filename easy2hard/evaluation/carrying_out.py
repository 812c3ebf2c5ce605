"""One run from its beginning to its record: train, hash the weights, score every level."""

import time
from pathlib import Path

import torch

from easy2hard import atomic, provenance
from easy2hard.archive import Filed
from easy2hard.evaluation import first_thought, learning, recording, scoring
from easy2hard.evaluation.ask import batch_size
from easy2hard.evaluation.fit import refuse_untrained
from easy2hard.evaluation.run import Run
from easy2hard.models.recurrent import Recurrent, place
from easy2hard.record import Record, Weights, now, read as read_record, write as write_record
from easy2hard.train import seeded
from easy2hard.weights import has_weights, load_weights, save_weights, sha256_of


def carry_out(run: Run, *, resume: bool) -> Filed:
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
        if file.is_file():
            file.unlink()


def _made(run: Run) -> Record:
    """Train (where there is a recipe), score, and say all that was measured."""
    began = time.perf_counter()
    torch.manual_seed(seeded("init", run.seed))
    model = run.build()
    if run.chosen is None and not run.ask.weights:
        refuse_untrained(run.entry, model)
    first_thought.refuse_nonsense(run, model.eval())
    outcome, fast = learning.learn(run, model)
    failed = outcome.failure if outcome else None
    if run.ask.weights:
        load_weights(model, run.ask.weights)
    atomic.make_folder(run.folder)
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
