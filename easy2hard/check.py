"""Does a model keep the contract? Each check says what to change where it does not."""

import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from easy2hard import macs, suite as suites
from easy2hard.data import check_pairs
from easy2hard.entry import Entry, TaskSpec
from easy2hard.errors import UserError
from easy2hard.evaluation.fit import Batches, Own, check_recipe, own_training
from easy2hard.models.recurrent import Recurrent, adapt, map_state
from easy2hard.plan import Plan
from easy2hard.progress import silent
from easy2hard.recipe import Recipe
from easy2hard.suite import Suite
from easy2hard.tasks import Task, open_task
from easy2hard.train import total_loss, trainable
from easy2hard.weights import has_weights, load_weights, save_weights

_TOLERANCE = 1e-4
_ROWS = 4
_LOSS_DRAWS = 20
_LEFT_OUT = "The other checks wait until this is mended."
_MOST_ITERATIONS = 3  # enough to see a fault, and quick


class Finding(NamedTuple):
    """The outcome of one check."""

    name: str
    passed: bool
    detail: str  # what was seen; for a failed check, what to change


class _Case(NamedTuple):
    """What every check looks at."""

    build: Callable[..., Recurrent]  # of a seed, 0 where none is given
    task: Task
    suite: Suite
    spec: TaskSpec
    level: str
    x: Tensor
    target: Tensor
    second: Callable[[], Tensor]  # draws the noise of x once more
    recipe: Recipe | None
    entry: Entry


def check(entry: Entry, suite: Suite | None = None) -> Iterator[Finding]:
    """Run all checks of an entry on samples of `suite`, by default the first that its card names, or its task's.

    Where it does not build, or does not answer with numbers of the right shape, the checks after that are left out:
    what they would say has the same cause.
    """
    suite = suite or _suite_of(entry)
    case = _case(entry, suite)
    try:
        model = case.build()
    except UserError as error:
        yield Finding("builds", False, f"{error} {_LEFT_OUT}")
        return
    yield Finding("builds", True, f"{macs.parameters(model)[0]:,} parameters")
    for name, test in _CHECKS.items():
        finding = _found(name, test, case)
        if test is _shapes and not finding.passed:
            yield finding._replace(detail=f"{finding.detail} {_LEFT_OUT}")
            return
        yield finding


def _found(name: str, test: Callable[[_Case], str], case: _Case) -> Finding:
    try:
        return Finding(name, True, test(case))
    except (_Broken, UserError) as broken:
        return Finding(name, False, str(broken))
    except Exception as error:
        said = " ".join(str(error).split())[:300].rstrip(".")
        return Finding(name, False, f"it raised {type(error).__name__}{f': {said}' if said else ''}.")


def _suite_of(entry: Entry) -> Suite:
    card = entry.card
    if card and card.suites:
        return suites.read(card.suites[0])
    return suites.read("maze" if card and card.task == "maze" else "sp")


class _Broken(Exception):
    """A check failed; the message says what to change."""


def _case(entry: Entry, suite: Suite) -> _Case:
    task = open_task(suite)
    spec = TaskSpec(task.name, task.in_channels, task.out_channels, suite.name)

    def build(seed: int = 0) -> Recurrent:
        torch.manual_seed(seed)
        try:
            model = adapt(entry.build(spec), entry.needs).eval()
        except UserError:
            raise
        except Exception as error:
            said = str(error).rstrip(".")
            raise UserError(f"build(task) failed: {type(error).__name__}: {said}.") from error
        model.tell(suite.easy[0])
        return model

    x, target = task.tensors(task.draw("train", suite.easy[0], np.arange(_ROWS, dtype=np.int64)))

    def second() -> Tensor:
        check_pairs(task, suite, suite.easy[0])
        return task.tensors(task.draw("train", suite.easy[0], np.arange(_ROWS, dtype=np.int64), 1))[0]

    chosen = entry.recipe(None)
    return _Case(
        build, task, suite, spec, suite.easy[0], x, target, second, chosen[1] if chosen else None, entry
    )


def _iterations(model: Recurrent) -> int:
    return min(_MOST_ITERATIONS, model.max_iterations or _MOST_ITERATIONS)


@torch.no_grad()
def _answer(model: Recurrent, x: Tensor) -> Tensor:
    answer = model(x.clone(), _iterations(model))
    if not isinstance(answer, Tensor):
        raise _Broken(f"an answer is one tensor; got a {type(answer).__name__}.")
    return answer


def _input_untouched(case: _Case) -> str:
    model, x = case.build(), case.x.clone()
    with torch.no_grad():
        model(x, _iterations(model))
    if not torch.equal(x, case.x):
        raise _Broken("the model writes into its input; work on a copy.")
    return ""


def _shapes(case: _Case) -> str:
    model = case.build()
    taller = torch.cat([case.x, case.x[:, :, :16]], dim=2)
    for x in (case.x, taller):
        answer = _answer(model, x)
        expected = (len(x), case.task.out_channels, *x.shape[-2:])
        if tuple(answer.shape) != expected:
            raise _Broken(
                f"images {tuple(x.shape)} must give answers {expected}, got {tuple(answer.shape)}; "
                "any height and width must work."
            )
        if not answer.dtype.is_floating_point:
            raise _Broken(f"answers must be floating point, got {answer.dtype}; return scores, not classes.")
        if not torch.isfinite(answer).all():
            raise _Broken(
                "the answer holds NaN or infinity on the first batch; look at divisions and the initialisation."
            )
    return f"{tuple(case.x.shape[-2:])} and {tuple(taller.shape[-2:])}"


def _determinism(case: _Case) -> str:
    first, second = case.build(), case.build()
    for (name, a), b in zip(first.state_dict().items(), second.state_dict().values(), strict=True):
        if not torch.equal(a, b):
            raise _Broken(
                f"building twice from one seed gives two different '{name}'; draw it with torch's generator."
            )
    if not torch.equal(_answer(first, case.x), _answer(second, case.x)):
        raise _Broken(
            "building twice gives two different answers; let all random numbers follow from a seed."
        )
    if not torch.equal(_answer(first, case.x), _answer(first, case.x)):
        raise _Broken("the same input gives two different answers in evaluation mode; remove the randomness.")
    return ""


def _no_hidden_state(case: _Case) -> str:
    """Two passes in turn must not feel each other, and a thought read out must not change the next."""
    model = case.build()
    iterations = _iterations(model)
    with torch.no_grad():
        plain = _answer(model, case.x)
        images = [case.x.clone(), case.x.flip(0)]
        states, seen = [model.encode(x) for x in images], [model.recall(x) for x in images]
        for t in range(iterations):
            for side in (0, 1):
                states[side] = model.step(states[side], seen[side], t)
            kept = map_state(states[0], torch.clone)
            model.decode(states[0], images[0])
            if not _equal(kept, states[0]):
                raise _Broken("decode changes the state in place; work on a copy.")
        stepped = model.decode(states[0], images[0])
    if not torch.allclose(plain, stepped, atol=_TOLERANCE):
        raise _Broken(
            "stepping by hand differs from one run of the loop: keep all that changes in `state`, nothing in self."
        )
    return f"{iterations} iterations"


def _equal(a: object, b: object) -> bool:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return torch.equal(a, b)
    if isinstance(a, tuple) and isinstance(b, tuple):
        return all(_equal(x, y) for x, y in zip(a, b, strict=True))
    raise _Broken(f"a state is a tensor or a tuple of tensors; got {type(b).__name__}.")


@torch.no_grad()
def _halting(case: _Case) -> str:
    """What a model says of being done, where it does, is a chance of each sample's own, and never falls."""
    model = case.build()
    if not model.halts:
        return "it does not say when it is done"
    state, seen, before = model.encode(case.x.clone()), model.recall(case.x), torch.zeros(_ROWS)
    for t in range(_iterations(model)):
        state = model.step(state, seen, t)
        chance, again = _chance(model, state, case.x), _chance(model, state, case.x)
        if not torch.isfinite(chance).all():
            raise _Broken(
                "halt(state, x) gives NaN on the first batch; look at divisions and the initialisation."
            )
        if not torch.equal(chance, again):
            raise _Broken("halt(state, x) gives two different chances for one state; let it change nothing.")
        if bool((chance < before - _TOLERANCE).any()):
            worst = int((before - chance).argmax())
            raise _Broken(
                f"halt(state, x) falls from {before[worst]:.3g} to {chance[worst]:.3g} at iteration {t + 1}: it is the "
                "chance of having stopped by now, over all iterations so far. Carry the chance of still going on in "
                "the state: times 1 - lambda in each step."
            )
        before = chance
    alone = _chance(model, map_state(state, lambda part: part[:1]), case.x[:1])
    if float((alone - before[:1]).abs()) > _TOLERANCE:
        raise _Broken("what halt(state, x) says of a sample depends on its company; judge each by itself.")
    return f"chances from {before.min():.2g} to {before.max():.2g} after {_iterations(model)} iterations"


def _chance(model: Recurrent, state: Any, x: Tensor) -> Tensor:
    chance = model.halting(state, x)
    if chance is None:
        raise _Broken("halt(state, x) returns None; return a chance for each sample, or leave halt out.")
    return chance.float()


def _batch_independence(case: _Case) -> str:
    model = case.build()
    together, alone = _answer(model, case.x)[:1], _answer(model, case.x[:1])
    gap = float((together - alone).abs().max())
    if gap > _TOLERANCE:
        raise _Broken(
            f"a sample's answer depends on its company (by {gap:.2g}); take no statistics over the batch in evaluation."
        )
    return f"largest difference {gap:.1g}"


def _gradients(case: _Case) -> str:
    model = case.build().train()
    learns = any(p.requires_grad for p in model.parameters())
    recipe = case.recipe or (Recipe() if learns else None)
    if recipe is None:
        return "nothing to train"
    if own := own_training(case.entry, model, case.spec, seed=0):
        return _own_training(case, own, model, recipe)
    trainable(model)
    iterations = min(
        recipe.train_iterations, model.max_iterations or _MOST_ITERATIONS
    )  # every stage there is
    recipe = recipe.model_copy(update={"train_iterations": iterations, "horizon": iterations})
    for step in range(_LOSS_DRAWS):  # a loss that draws its iterations may miss a part in any one step
        chance = random.Random(step)
        loss = total_loss(model, case.task, recipe, case.x, case.target, chance, case.second)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        if all(p.grad is not None for p in model.parameters() if p.requires_grad):
            break
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    without = [name for name, p in trained if p.grad is None]
    if without:
        raise _Broken(
            f"no gradient reaches {', '.join(without[:5])}; use them, or set requires_grad to False."
        )
    infinite = [name for name, p in trained if p.grad is not None and not torch.isfinite(p.grad).all()]
    if infinite:
        raise _Broken(f"the gradient of {', '.join(infinite[:5])} is not finite.")
    return f"{len(trained)} tensors" + ("" if case.recipe else "; no recipe yet, so by the default Recipe()")


def _own_training(case: _Case, own: Own, model: Recurrent, recipe: Recipe) -> str:
    """Two small batches, twice: an entry's own training keeps to the seed and leaves numbers."""
    check_recipe(case.entry, recipe)
    other = case.build().train()
    again = own_training(case.entry, other, case.spec, seed=0)
    assert again is not None  # the same entry, built anew
    own(_lessons(case, model, recipe))
    again(_lessons(case, other, recipe))
    first, second = (_answer(trained.eval(), case.x) for trained in (model, other))
    if not torch.isfinite(first).all():
        raise _Broken("after its own training on two small batches it answers with NaN or infinity.")
    if not torch.equal(first, second):
        raise _Broken(
            "its own training gives two different models from one seed; draw all random numbers from that seed."
        )
    return "it trains itself"


def _lessons(case: _Case, model: Recurrent, recipe: Recipe) -> Batches:
    """The samples of a case as two batches, the way an entry's own training takes them."""
    small = recipe.model_copy(update={"rows": _ROWS, "epochs": 1, "batch_size": _ROWS // 2})
    torch.manual_seed(0)
    return Batches(Plan.of(case.task, case.suite, small, (case.level,), seed=0), model, small, "cpu", silent)


def _round_trip(case: _Case) -> str:
    model, other = (
        case.build(),
        case.build(seed=1),
    )  # from other random numbers, so that what is not saved shows
    if not has_weights(model):
        return "nothing to save"
    own = own_training(case.entry, model, case.spec, seed=0)
    if own and case.recipe:
        own(_lessons(case, model, case.recipe))
        model.eval()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(1.0)
    with tempfile.TemporaryDirectory() as folder:
        save_weights(model, Path(folder) / "weights.safetensors")
        load_weights(other, Path(folder) / "weights.safetensors")
    if not torch.equal(_answer(model, case.x), _answer(other, case.x)):
        raise _Broken(
            "weights saved and loaded again give other answers; register every tensor as parameter or buffer."
        )
    return ""


def _card(case: _Case) -> str:
    card = case.entry.card
    if card is None:
        return "no card yet"
    if card.task != case.suite.task:
        return f"it is for the task {card.task}: not compared on {case.suite.name}"
    total = macs.parameters(case.build())[0]
    cost = macs.count(case.build(), case.task.in_channels, tuple(case.x.shape[-2:]))  # type: ignore[arg-type]  # two of them
    for key, stated, counted in (
        ("parameters", card.parameters or 0, total),
        ("macs_fixed", card.macs_fixed or 0, cost.fixed),
        ("macs_per_iteration", card.macs_per_iteration or 0, cost.per_iteration),
    ):
        if total and stated != counted:
            raise _Broken(f"the card says {key}: {stated}; counted were {counted}. Correct the card.")
    model = case.build()
    own = own_training(case.entry, model, case.spec, seed=0) is not None
    for key, says, holds in (
        ("needs", card.needs, model.needs),
        ("own_training", card.own_training, own),
    ):
        if says != holds:
            raise _Broken(f"the card says {key}: {says}, the code {holds}. Correct the card.")
    return f"{total:,} parameters, {cost.fixed:,} + {cost.per_iteration:,} per iteration MACs"


_CHECKS: dict[str, Callable[[_Case], str]] = {
    "answers have the right shape at two sizes": _shapes,
    "the input is left alone": _input_untouched,
    "the same seed and input give the same answer": _determinism,
    "stepping equals unrolling": _no_hidden_state,
    "a model that says when it is done gives a chance": _halting,
    "samples do not depend on their batch": _batch_independence,
    "gradients reach every parameter": _gradients,
    "weights survive saving and loading": _round_trip,
    "the card tells the truth": _card,
}
