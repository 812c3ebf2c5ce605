"""What is asked of an entry: a suite, and how much of it; checked before anything is drawn."""

from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import NamedTuple, cast, get_args

from easy2hard import shelf, suite as suites
from easy2hard.entry import Entry
from easy2hard.errors import UserError
from easy2hard.models.recurrent import Recurrent
from easy2hard.score import LAST, applicable, missing, reachable
from easy2hard.suite import Suite, Track, canonical
from easy2hard.tasks import Task

_PIXELS_PER_BATCH = 250 * 32 * 32
_CEILING_LARGEST = {"maze": 17}  # a maze net cannot be trained at sizes beyond in any reasonable time


class Ask(NamedTuple):
    """What is asked of an entry; the defaults are the suite's own."""

    suite: Suite
    track: Track = "quick"
    recipe: str | None = None
    levels: tuple[str, ...] = ()  # empty: the suite's
    budgets: tuple[int, ...] = ()  # empty: the suite's at each level
    exits: tuple[str, ...] = ("agreement", "convergence", "halt", "max_confidence")  # those that apply
    exit: str | None = None  # one rule alone, finished samples leaving the batch
    limit: int | None = None
    weights: Path | None = None
    data: Path | None = None
    images: Path | None = None
    device: str = "cpu"
    fast: bool = False
    ceiling: str | None = None  # a hard level to train on, as a ceiling
    fresh_seed: int | None = None  # of the data, for a verification


def ceiling_levels(suite: Suite, wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """The hard levels on which a ceiling can be trained, of those wanted where some are; `UserError` for none."""
    largest = _CEILING_LARGEST.get(suite.task)
    able = tuple(level for level in suite.headline if largest is None or int(level) <= largest)
    named = {canonical(level) for level in wanted}
    chosen = tuple(level for level in able if not wanted or level in named)
    if wanted and not chosen:
        raise UserError(
            f"a ceiling of {suite.name} is trained at a hard level ({', '.join(able)}), and --levels names none of "
            f"them: {', '.join(wanted)}. Name one, or leave --ceiling out."
        )
    return chosen


def checked(ask: Ask, task: Task, entry: Entry) -> Ask:
    """The question with its gaps filled; `UserError` for what cannot be asked."""
    suite = ask.suite
    levels = tuple(task.normalise(level) for level in ask.levels) or suite.levels
    if ask.track not in get_args(Track):
        raise UserError(f"the track is {' or '.join(get_args(Track))}; got '{ask.track}'.")
    for metric in suite.metrics:
        _check_size(metric, suite, task, levels)
    for name in (*ask.exits, *([ask.exit] if ask.exit else [])):
        shelf.take("exits", name)
    if ask.limit is not None and ask.limit < 1:
        raise UserError(f"--limit must be at least 1; got {ask.limit}.")
    for budget in ask.budgets:
        if not isinstance(budget, Integral) or budget < 1:
            raise UserError(f"a budget is a whole number of iterations, at least 1; got {budget!r}.")
    if entry.card and entry.card.task != suite.task:
        raise UserError(
            f"{entry.name} is for the task {entry.card.task}; suite {suite.name} asks {suite.task}."
        )
    if entry.card and entry.card.suites and not any(_alike(name, suite) for name in entry.card.suites):
        raise UserError(
            f"{entry.name} is for the suites {', '.join(entry.card.suites)}, and others of the same noise; got "
            f"{suite.name}."
        )
    if ask.ceiling is not None:
        if not entry.recipes:
            raise UserError(
                f"{entry.name} has no recipe, so it cannot be trained at a hard level: no ceiling."
            )
        ask = ask._replace(ceiling=_checked_ceiling(ask.ceiling, suite, task))
        levels = (cast(str, ask.ceiling),)
    return ask._replace(levels=levels)


def _check_size(metric: str, suite: Suite, task: Task, levels: Sequence[str]) -> None:
    """Raise `UserError` for a metric that is not there, or whose window does not fit into the images of a level."""
    module = shelf.take("metrics", metric)
    least: int = getattr(module, "SMALLEST", 1)
    for height, width in map(task.shape, levels):
        if min(height, width) < least:
            change = f"drop {metric} from `metrics`, or " if metric != suite.metric else ""
            raise UserError(
                f"{module.TITLE} looks through a window of {least}x{least} pixels, and the images of suite "
                f"{suite.name} have {height}x{width}; {change}take a size of {least} or more."
            )


def _alike(name: str, suite: Suite) -> bool:
    """Whether a suite is the one called `name`, or asks the same task under the same noise, as a user's own may."""
    if name == suite.name:
        return True
    if name not in suites.names():
        return False
    named = suites.read(name)
    return (named.task, named.noise) == (suite.task, suite.noise)


def _checked_ceiling(level: str, suite: Suite, task: Task) -> str:
    level = task.normalise(level)
    largest = _CEILING_LARGEST.get(suite.task)
    if suite.kind(level) != "hard" or (largest and int(level) > largest):
        rule = "a hard level" + (f" up to size {largest}" if largest else "")
        raise UserError(f"a ceiling is trained on {rule}; got {level}.")
    return level


def batch_size(shape: tuple[int, int]) -> int:
    return int(max(1, min(500, _PIXELS_PER_BATCH // (shape[0] * shape[1]))))


def rows_of(ask: Ask, task: Task, level: str) -> int:
    rows = min(ask.suite.scored_rows(level, ask.track), ask.limit or 10**9)
    return min(rows, task.available("test") or rows)


def budgets_of(ask: Ask, level: str, model: Recurrent, declared: str) -> list[int]:
    """The budgets scored at a level: those asked or the suite's, and the one whose answer ranks.

    A model that can run none of them is scored at all the iterations that it has.
    """
    wanted = {
        *(ask.budgets or ask.suite.level_budgets(level)),
        *([int(declared)] if declared.isdigit() else []),
    }
    return reachable(model, sorted(wanted)) or [cast(int, model.max_iterations)]


def rules_of(ask: Ask, task: Task, model: Recurrent, declared: str) -> list[str]:
    """The exit rules scored: those asked and the one whose answer ranks; for a single thought none."""
    if model.max_iterations == 1:
        return [LAST]
    also = [declared] if declared in shelf.names("exits") else []
    return applicable(list(dict.fromkeys([LAST, *ask.exits, *also])), task, model)


def refuse_rule(rule: str, entry: Entry, suite: Suite, task: Task, model: Recurrent) -> None:
    """Raise `UserError` for an exit rule that is asked for, or declared, and that the model's thoughts cannot follow.

    A single thought is its own answer, whatever the rule.
    """
    if rule not in shelf.names("exits") or model.max_iterations == 1:
        return
    reasons = {
        "certainty": f"answers that say how sure they are; those of {suite.name} do not",
        "halting": f"a model that says when it is done, by halt(state, x); {entry.name} has none",
    }
    rules = ", ".join(applicable(shelf.names("exits"), task, model))
    for need in missing(rule, task, model):
        raise UserError(f"the exit rule {rule} needs {reasons[need]}. Rules that apply here: {rules}.")
