"""How a run learns: by the loop of the harness, or by the entry's own training; and what that costs here."""

import json
from collections.abc import Sequence

from easy2hard import atomic
from easy2hard.evaluation.first_thought import refuse_nonsense
from easy2hard.evaluation.fit import fit, own_training, refuse_untrained
from easy2hard.evaluation.probe import probe, seconds_per_step
from easy2hard.evaluation.raised import told
from easy2hard.evaluation.run import Run
from easy2hard.models.recurrent import Recurrent
from easy2hard.plan import training_steps
from easy2hard.progress import Step
from easy2hard.train import Fast, Outcome, train, trainable


def learn(run: Run, model: Recurrent) -> tuple[Outcome | None, Fast]:
    """Train `model` on the easy levels, from a checkpoint where an earlier part of this run left one.

    What came of it, None where nothing is trained here, and what makes it fast.
    """
    if not run.learns:
        return None, Fast()
    if own := own_training(run.entry, model, run.spec, run.seed):
        atomic.make_folder(run.folder)
        return fit(own, run, model), Fast()
    trainable(model)
    fast = _probed(run) if run.ask.fast else Fast()
    if not _finished(run):
        _say_cost(run, fast)
    atomic.make_folder(run.folder)  # no earlier: a recipe that is refused leaves nothing behind
    with told(run.entry, f"while it was trained at level {', '.join(run.train_levels)}"):
        outcome = train(
            model,
            run.task,
            run.suite,
            run.recipe,
            seed=run.seed,
            folder=run.folder,
            levels=run.train_levels,
            device=run.ask.device,
            fast=fast,
            listen=run.listen,
        )
    return outcome, fast


def foretell(runs: Sequence[Run]) -> tuple[int, float | None]:
    """How many trainings these runs of one entry would begin, and the seconds that they take; None where unknown."""
    one = runs[0]
    model = one.build()
    if one.chosen is None and not one.ask.weights:
        refuse_untrained(one.entry, model)
    refuse_nonsense(one, model.eval())
    if not one.learns:
        return 0, 0.0
    trainings = sum(not _finished(run) for run in runs)
    if not trainings:
        return 0, 0.0
    if own_training(one.entry, model, one.spec, seed=0):
        return trainings, None
    per_step, steps = _cost(one, Fast())
    return trainings, trainings * per_step * steps


def _finished(run: Run) -> bool:
    return (run.folder / "trained.json").is_file()


def _probed(run: Run) -> Fast:
    """What pays on this machine; a run that goes on keeps to what it found when it began."""
    noted = run.folder / "fast.json"
    if noted.is_file():
        return Fast(**json.loads(noted.read_text()))
    fast, times = probe(run)
    run.listen(Step("probing what is fast here", 1, 1, times))
    atomic.make_folder(run.folder)
    atomic.write_text(noted, json.dumps(fast._asdict()) + "\n")
    return fast


def _say_cost(run: Run, fast: Fast) -> None:
    """Say what the whole training will take."""
    per_step, steps = _cost(run, fast)
    seconds = per_step * steps
    how_long = f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
    note = (
        f"seed {run.seed}: training at level {', '.join(run.train_levels)}, {steps:,} steps of "
        f"{run.recipe.batch_size} samples, about {how_long} on {run.ask.device}"
    )
    run.listen(Step("training", 0, steps, {}, note))


def _cost(run: Run, fast: Fast) -> tuple[float, int]:
    """The seconds of a step, timed on a throw-away model, and how many there are."""
    with told(run.entry, f"in its first steps of training at level {', '.join(run.train_levels)}"):
        per_step = seconds_per_step(run, fast)
    return per_step, training_steps(run.task, run.suite, run.recipe, run.train_levels)
