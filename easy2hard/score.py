"""The streaming pass: every budget, exit rule and metric of a batch from one run of the model.

Nothing is kept of a thought but its scores, so memory does not grow with the number of iterations.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from easy2hard import shelf
from easy2hard.errors import WrongAnswer
from easy2hard.exits import Rule, Thought
from easy2hard.models.recurrent import Recurrent, State, map_state
from easy2hard.tasks import Task

LAST = "last"  # the rule that scores each budget's own thought
NAN = "nan"  # stands among the scores: whether the answer holds NaN, which counts as black (in a maze, as no path)
_COMPACT_SHARE = 0.25  # of the batch must have finished before the rest is copied together


class Row(NamedTuple):
    """The scores of one batch under one rule within one budget."""

    rule: str
    budget: int
    iterations: NDArray[np.int32]  # (n,): how many iterations each sample used
    scores: dict[str, NDArray[np.float32]]  # metric or `NAN` -> (n,)


@dataclass
class _Running:
    """A rule under way: which thought each sample has taken so far, and how that one scored."""

    name: str
    rule: Rule
    taken_at: Tensor  # (n,) 0 where no thought was taken
    scores: dict[str, Tensor] = field(default_factory=dict)

    def take(self, mask: Tensor, iteration: int, scores: dict[str, Tensor]) -> None:
        self.taken_at[mask] = iteration
        for metric, values in scores.items():
            self.scores.setdefault(metric, torch.zeros_like(self.taken_at, dtype=torch.float32))[mask] = (
                values
            )

    def row(self, budget: int, now: dict[str, Tensor]) -> Row:
        took = self.taken_at > 0
        iterations = torch.where(took, self.taken_at, budget)
        scores = {m: torch.where(took, self.scores[m], v) if m in self.scores else v for m, v in now.items()}
        return Row(
            self.name,
            budget,
            iterations.cpu().numpy().astype(np.int32),
            {metric: values.float().cpu().numpy() for metric, values in scores.items()},
        )


def reachable(model: Recurrent, budgets: Sequence[int]) -> list[int]:
    """The budgets that a model can run; the others do not apply to it."""
    most = model.max_iterations
    return sorted(budget for budget in set(budgets) if most is None or budget <= most)


@torch.inference_mode()
def score_batch(
    model: Recurrent,
    task: Task,
    x: Tensor,
    target: Tensor,
    *,
    budgets: Sequence[int],
    rules: Sequence[str] = (LAST,),
    metrics: Sequence[str],
) -> list[Row]:
    """Score every rule within every budget that the model can run, in one pass in which no sample leaves.

    `x` (n, channels, height, width) and `target` come from `Task.tensors`. A rule other than `last` has to see every
    thought; without one, the model is read out at the budgets alone.
    """
    budgets = reachable(model, budgets)
    running = [
        _Running(name, _rule(name), torch.zeros(len(x), dtype=torch.int64, device=x.device)) for name in rules
    ]
    watching = any(name != LAST for name in rules)
    rows: list[Row] = []
    state, seen = model.encode(x), model.recall(x)
    for iteration in range(1, budgets[-1] + 1 if budgets else 0):
        state = model.step(state, seen, iteration - 1)
        if not watching and iteration not in budgets:
            continue
        final, nan, thought = think(model, task, state, x, iteration)
        for rule in running:
            mask = rule.rule.take(thought)
            if rule.rule.FINAL:
                mask &= rule.taken_at == 0  # what a sample took first is its answer
            if mask.any():
                rule.take(mask, iteration, measure(metrics, final[mask], target[mask], nan[mask]))
        if iteration in budgets:
            now = measure(metrics, final, target, nan)
            rows += [rule.row(iteration, now) for rule in running]
    return rows


@torch.inference_mode()
def score_exit(
    model: Recurrent, task: Task, x: Tensor, target: Tensor, *, budget: int, rule: str, metrics: Sequence[str]
) -> Row:
    """Score one exit rule within one budget; finished samples leave the batch, the answers are the same."""
    budget = reachable(model, range(1, budget + 1))[-1]
    judge = _rule(rule)
    running = _Running(rule, judge, torch.zeros(len(x), dtype=torch.int64, device=x.device))
    here = torch.arange(len(x), device=x.device)  # which samples are still in the batch
    open_ = torch.ones(len(x), dtype=torch.bool, device=x.device)  # … and not finished, among those
    state, seen = model.encode(x), model.recall(x)
    iteration = 0
    while iteration < budget and open_.any():
        state = model.step(state, seen, iteration)
        iteration += 1
        final, nan, thought = think(model, task, state, x, iteration)
        mask = judge.take(thought) & open_
        if iteration == budget:
            mask |= open_ & (running.taken_at[here] == 0)
        if mask.any():
            everyone = torch.zeros(len(running.taken_at), dtype=torch.bool, device=x.device)
            everyone[here[mask]] = True
            running.take(everyone, iteration, measure(metrics, final[mask], target[mask], nan[mask]))
        if judge.FINAL:
            open_ &= ~mask
        if (~open_).float().mean() >= _COMPACT_SHARE and open_.any():
            kept = open_.nonzero()[:, 0]
            state, seen = _rows_of(state, kept), _rows_of(seen, kept)
            x, target, here, open_ = x[kept], target[kept], here[kept], open_[kept]
            judge.keep(kept)
    return running.row(budget, running.scores)


def _rows_of(state: State, rows: Tensor) -> State:
    return map_state(state, lambda part: part[rows])


def think(
    model: Recurrent, task: Task, state: Any, x: Tensor, iteration: int
) -> tuple[Tensor, Tensor, Thought]:
    """Read a thought out: in the form that is scored, whether it holds NaN (n,), and as exit rules see it."""
    answer = checked(model.decode(state, x), task, x)
    final, nan = task.final(answer, x), answer.isnan().flatten(1).any(dim=1)
    thought = Thought(iteration, task.decide(final), task.certainty(answer, x), model.halting(state, x))
    return final, nan, thought


def checked(answer: object, task: Task, x: Tensor) -> Tensor:
    """The answer; `WrongAnswer` for what is no tensor, of another shape, of whole numbers or of 8-bit floats.

    Any floating point of 16 bits or more is taken. Images are scored in float32 (`Task.final`): float64 is rounded to
    it, float16 and bfloat16 keep what their fewer bits say. A maze's two scores are compared in their own type.
    """
    if not isinstance(answer, Tensor):
        raise WrongAnswer(
            f"the model answers with a {type(answer).__name__}; the task {task.name} needs one tensor (float32)."
        )
    expected = (len(x), task.out_channels, *x.shape[-2:])
    if tuple(answer.shape) != expected:
        raise WrongAnswer(
            f"the model answers with shape {tuple(answer.shape)}; the task {task.name} needs {expected}."
        )
    if not answer.is_floating_point() or answer.itemsize < 2:
        raise WrongAnswer(
            f"the model answers in {answer.dtype}; answers are floating point of 16 bits or more: end with .float()."
        )
    return answer


def measure(metrics: Sequence[str], final: Tensor, target: Tensor, nan: Tensor) -> dict[str, Tensor]:
    """The score of each sample (n,) on each metric, and whether its answer holds NaN."""
    scores = {name: shelf.take("metrics", name).score(final, target) for name in metrics}
    return {**scores, NAN: nan.float()}


def applicable(rules: Sequence[str], task: Task, model: Recurrent) -> list[str]:
    """The rules that apply to what the thoughts of a model on a task say."""
    return [name for name in rules if not missing(name, task, model)]


def missing(rule: str, task: Task, model: Recurrent) -> tuple[str, ...]:
    """What a rule wants thoughts to say, and those of a model on a task do not: fields of a `Thought`.

    Scores of classes say how sure they are, images do not; a model says when it is done if it has `halt`.
    """
    said = {"certainty": task.out_channels != task.in_channels, "halting": model.halts}
    return tuple(need for need in shelf.take("exits", rule).NEEDS if not said[need])


def _rule(name: str) -> Rule:
    return cast(Rule, shelf.take("exits", name).Rule())
