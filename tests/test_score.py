"""The streaming pass: one run of a model scores what running it again for every budget would."""

import gc
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from easy2hard import shelf
from easy2hard.errors import UserError
from easy2hard.models.recurrent import Once, Recurrent
from easy2hard.score import Row, applicable, reachable, score_batch, score_exit
from easy2hard.suite import Suite
from easy2hard.tasks import Task, open_task

BUDGETS = (1, 2, 3, 5, 8, 13, 30)
IMAGES = ("last", "agreement", "convergence")
MASKS = (*IMAGES, "max_confidence")


class Settling(Recurrent):
    """Each sample nears its end by a share of its own, pixel by pixel, so that company cannot change its bits."""

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, 0.2 + 0.6 * x[:, :1, :1, :1]

    def step(self, state: tuple[Tensor, Tensor], x: Tensor, t: int) -> tuple[Tensor, Tensor]:
        now, share = state
        return now + share * (0.5 - now), share

    def decode(self, state: tuple[Tensor, Tensor], x: Tensor) -> Tensor:
        return state[0]


class Cycling(Recurrent):
    """Answers repeat after 2 to 5 iterations, and keep moving in between."""

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        period = 2 + (x[:, 0, 0, 0] * 1000).long() % 4
        return torch.zeros_like(period), period

    def step(self, state: tuple[Tensor, Tensor], x: Tensor, t: int) -> tuple[Tensor, Tensor]:
        return (state[0] + 1) % state[1], state[1]

    def decode(self, state: tuple[Tensor, Tensor], x: Tensor) -> Tensor:
        return x / (1 + state[0][:, None, None, None])


class Waving(Recurrent):
    """A mask whose pixels come and go ever more slowly, surest of itself at another iteration for each sample."""

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x[:, 0], torch.zeros(len(x), 1, 1)

    def step(self, state: tuple[Tensor, Tensor], x: Tensor, t: int) -> tuple[Tensor, Tensor]:
        return state[0], state[1] + 1

    def decode(self, state: tuple[Tensor, Tensor], x: Tensor) -> Tensor:
        phase, now = state
        peak = 1 + 20 * phase[:, :1, :1]
        logit = 4 * (8 * phase + 40 / now).sin() / (1 + (now - peak).abs())
        return torch.stack([-logit, logit], dim=1)


@pytest.fixture
def images(tiny: Suite) -> tuple[Task, Tensor, Tensor]:
    torch.manual_seed(1)
    return open_task(tiny), torch.rand(16, 3, 12, 12), torch.rand(16, 3, 12, 12)


@pytest.fixture
def masks(tiny_maze: Suite) -> tuple[Task, Tensor, Tensor]:
    torch.manual_seed(1)
    x = torch.rand(16, 3, 12, 12) * (torch.rand(16, 1, 12, 12) > 0.3)
    return open_task(tiny_maze), x, (torch.rand(16, 12, 12) > 0.5).to(torch.uint8)


@torch.no_grad()
def chosen(rule: str, answers: Sequence[Tensor], task: Task, x: Tensor, sample: int) -> int:
    """The iteration (1, 2, …) whose answer a rule takes among those of one sample: plain, slow, no state."""
    finals = [task.final(answer, x)[sample] for answer in answers]
    decided = [task.decide(final).int() for final in finals]
    sure = [task.certainty(answer, x) for answer in answers]
    for j in range(1, len(answers)):
        if rule == "agreement" and any((decided[j] == decided[i]).all() for i in range(j)):
            return j + 1
        if rule == "convergence" and sure[j] is None and (decided[j] - decided[j - 1]).abs().max() <= 1:
            return j + 1
        if rule == "convergence" and sure[j] is not None:
            change = (sure[j][sample] - sure[j - 1][sample]).abs().mean()  # type: ignore[index]
            if change <= 1e-3:
                return j + 1
    if rule == "max_confidence":
        open_ = x[sample].amax(dim=0) > 0
        means = [float(s[sample][open_].double().mean()) for s in sure if s is not None]
        return int(np.argmax(means)) + 1
    return len(answers)


@torch.no_grad()
def naive(
    model: Recurrent, task: Task, x: Tensor, target: Tensor, rule: str, budget: int, metric: str
) -> tuple[list[int], list[float]]:
    """Run the model again for every budget up to this one, choose, and score."""
    answers = [model(x, t) for t in range(1, budget + 1)]
    taken = [chosen(rule, answers, task, x, sample) for sample in range(len(x))]
    score = shelf.take("metrics", metric).score
    finals = [task.final(answers[t - 1], x)[s : s + 1] for s, t in enumerate(taken)]
    return taken, [float(score(final, target[s : s + 1])) for s, final in enumerate(finals)]


def row(rows: Sequence[Row], rule: str, budget: int) -> Row:
    return next(row for row in rows if (row.rule, row.budget) == (rule, budget))


@pytest.mark.parametrize("rule", IMAGES)
@pytest.mark.parametrize("model", [Settling(), Cycling()], ids=lambda m: type(m).__name__)
def test_one_pass_over_images_equals_a_run_for_every_budget(
    model: Recurrent, rule: str, images: tuple[Task, Tensor, Tensor]
) -> None:
    task, x, target = images
    rows = score_batch(model, task, x, target, budgets=BUDGETS, rules=IMAGES, metrics=["psnr", "ssim"])
    for budget in BUDGETS:
        taken, scores = naive(model, task, x, target, rule, budget, "psnr")
        assert row(rows, rule, budget).iterations.tolist() == taken
        assert row(rows, rule, budget).scores["psnr"] == pytest.approx(scores, abs=1e-4)


@pytest.mark.parametrize("rule", MASKS)
def test_one_pass_over_masks_equals_a_run_for_every_budget(
    rule: str, masks: tuple[Task, Tensor, Tensor]
) -> None:
    task, x, target = masks
    rows = score_batch(Waving(), task, x, target, budgets=BUDGETS, rules=MASKS, metrics=["path_iou"])
    for budget in BUDGETS:
        taken, scores = naive(Waving(), task, x, target, rule, budget, "path_iou")
        assert row(rows, rule, budget).iterations.tolist() == taken
        assert row(rows, rule, budget).scores["path_iou"] == pytest.approx(scores, abs=1e-6)


@pytest.mark.parametrize("rule", [*IMAGES, "max_confidence"])
@pytest.mark.parametrize("budget", [1, 2, 7, 30])
def test_samples_that_leave_the_batch_answer_as_if_they_had_stayed(
    rule: str, budget: int, images: tuple[Task, Tensor, Tensor], masks: tuple[Task, Tensor, Tensor]
) -> None:
    cases = [(Waving(), masks, "path_iou")]
    cases += [(m, images, "psnr") for m in (Settling(), Cycling()) if rule != "max_confidence"]
    for model, (task, x, target), metric in cases:
        left = score_exit(model, task, x, target, budget=budget, rule=rule, metrics=[metric])
        (stayed,) = score_batch(model, task, x, target, budgets=[budget], rules=[rule], metrics=[metric])
        assert left.iterations.tolist() == stayed.iterations.tolist()
        np.testing.assert_array_equal(left.scores[metric], stayed.scores[metric])
        assert (left.rule, left.budget) == (rule, budget)


class Halting(Settling):
    """Says that it is done after 1 to 12 iterations, each sample after a number of its own."""

    def encode(self, x: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]  # a state of parts
        return *super().encode(x), torch.zeros(len(x)), 1 + (x[:, 0, 0, 0] * 12).floor()

    def step(self, state: tuple[Tensor, ...], x: Tensor, t: int) -> tuple[Tensor, ...]:  # type: ignore[override]  # a state of parts
        now, share, count, last = state
        return *super().step((now, share), x, t), count + 1, last

    def halt(self, state: tuple[Tensor, ...], x: Tensor) -> Tensor:
        return (state[2] / state[3] / 2).clamp(max=1)


@pytest.mark.parametrize("budget", [1, 5, 30])
def test_a_model_that_says_when_it_is_done_stops_there(
    budget: int, images: tuple[Task, Tensor, Tensor]
) -> None:
    task, x, target = images
    wanted = (1 + (x[:, 0, 0, 0] * 12).floor()).clamp(max=budget).int().tolist()
    assert len(set(wanted)) > 1 or budget == 1
    one = {"metrics": ["psnr"]}
    (stayed,) = score_batch(Halting(), task, x, target, budgets=[budget], rules=["halt"], **one)
    left = score_exit(Halting(), task, x, target, budget=budget, rule="halt", **one)
    assert stayed.iterations.tolist() == left.iterations.tolist() == wanted
    finals = [task.final(Halting()(x[s : s + 1], stop), x[s : s + 1]) for s, stop in enumerate(wanted)]
    scores = [float(shelf.take("metrics", "psnr").score(f, target[s : s + 1])) for s, f in enumerate(finals)]
    np.testing.assert_allclose(stayed.scores["psnr"], scores, rtol=1e-6)
    np.testing.assert_array_equal(stayed.scores["psnr"], left.scores["psnr"])


class Named(NamedTuple):
    now: Tensor
    share: Tensor


class NamedSettling(Settling):
    """The same with a state whose parts have names."""

    def encode(self, x: Tensor) -> Named:
        return Named(*super().encode(x))

    def step(self, state: Named, x: Tensor, t: int) -> Named:  # type: ignore[override]  # a tuple with names
        return Named(state.now + state.share * (0.5 - state.now), state.share)


@pytest.mark.parametrize("rule", ["agreement", "convergence"])
def test_a_state_with_names_keeps_them_where_samples_leave(
    rule: str, images: tuple[Task, Tensor, Tensor]
) -> None:
    named, plain = (
        score_exit(model, *images, budget=30, rule=rule, metrics=["psnr"])
        for model in (NamedSettling(), Settling())
    )
    assert len(set(plain.iterations.tolist())) > 1  # some leave before others
    assert named.iterations.tolist() == plain.iterations.tolist()
    assert named.scores["psnr"].tolist() == plain.scores["psnr"].tolist()


def test_samples_that_leave_save_steps(images: tuple[Task, Tensor, Tensor]) -> None:
    task, x, target = images
    stepped: list[int] = []

    class Counting(Settling):
        def step(self, state: tuple[Tensor, Tensor], x: Tensor, t: int) -> tuple[Tensor, Tensor]:
            stepped.append(len(state[0]))
            return super().step(state, x, t)

    ran = score_exit(Counting(), task, x, target, budget=30, rule="convergence", metrics=["psnr"])
    assert max(ran.iterations) == len(stepped) < 30
    assert sum(stepped) < 16 * len(stepped)


def test_a_recurrent_net_scores_alike_whether_samples_leave_or_stay(
    images: tuple[Task, Tensor, Tensor],
) -> None:
    task, x, target = images
    torch.manual_seed(0)
    net = shelf.take("models", "dt").DT(3, 3, width=6)
    kwargs = {"metrics": ["psnr"]}
    left = score_exit(net, task, x, target, budget=20, rule="convergence", **kwargs)
    (stayed,) = score_batch(net, task, x, target, budgets=[20], rules=["convergence"], **kwargs)
    assert left.iterations.tolist() == stayed.iterations.tolist()
    assert left.scores["psnr"] == pytest.approx(stayed.scores["psnr"], abs=1e-4)


def test_max_confidence_within_a_budget_looks_at_no_later_thought(masks: tuple[Task, Tensor, Tensor]) -> None:
    task, x, target = masks
    rows = score_batch(
        Waving(), task, x, target, budgets=BUDGETS, rules=["max_confidence"], metrics=["solved"]
    )
    assert all(r.iterations.max() <= r.budget for r in rows)
    assert (rows[-1].iterations > 8).any()  # some are surest late …
    assert (rows[-1].iterations < 30).any()  # … and some before the end


@pytest.mark.parametrize("rule", MASKS)
def test_a_model_of_one_thought_answers_with_it_under_every_rule(
    rule: str, masks: tuple[Task, Tensor, Tensor]
) -> None:
    task, x, target = masks
    torch.manual_seed(0)
    model = Once(nn.Conv2d(3, 2, 3, padding=1))
    rows = score_batch(model, task, x, target, budgets=BUDGETS, rules=[rule], metrics=["path_iou"])
    left = score_exit(model, task, x, target, budget=30, rule=rule, metrics=["path_iou"])
    assert [r.budget for r in rows] == [1] == [left.budget]
    assert rows[0].iterations.tolist() == [1] * 16 == left.iterations.tolist()
    np.testing.assert_array_equal(rows[0].scores["path_iou"], left.scores["path_iou"])


def test_budgets_beyond_what_a_model_can_run_are_absent(images: tuple[Task, Tensor, Tensor]) -> None:
    task, x, target = images
    model = Settling()
    model.max_iterations = 5
    rows = score_batch(model, task, x, target, budgets=BUDGETS, rules=IMAGES, metrics=["psnr"])
    assert {r.budget for r in rows} == {1, 2, 3, 5}
    assert reachable(model, [8, 13]) == []


def test_the_order_and_repetition_of_budgets_do_not_matter(images: tuple[Task, Tensor, Tensor]) -> None:
    task, x, target = images
    rows = score_batch(Settling(), task, x, target, budgets=[5, 1, 5, 2], metrics=["psnr"])
    assert [r.budget for r in rows] == [1, 2, 5]


@pytest.mark.parametrize("rule", IMAGES)
def test_memory_does_not_grow_with_the_iterations(rule: str, images: tuple[Task, Tensor, Tensor]) -> None:
    task, x, target = images
    alive: dict[int, int] = {}

    class Watched(Settling):
        def step(self, state: tuple[Tensor, Tensor], x: Tensor, t: int) -> tuple[Tensor, Tensor]:
            if t in (50, 499):
                alive[t] = sum(o.numel() for o in gc.get_objects() if type(o) is Tensor)
            return super().step(state, x, t)

    score_batch(Watched(), task, x, target, budgets=range(1, 501), rules=[rule], metrics=["psnr"])
    assert alive[499] - alive[50] < 3 * 450 * len(x)  # numbers per sample and thought, no picture


def test_without_a_watching_rule_the_model_is_read_out_at_the_budgets_alone(
    images: tuple[Task, Tensor, Tensor],
) -> None:
    task, x, target = images
    read: list[int] = []

    class Counting(Settling):
        def decode(self, state: tuple[Tensor, Tensor], x: Tensor) -> Tensor:
            read.append(1)
            return super().decode(state, x)

    score_batch(Counting(), task, x, target, budgets=[2, 5, 50], metrics=["psnr"])
    assert len(read) == 3


def test_an_answer_of_the_wrong_shape_is_refused_with_both_shapes(
    images: tuple[Task, Tensor, Tensor],
) -> None:
    task, x, target = images
    model = Once(nn.Conv2d(3, 3, 3))
    with pytest.raises(UserError, match=r"\(16, 3, 10, 10\).*needs \(16, 3, 12, 12\)"):
        score_batch(model, task, x, target, budgets=[1], metrics=["psnr"])


class Typed(nn.Module):
    """Answers with as many channels as it is told, in a type of its own and then perhaps in another."""

    def __init__(self, channels: int, *kinds: torch.dtype) -> None:
        super().__init__()
        self.channels, self.kinds = channels, kinds

    def forward(self, x: Tensor) -> Tensor:
        answer = (0.9 * x + 0.01)[:, : self.channels]
        for kind in self.kinds:
            answer = answer.to(kind)
        return answer


@pytest.mark.parametrize("kind", [torch.int64, torch.bool, torch.complex64, torch.float8_e4m3fn], ids=str)
def test_an_answer_that_is_no_floating_point_of_16_bits_is_refused_with_its_dtype(
    kind: torch.dtype, images: tuple[Task, Tensor, Tensor], masks: tuple[Task, Tensor, Tensor]
) -> None:
    for task, x, target in (images, masks):
        model = Once(Typed(task.out_channels, kind))
        with pytest.raises(
            UserError, match=rf"answers in {kind}; answers are floating point of 16 bits or more"
        ):
            score_batch(model, task, x, target, budgets=[1], metrics=[])


@pytest.mark.parametrize("kind", [torch.float64, torch.float16, torch.bfloat16], ids=str)
def test_an_image_in_another_floating_point_is_scored_as_float32(
    kind: torch.dtype, images: tuple[Task, Tensor, Tensor]
) -> None:
    metrics = ["psnr", "ssim"]
    own, float32 = (
        score_batch(Once(Typed(3, *kinds)), *images, budgets=[1], metrics=metrics)[0]
        for kinds in ((kind,), (kind, torch.float32))
    )
    for metric in metrics:
        assert own.scores[metric].dtype == np.float32
        assert own.scores[metric].tolist() == float32.scores[metric].tolist()


def test_the_larger_score_of_a_maze_is_found_in_its_own_type(masks: tuple[Task, Tensor, Tensor]) -> None:
    task, x, _ = masks
    answer = torch.ones(len(x), 2, *x.shape[-2:], dtype=torch.float64)
    answer[:, 1] += 1e-12  # which float32 does not tell from 1
    assert task.final(answer, x).equal((x.amax(dim=1) > 0).to(torch.uint8))
    assert not task.final(answer.float(), x).any()


def test_rules_apply_where_thoughts_say_what_they_need(tiny: Suite, tiny_maze: Suite) -> None:
    rules = [*MASKS, "halt"]
    assert applicable(rules, open_task(tiny), Settling()) == list(IMAGES)
    assert applicable(rules, open_task(tiny), Halting()) == [*IMAGES, "halt"]
    assert applicable(rules, open_task(tiny_maze), Settling()) == list(MASKS)
    assert applicable(rules, open_task(tiny_maze), Halting()) == rules


@pytest.mark.parametrize("rule", MASKS)
def test_answers_that_are_not_numbers_score_as_nothing(rule: str, masks: tuple[Task, Tensor, Tensor]) -> None:
    task, x, target = masks

    class Breaking(Waving):
        def decode(self, state: tuple[Tensor, Tensor], x: Tensor) -> Tensor:
            return (
                super().decode(state, x) if state[1][0] != 3 else torch.full((len(x), 2, 12, 12), torch.nan)
            )

    rows = score_batch(Breaking(), task, x, target, budgets=[2, 3, 9], rules=[rule], metrics=["path_iou"])
    assert all(np.isfinite(r.scores["path_iou"]).all() for r in rows)
    if rule == "last":
        assert row(rows, rule, 3).scores["path_iou"].tolist() == [0.0] * 16
    if rule == "max_confidence":
        assert (row(rows, rule, 9).iterations > 3).any()  # the broken thought is skipped, not the rest


def test_pixels_that_are_not_numbers_are_black(images: tuple[Task, Tensor, Tensor]) -> None:
    task, x, _ = images
    answer = torch.tensor([torch.nan, torch.inf, -torch.inf, 0.5]).view(1, 1, 2, 2)
    assert task.final(answer, x[:1]).flatten().tolist() == [0.0, 1.0, 0.0, 0.5]
