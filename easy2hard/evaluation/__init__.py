"""An entry on a suite: train or load, hash the weights, score every level, write the record.

Everything lands in `runs/<entry>/<suite>-…/` as soon as it is known: the checkpoint while training, then the scores of
each level. A run that was killed goes on from there.
"""

from collections.abc import Callable, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

from torch import nn

from easy2hard import suite as suites
from easy2hard.entry import Entry, load as load_entry
from easy2hard.errors import UserError
from easy2hard.evaluation.ask import Ask, checked
from easy2hard.evaluation.carrying_out import carry_out
from easy2hard.evaluation.learning import foretell as foretold
from easy2hard.evaluation.raised import named
from easy2hard.evaluation.result import Evaluation
from easy2hard.evaluation.run import Run
from easy2hard.progress import Listener, silent
from easy2hard.suite import Suite
from easy2hard.tasks import Task, open_task

__all__ = ["Evaluation", "evaluate", "foretell"]

_SEVERAL = ("levels", "budgets", "exits")  # of an Ask


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
        return Evaluation(tuple(carry_out(run, resume=resume) for run in runs))


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
        return foretold([Run.of(entry, ask, task, seed, Path(out)) for seed in seeds])


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
