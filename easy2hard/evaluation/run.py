"""One run: an entry, a question, a recipe and a training seed, and the folder where it leaves its files.

The folder's name holds a hash of all that determines the result, so that nothing made by other code or another recipe
is taken up.
"""

import json
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from easy2hard import provenance
from easy2hard.entry import Entry, TaskSpec
from easy2hard.errors import UserError
from easy2hard.evaluation.ask import Ask, refuse_rule
from easy2hard.evaluation.raised import check_it
from easy2hard.losses import stamps
from easy2hard.models.recurrent import Recurrent, adapt
from easy2hard.progress import Listener, silent
from easy2hard.recipe import Recipe
from easy2hard.suite import Suite
from easy2hard.tasks import Task
from easy2hard.version import VERSION
from easy2hard.weights import sha256_of

Chosen = tuple[str, Recipe] | None  # a recipe and its name; None for what does not learn


class Run(NamedTuple):
    """What all parts of a run share."""

    entry: Entry
    ask: Ask
    task: Task
    chosen: Chosen
    seed: int
    folder: Path
    listen: Listener

    @classmethod
    def of(cls, entry: Entry, ask: Ask, task: Task, seed: int, out: Path, listen: Listener = silent) -> "Run":
        """The run of an entry with one training seed, somewhere under `out`; the question is a checked one."""
        chosen = entry.recipe(ask.recipe)
        ceiling = f"-ceiling-{ask.ceiling}" if ask.ceiling else ""
        name = f"{ask.suite.name}-{ask.track}{ceiling}-s{seed}-{_key(entry, ask, chosen, seed)}"
        return cls(entry, ask, task, chosen, seed, out / entry.name / name, listen)

    @property
    def suite(self) -> Suite:
        """The suite that is asked."""
        return self.ask.suite

    @property
    def learns(self) -> bool:
        """Whether it is trained here: it has a recipe, and no weights were given."""
        return self.chosen is not None and not self.ask.weights

    @property
    def recipe(self) -> Recipe:
        """The recipe by which it is trained, where it `learns`."""
        assert self.chosen is not None, "a run that does not learn has no recipe"
        return self.chosen[1]

    @property
    def train_levels(self) -> tuple[str, ...]:
        """The levels that its training sees: the easy ones, or the hard one of a ceiling."""
        return (self.ask.ceiling,) if self.ask.ceiling else self.suite.easy

    @property
    def spec(self) -> TaskSpec:
        """What the entry is told of the task."""
        return TaskSpec(self.task.name, self.task.in_channels, self.task.out_channels, self.suite.name)

    @property
    def answer(self) -> str:
        """The answer that ranks: the rule asked for alone, or the recipe's own, or the suite's."""
        own = self.chosen[1].answer_on(self.suite.name, self.suite.answer) if self.chosen else None
        return self.ask.exit or own or str(self.suite.answer)

    def build(self) -> Recurrent:
        """A new model, untrained; `UserError` where the entry's `build` fails, or its thoughts cannot be judged so."""
        model = self._built()
        refuse_rule(self.answer, self.entry, self.suite, self.task, model)
        return model

    def _built(self) -> Recurrent:
        try:
            return adapt(self.entry.build(self.spec), self.entry.needs)
        except UserError:
            raise
        except Exception as error:
            said = f"{type(error).__name__}: {str(error).rstrip('.')}"
            raise UserError(
                f"{self.entry.name}: build(task) failed: {said}; {check_it(self.entry)}."
            ) from error


def _key(entry: Entry, ask: Ask, chosen: Chosen, seed: int) -> str:
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


def loss_stamps(recipe: Recipe) -> dict[str, str]:
    """What outside a recipe decides its losses, such as the weights of a network that one of them looks through."""
    return stamps({name: recipe.options.get(name, {}) for name, weight in recipe.losses.items() if weight})
