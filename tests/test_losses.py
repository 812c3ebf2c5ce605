"""The losses: what they compute, what they draw, and where their gradients go."""

import random
from typing import Any

import pytest
import torch
from torch import Tensor

from easy2hard.errors import UserError
from easy2hard.losses import Lesson, fixed, ponder, progressive, similarity
from easy2hard.models.dt import DT
from easy2hard.models.ponder import PonderDT
from easy2hard.models.recurrent import Recurrent
from easy2hard.models.shrink import ShrinkDT


class Tape(Recurrent):
    """Computes nothing, and writes down which iterations ran, and whether with a gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[tuple[int, bool]] = []

    def encode(self, x: Tensor) -> Tensor:
        return x

    def step(self, state: Tensor, x: Tensor, t: int) -> Tensor:
        self.ran.append((t, torch.is_grad_enabled()))
        return state

    def decode(self, state: Tensor, x: Tensor) -> Tensor:
        return state


def square(answer: Tensor, target: Tensor, x: Tensor) -> Tensor:
    return (answer - target).square().mean()


def lesson(model: Any, *, iterations: int = 3, horizon: int = 6, seed: int = 0) -> Lesson:
    torch.manual_seed(2)
    x, target = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8)
    return Lesson(model, x, target, square, iterations, horizon, random.Random(seed))


def drawn(seed: int, horizon: int = 6) -> tuple[int, int]:
    """n and k: the iterations without and with a gradient."""
    tape = Tape()
    progressive.loss(lesson(tape, horizon=horizon, seed=seed))
    assert [t for t, _ in tape.ran] == list(range(len(tape.ran)))
    tracked = [grad for _, grad in tape.ran]
    assert tracked == sorted(tracked)  # without first, then with
    return tracked.count(False), tracked.count(True)


def test_the_fixed_loss_is_the_task_loss_after_the_training_iterations() -> None:
    model = DT(3, 3, width=4)
    one = lesson(model)
    assert torch.equal(fixed.loss(one), square(model(one.x, 3), one.target, one.x))


def test_the_fixed_loss_unrolls_once_for_all_losses_that_ask() -> None:
    one = lesson(tape := Tape())
    fixed.loss(one)
    assert len(one.states) == 3 == len(tape.ran)


def test_progressive_draws_cover_their_ranges_and_never_leave_them() -> None:
    draws = [drawn(seed) for seed in range(300)]
    assert {n for n, _ in draws} == set(range(6))
    assert all(1 <= k <= 6 - n for n, k in draws)
    assert {k for n, k in draws if n == 0} == set(range(1, 7))


def test_progressive_draws_n_evenly() -> None:
    counts = [0] * 6
    for seed in range(300):
        counts[drawn(seed)[0]] += 1
    assert min(counts) > 25  # 50 expected of each


def test_a_horizon_of_one_is_one_iteration_with_gradient() -> None:
    assert {drawn(seed, horizon=1) for seed in range(10)} == {(0, 1)}


def test_one_seed_gives_one_progressive_loss() -> None:
    torch.manual_seed(0)
    model = DT(3, 3, width=4)
    values = [progressive.loss(lesson(model, seed=seed)).item() for seed in (3, 3, 4, 5)]
    assert values[0] == values[1]
    assert len(set(values)) > 1


def seed_with(untracked: bool) -> int:
    return next(seed for seed in range(100) if (drawn(seed)[0] > 0) == untracked)


def test_no_gradient_reaches_what_ran_untracked() -> None:
    model = DT(3, 3, width=4)
    progressive.loss(lesson(model, seed=seed_with(untracked=True))).backward()
    assert model.project.weight.grad is None


def test_the_projection_learns_where_all_is_tracked() -> None:
    model = DT(3, 3, width=4)
    progressive.loss(lesson(model, seed=seed_with(untracked=False))).backward()
    assert model.project.weight.grad is not None
    assert model.project.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("net", [DT, ShrinkDT])
@pytest.mark.parametrize("untracked", [True, False])
def test_recall_learns_in_both_its_halves(net: type[DT | ShrinkDT], untracked: bool) -> None:
    torch.manual_seed(0)
    model = net(3, 3, width=4)
    model.tell("0.1")
    progressive.loss(lesson(model, seed=seed_with(untracked))).backward()
    assert model.recall_conv is not None
    gradient = model.recall_conv.both.weight.grad
    assert gradient is not None
    assert gradient[:, :4].abs().sum() > 0  # of the state
    assert gradient[:, 4:].abs().sum() > 0  # of the image


def test_the_progressive_loss_is_that_of_the_last_thought() -> None:
    torch.manual_seed(0)
    model = DT(3, 3, width=4)
    for seed in range(5):
        one = lesson(model, seed=seed)
        thought = model(one.x, sum(drawn(seed)))
        assert torch.allclose(progressive.loss(one), square(thought, one.target, one.x))


@pytest.mark.parametrize("gamma", [0.8, 0.3, 1.0])
def test_similarity_is_the_weighted_distance_of_every_thought_but_the_last_to_the_noisy_image(
    gamma: float,
) -> None:
    model = DT(3, 3, width=4)
    one = lesson(model, iterations=4)
    expected = sum(
        gamma**i * (model(one.x, i) - one.x).square().sum().item() / one.x.numel() for i in range(1, 4)
    )
    assert similarity.loss(one, gamma).item() == pytest.approx(expected, rel=1e-5)


def test_similarity_weighs_by_powers_of_four_fifths_unless_told_otherwise() -> None:
    one = lesson(DT(3, 3, width=4))
    assert torch.equal(similarity.loss(one), similarity.loss(one, gamma=0.8))


def test_similarity_of_a_net_that_repeats_its_input_is_zero() -> None:
    assert similarity.loss(lesson(Tape())).item() == 0


def test_a_single_iteration_has_no_thought_to_compare() -> None:
    with pytest.raises(UserError, match="set train_iterations to 2 or more"):
        similarity.loss(lesson(Tape(), iterations=1))


def test_similarity_refuses_answers_that_are_no_images_like_the_input() -> None:
    with pytest.raises(UserError, match=r"thoughts are \(2, 8, 8\), inputs \(3, 8, 8\)"):
        similarity.loss(lesson(DT(3, 2, width=4)))


@pytest.mark.parametrize("gamma", [0.0, -0.5, 1.5])
def test_similarity_refuses_a_gamma_that_is_no_share(gamma: float) -> None:
    with pytest.raises(UserError, match="above 0 and at most 1"):
        similarity.loss(lesson(Tape()), gamma)


class Stopping(DT):
    """A DT whose first sample stops with the chances given, and whose second never does."""

    chances = (0.5, 0.25, 0.9)

    def encode(self, x: Tensor) -> tuple[Tensor, int]:  # type: ignore[override]  # a state of parts
        return super().encode(x), 0

    def step(self, state: tuple[Tensor, int], x: Tensor, t: int) -> tuple[Tensor, int]:  # type: ignore[override]  # a state of parts
        return super().step(state[0], x, t), state[1] + 1

    def decode(self, state: tuple[Tensor, int], x: Tensor) -> Tensor:  # type: ignore[override]  # a state of parts
        return super().decode(state[0], x)

    def halt(self, state: tuple[Tensor, int], x: Tensor) -> Tensor:
        going = torch.tensor([1 - chance for chance in self.chances[: state[1]]]).prod()
        return torch.stack([1 - going, torch.zeros(())])


def test_ponder_weighs_each_answer_by_the_chance_that_it_is_the_last() -> None:
    one = lesson(model := Stopping(3, 3, width=4))
    answers = [model(one.x, n) for n in (1, 2, 3)]
    each = [(answer - one.target).square().mean(dim=(1, 2, 3)) for answer in answers]
    first = 0.5 * each[0][0] + 0.125 * each[1][0] + 0.375 * each[2][0]  # the last takes what is left
    assert ponder.loss(one, beta=0.0).item() == pytest.approx(((first + each[2][1]) / 2).item(), rel=1e-4)


def test_ponder_asks_no_penalty_of_a_net_that_stops_as_its_prior_does() -> None:
    model = PonderDT(3, 3, width=4)  # as it starts: a fifth of what still runs stops in each iteration
    alike, other = (ponder.loss(lesson(model), prior, beta=1.0) for prior in (0.2, 0.5))
    assert alike.item() == pytest.approx(ponder.loss(lesson(model), 0.2, beta=0.0).item(), abs=1e-5)
    p = torch.tensor([0.2, 0.16, 0.64])
    divergence = (p * (p / torch.tensor([0.5, 0.25, 0.25])).log()).sum().item()
    assert (other - alike).item() == pytest.approx(divergence, abs=1e-4)


def test_ponder_teaches_the_net_when_to_stop() -> None:
    model = PonderDT(3, 3, width=4)
    ponder.loss(lesson(model)).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_ponder_of_a_single_iteration_has_nothing_to_learn() -> None:
    with pytest.raises(UserError, match="set train_iterations to 2 or more"):
        ponder.loss(lesson(PonderDT(3, 3, width=4), iterations=1))


def test_a_chance_that_falls_takes_no_stop_back() -> None:
    falling, level = (ponder._stops(torch.tensor(c)[:, None]) for c in ([0.6, 0.2, 0.7], [0.6, 0.6, 0.7]))
    assert torch.allclose(falling.sum(dim=0), torch.ones(1), atol=1e-4)
    assert torch.equal(falling, level)


@pytest.mark.parametrize(
    "halt",
    [
        lambda x: x.new_zeros(len(x), 1),
        lambda x: x.new_zeros(()),
        lambda x: [0.0] * len(x),
        lambda x: x.new_ones(len(x)) * 2,
    ],
    ids=["a column", "a scalar", "a list", "above 1"],
)
def test_ponder_weighs_no_chance_of_another_form(halt: Any) -> None:
    model = PonderDT(3, 3, width=4)
    model.halt = lambda state, x: halt(x)  # type: ignore[method-assign]  # for this test
    with pytest.raises(UserError, match=r"halt\(state, x\) gives"):
        ponder.loss(lesson(model))


@pytest.mark.parametrize(
    ("model", "options", "said"),
    [
        (DT(3, 3, width=4), {}, r"a model that says when it is done, by halt\(state, x\)"),
        (PonderDT(3, 3, width=4), {"prior": 1.0}, "above 0 and below 1; got 1.0"),
        (PonderDT(3, 3, width=4), {"beta": -1.0}, "finite number, 0 or more; got -1.0"),
        (PonderDT(3, 3, width=4), {"beta": float("inf")}, "finite number, 0 or more; got inf"),
    ],
    ids=["no halt", "prior", "beta", "beta without end"],
)
def test_ponder_refuses_what_it_cannot_weigh(model: DT, options: dict[str, float], said: str) -> None:
    with pytest.raises(UserError, match=said):
        ponder.loss(lesson(model), **options)


@pytest.mark.parametrize("iteration", [0, -1, 4])
def test_a_thought_outside_the_unroll_is_refused(iteration: int) -> None:
    one = lesson(Tape(), iterations=3)
    with pytest.raises(UserError, match=rf"after iteration {iteration}; in this lesson .* 1 to 3"):
        one.thought(iteration)
    assert torch.equal(one.thought(3), one.x)


def test_a_thought_is_read_out_once_for_all_losses_that_ask() -> None:
    class Counted(Tape):
        reads = 0

        def decode(self, state: Tensor, x: Tensor) -> Tensor:
            self.reads += 1
            return state

    one = lesson(model := Counted())
    for loss in (fixed, similarity, fixed):
        loss.loss(one)
    assert model.reads == 3
