"""The training loop: what it leaves, what it draws, and that a kill changes nothing."""

import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from easy2hard import shelf, train as training
from easy2hard.data import stream
from easy2hard.errors import UserError
from easy2hard.models.dt import DT
from easy2hard.models.feedforward import FeedForward
from easy2hard.models.recurrent import Once, Recurrent
from easy2hard.plan import Plan, training_steps
from easy2hard.progress import Step, silent
from easy2hard.recipe import Recipe
from easy2hard.score import score_batch
from easy2hard.suite import Suite
from easy2hard.tasks import I64, Batch, open_task
from easy2hard.train import Outcome, learning_rate, total_loss, train
from easy2hard.weights import sha256_of

RECIPE = Recipe(epochs=1, batch_size=5, lr=3e-3, train_iterations=3)  # 8 steps on 40 rows


class Noisy(nn.Module):
    """Batch statistics and dropout: state beside the weights, and random numbers beside the data."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Dropout(0.3), nn.Conv2d(4, 3, 3, padding=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def small() -> Recurrent:
    return DT(3, 3, width=4, hidden=(4, 4))


def run(
    suite: Suite,
    folder: Path,
    recipe: Recipe = RECIPE,
    *,
    seed: int = 0,
    build: Callable[[], Recurrent] = small,
    listen: Callable[[Step], None] = silent,
    task: Any = None,
) -> Outcome:
    """Train a model whose first weights are always the same."""
    torch.manual_seed(0)
    return train(build(), task or open_task(suite), suite, recipe, seed=seed, folder=folder, listen=listen)


def weights(folder: Path) -> str:
    return sha256_of(folder / "weights.safetensors")


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint and a line of the log after every step."""
    monkeypatch.setattr(training, "_CHECKPOINT_SECONDS", -1.0)
    monkeypatch.setattr(training, "_LOG_SECONDS", -1.0)


def log(folder: Path) -> list[dict[str, float]]:
    text = (folder / "train.jsonl").read_text()
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def test_the_loss_falls(tiny: Suite, tmp_path: Path, always: None) -> None:
    run(tiny, tmp_path, RECIPE.model_copy(update={"epochs": 8, "lr": 1e-2}))
    losses = [row["loss"] for row in log(tmp_path)]
    assert np.mean(losses[-8:]) < 0.5 * np.mean(losses[:8])


_KILLED = """
import os, signal, sys
from pathlib import Path
import torch
from easy2hard import atomic, suite as suites, train as training
from easy2hard.recipe import Recipe
from easy2hard.models.dt import DT
from easy2hard.tasks import open_task
training._CHECKPOINT_SECONDS = training._LOG_SECONDS = -1.0
def die(step=None):
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[3] == "in a step":
    listen = lambda step: die() if step.done == 5 else None
else:
    replace = os.replace
    listen = lambda step: setattr(os, "replace", lambda *paths: die()) if step.done == 5 else None
suite = suites.read(sys.argv[1])
torch.manual_seed(0)
recipe = Recipe(epochs=1, batch_size=5, lr=3e-3, train_iterations=3)
training.train(DT(3, 3, width=4, hidden=(4, 4)), open_task(suite), suite, recipe, seed=0,
               folder=Path(sys.argv[2]), listen=listen)
"""


@pytest.mark.parametrize("moment", ["in a step", "in a checkpoint"])
def test_a_killed_run_goes_on_to_the_very_weights_of_one_that_was_not(
    moment: str, tiny: Suite, definitions: Path, tmp_path: Path
) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    command = [sys.executable, "-c", _KILLED, str(definitions / "tiny.toml"), str(killed), moment]
    died = subprocess.run(command, check=False, capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert (killed / "checkpoint.safetensors").is_file()
    steps: list[int] = []
    run(tiny, killed, listen=lambda step: steps.append(step.done))
    run(tiny, whole)
    assert min(steps) == 5  # it began again after the fourth
    assert weights(killed) == weights(whole)
    assert [row["step"] for row in log(killed)][:4] == [1, 2, 3, 4]


class Stop(Exception):
    """The run ends here."""


def interrupted(suite: Suite, folder: Path, at: int, *arguments: Any, **keywords: Any) -> None:
    def stop(step: Step) -> None:
        if step.done == at:
            raise Stop

    with pytest.raises(Stop):
        run(suite, folder, *arguments, listen=stop, **keywords)


CASES = {
    "adam with weight decay": ({"weight_decay": 1e-2}, small),
    "sgd with momentum": ({"optimizer": "sgd", "lr": 0.1}, small),
    "the progressive loss": ({"losses": {"fixed": 0.5, "progressive": 0.5}, "horizon": 4}, small),
    "batch statistics and dropout": ({"train_iterations": 1}, lambda: Once(Noisy())),
    "the best weights": ({"select": "best", "epochs": 2}, small),
    "a warm-up": ({"warmup": 0.5, "schedule": "constant"}, small),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("at", [2, 6])
def test_an_interrupted_run_ends_as_a_whole_one_with(
    case: str, at: int, tiny: Suite, tmp_path: Path, always: None
) -> None:
    changes, build = CASES[case]
    recipe = RECIPE.model_copy(update=changes)
    interrupted(tiny, tmp_path / "a", at, recipe, build=build)
    resumed = run(tiny, tmp_path / "a", recipe, build=build)
    whole = run(tiny, tmp_path / "b", recipe, build=build)
    assert weights(tmp_path / "a") == weights(tmp_path / "b")
    assert resumed._replace(seconds=0) == whole._replace(seconds=0)


def test_a_log_cut_in_the_middle_of_a_line_is_mended(tiny: Suite, tmp_path: Path, always: None) -> None:
    interrupted(tiny, tmp_path, 5)
    with (tmp_path / "train.jsonl").open("a") as file:
        file.write('{"step": 6, "lo')
    run(tiny, tmp_path)
    assert [row["step"] for row in log(tmp_path)] == list(range(1, 9))


def test_a_run_interrupted_after_its_last_step_still_knows_its_loss(
    tiny: Suite, tmp_path: Path, always: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any) -> float:
        raise Stop

    with monkeypatch.context() as patched:
        patched.setattr(training, "validate", stop)
        with pytest.raises(Stop):
            run(tiny, tmp_path / "a")
    assert run(tiny, tmp_path / "a").loss == run(tiny, tmp_path / "b").loss


def test_one_seed_gives_one_set_of_weights_and_another_seed_another(tiny: Suite, tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        run(tiny, tmp_path / name, seed=seed)
    assert weights(tmp_path / "a") == weights(tmp_path / "b") != weights(tmp_path / "c")


def test_every_step_of_every_seed_has_random_choices_of_its_own(
    tiny: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[float, float]] = []

    def noted(*arguments: Any) -> Tensor:
        chance = arguments[5]
        drawn.append((chance.random(), float(torch.rand(()))))
        return total_loss(*arguments)

    monkeypatch.setattr(training, "total_loss", noted)
    for seed in (0, 1):
        run(tiny, tmp_path / str(seed), seed=seed)
    for numbers in zip(*drawn, strict=True):  # of the losses, and of layers such as dropout
        assert len(set(numbers)) == 16


OPTIMIZERS: dict[str, tuple[dict[str, Any], Callable[..., torch.optim.Optimizer]]] = {
    "sgd": (
        {"optimizer": "sgd", "lr": 0.1, "momentum": 0.5, "weight_decay": 0.1},
        lambda weights: torch.optim.SGD(weights, 0.1, momentum=0.5, weight_decay=0.1),
    ),
    "adam": ({"weight_decay": 0.1}, lambda weights: torch.optim.Adam(weights, 3e-3, weight_decay=0.1)),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_ends_at_the_weights_of_torchs_own_optimizer_and_schedule(
    name: str, tiny: Suite, tmp_path: Path
) -> None:
    changes, build = OPTIMIZERS[name]
    run(tiny, tmp_path, RECIPE.model_copy(update=changes))
    torch.manual_seed(0)
    model, task, batches = small(), open_task(tiny), stream(tiny, "0.1", batch_size=5, seed=0)
    optimizer = build(model.parameters())
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 8)
    for step in range(8):
        x, target = batches.batch(step)
        optimizer.zero_grad()
        task.loss(model(x, 3), target, x).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    trained = load_file(tmp_path / "weights.safetensors")
    torch.testing.assert_close(trained, dict(model.state_dict()), rtol=1e-3, atol=1e-5)


def test_nothing_random_outside_the_loop_reaches_the_weights(tiny: Suite, tmp_path: Path) -> None:
    for name in "ab":
        torch.manual_seed(0)
        model = Once(Noisy())
        torch.manual_seed(ord(name))
        random.seed(ord(name))
        recipe = RECIPE.model_copy(update={"train_iterations": 1})
        train(model, open_task(tiny), tiny, recipe, seed=0, folder=tmp_path / name, listen=silent)
    assert weights(tmp_path / "a") == weights(tmp_path / "b")


def test_a_finished_training_is_taken_up_and_not_repeated(tiny: Suite, tmp_path: Path) -> None:
    first = run(tiny, tmp_path)
    steps: list[Step] = []
    assert run(tiny, tmp_path, listen=steps.append) == first
    assert steps == []
    assert not (tmp_path / "checkpoint.safetensors").exists()


def test_a_run_that_diverges_says_when(tiny: Suite, tmp_path: Path) -> None:
    outcome = run(tiny, tmp_path, RECIPE.model_copy(update={"lr": 1e20, "clip": None}))
    assert outcome.failure is not None
    assert "diverged at step" in outcome.failure
    assert outcome.validation is None
    assert outcome.steps < 8
    assert outcome.samples == 5 * outcome.steps


def test_weights_that_the_last_step_broke_are_a_failure(tiny: Suite, tmp_path: Path) -> None:
    recipe = RECIPE.model_copy(update={"epochs": 0.1, "optimizer": "sgd", "lr": 1e39, "clip": None})
    outcome = run(tiny, tmp_path, recipe)
    assert outcome.failure is not None
    assert "not all finite" in outcome.failure
    assert outcome.steps == 1


def test_a_failed_training_is_not_tried_again(tiny: Suite, tmp_path: Path) -> None:
    recipe = RECIPE.model_copy(update={"lr": 1e20, "clip": None})
    first = run(tiny, tmp_path, recipe)
    assert run(tiny, tmp_path, recipe).failure == first.failure


def test_the_learning_rate_rises_to_its_top_and_falls_to_nothing() -> None:
    recipe = Recipe(lr=1.0, warmup=0.1)
    rates = [learning_rate(recipe, step, 1000) for step in range(1000)]
    assert 0 < rates[0] < 0.02
    assert rates[:100] == sorted(rates[:100])
    assert max(rates) == rates[100] == 1.0
    assert rates[100:] == sorted(rates[100:], reverse=True)
    assert 0 < rates[-1] < 1e-5
    assert rates[550] == pytest.approx(0.5)


def test_a_constant_learning_rate_stays_after_the_warm_up() -> None:
    rates = [learning_rate(Recipe(lr=2.0, warmup=0.5, schedule="constant"), step, 10) for step in range(10)]
    assert rates[5:] == [2.0] * 5
    assert rates[:5] == sorted(set(rates[:5]))
    assert rates[0] > 0


@pytest.mark.parametrize("warmup", [0.0, 0.99])
def test_a_run_of_one_step_has_a_learning_rate(warmup: float) -> None:
    assert 0 < learning_rate(Recipe(lr=1.0, warmup=warmup), 0, 1) <= 1.0


@pytest.mark.parametrize("clip", [1e-3, None])
def test_a_step_is_as_long_as_the_clipped_gradient(clip: float | None, tiny: Suite, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = small()
    before = [p.detach().clone() for p in model.parameters()]
    one = {
        "optimizer": "sgd",
        "lr": 1.0,
        "schedule": "constant",
        "epochs": 0.1,
        "momentum": 0.0,
        "clip": clip,
    }
    train(model, open_task(tiny), tiny, RECIPE.model_copy(update=one), seed=0, folder=tmp_path, listen=silent)
    moved = sum((p.detach() - b).square().sum() for p, b in zip(model.parameters(), before, strict=True))
    assert float(moved) ** 0.5 == pytest.approx(1e-3, rel=1e-2) if clip else float(moved) ** 0.5 > 1e-2


class Spy:
    """A task that writes down what is drawn of it."""

    def __init__(self, suite: Suite) -> None:
        self.task = open_task(suite)
        self.drawn: list[tuple[str, str, list[int], int]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.task, name)

    def draw(self, split: str, level: str, indices: I64, stream: int = 0) -> Batch:
        self.drawn.append((split, level, indices.tolist(), stream))
        return self.task.draw(split, level, indices, stream)


@pytest.mark.parametrize("select", ["last", "best"])
def test_training_draws_the_easy_train_and_validation_splits_alone(
    select: str, tiny: Suite, tmp_path: Path
) -> None:
    spy = Spy(tiny)
    run(tiny, tmp_path, RECIPE.model_copy(update={"select": select}), task=spy)
    assert {(split, level) for split, level, *_ in spy.drawn} == {("train", "0.1"), ("validation", "0.1")}
    assert max(max(indices) for split, _, indices, _ in spy.drawn if split == "validation") < 8


def test_every_epoch_shows_every_row_of_every_level_once_and_each_in_its_own_order(tiny: Suite) -> None:
    suite = tiny.model_copy(update={"easy": ("0.05", "0.1")})
    spy = Spy(suite)
    recipe = Recipe(epochs=2, batch_size=8)
    plan = Plan.of(spy, suite, recipe, suite.easy, seed=0)  # type: ignore[arg-type]
    assert plan.steps == 20
    epochs = []
    for epoch in range(2):
        spy.drawn.clear()
        for step in range(10 * epoch, 10 * epoch + 10):
            assert len(plan.batch(step)[0]) == 8
        epochs.append([(level, i) for _, level, indices, _ in spy.drawn for i in indices])
        assert sorted(epochs[-1]) == sorted((level, i) for level in suite.easy for i in range(40))
        assert {stream for *_, stream in spy.drawn} == {2 * epoch}
    assert epochs[0] != epochs[1]


def test_the_second_draw_of_a_step_is_of_its_own_images_and_level_under_other_noise(tiny: Suite) -> None:
    suite = tiny.model_copy(update={"easy": ("0.05", "0.1")})
    spy = Spy(suite)
    recipe = Recipe(epochs=2, batch_size=8, losses={"noise2noise": 1.0})
    plan = Plan.of(spy, suite, recipe, suite.easy, seed=0)  # type: ignore[arg-type]
    for step in range(plan.steps):
        spy.drawn.clear()
        plan.batch(step)
        plan.second(step, "cpu")()
        (*first, stream), second = spy.drawn
        assert second == (*first, stream + 1)


def test_a_recipe_that_wants_stored_noise_gets_the_same_stream_in_every_epoch(tiny: Suite) -> None:
    spy = Spy(tiny)
    plan = Plan.of(spy, tiny, Recipe(epochs=3, batch_size=40, fresh=False), tiny.easy, seed=0)  # type: ignore[arg-type]
    for step in range(plan.steps):
        plan.batch(step)
    assert [stream for *_, stream in spy.drawn] == [0, 0, 0]


def test_a_batch_may_be_larger_than_an_epoch(tiny: Suite) -> None:
    plan = Plan.of(open_task(tiny), tiny, Recipe(epochs=2, rows=3, batch_size=8), tiny.easy, seed=0)
    assert plan.steps == 1
    assert plan.batch(0)[0].shape == (8, 3, 16, 16)


@pytest.mark.parametrize(
    ("changes", "steps"),
    [({"epochs": 1}, 8), ({"epochs": 0.5}, 4), ({"rows": 10}, 2), ({"rows": 1000}, 8), ({"epochs": 1e-6}, 1)],
)
def test_a_recipe_says_how_many_steps_it_takes(changes: dict[str, float], steps: int, tiny: Suite) -> None:
    recipe = RECIPE.model_copy(update=changes)
    assert training_steps(open_task(tiny), tiny, recipe, tiny.easy) == steps


@pytest.mark.parametrize(("higher", "kept"), [(True, 2), (False, 3)])
def test_select_best_keeps_the_weights_that_easy_validation_likes_most(
    higher: bool, kept: int, tiny: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf.take("metrics", "psnr"), "HIGHER_IS_BETTER", higher)
    scores = iter([5.0, 9.0, 1.0, 4.0, 0.0])
    seen: list[str] = []

    def validate(model: nn.Module, *rest: Any) -> float:
        seen.append(str(model.state_dict()["project.weight"].sum().item()))
        return next(scores)

    monkeypatch.setattr(training, "validate", validate)
    run(tiny, tmp_path, RECIPE.model_copy(update={"epochs": 4, "select": "best"}))
    assert len(seen) == 5  # once an epoch, and the weights that were kept
    assert seen[-1] == seen[kept - 1]


def test_validation_leaves_the_model_in_training_mode(tiny: Suite) -> None:
    model = Once(Noisy()).train()
    value = training.validate(model, open_task(tiny), tiny, tiny.easy, RECIPE, "cpu")
    assert model.training
    assert 0 < value < 30


def test_validation_is_the_mean_score_in_evaluation_mode_over_levels_after_the_training_iterations(
    tiny: Suite,
) -> None:
    task, levels, scores = open_task(tiny), ("0.05", "0.1"), []
    for model, iterations in ((Once(Noisy()), 1), (small(), 3)):
        found = training.validate(model.train(), task, tiny, levels, RECIPE, "cpu")
        for level in levels:
            x, target = task.tensors(task.draw("validation", level, np.arange(8)))
            (row,) = score_batch(model.eval(), task, x, target, budgets=[iterations], metrics=["psnr"])
            scores.append(row.scores["psnr"].mean())
        assert found == pytest.approx(np.mean(scores[-2:]), rel=1e-5)


def test_validation_tells_a_model_that_needs_to_know_the_level_of_the_images(tiny: Suite) -> None:
    heard: set[float | None] = set()

    class Told(DT):
        needs = ("level",)

        def encode(self, x: Tensor) -> Tensor:
            heard.add(self.level)
            return super().encode(x)

    training.validate(Told(3, 3, width=4), open_task(tiny), tiny, ("0.05", "0.1"), RECIPE, "cpu")
    assert heard == {0.05, 0.1}


@pytest.mark.parametrize(("horizon", "most"), [(None, 3), (7, 7)])
def test_the_progressive_loss_runs_up_to_the_horizon_of_the_recipe(
    horizon: int | None, most: int, tiny: Suite
) -> None:
    ran: list[int] = []

    class Counted(DT):
        def step(self, state: Tensor, x: Tensor, t: int) -> Tensor:
            ran.append(t + 1)
            return super().step(state, x, t)

    model, x = Counted(3, 3, width=4), torch.rand(1, 3, 8, 8)
    recipe = Recipe(train_iterations=3, horizon=horizon, losses={"progressive": 1.0})
    for draw in range(30):
        total_loss(model, open_task(tiny), recipe, x, x, random.Random(draw))
    assert max(ran) == most


@pytest.mark.parametrize("losses", [{"fixed": 1.0}, {"progressive": 1.0}])
def test_a_net_with_fewer_stages_than_training_iterations_trains_with_what_it_has(
    losses: dict[str, float], tiny: Suite
) -> None:
    model = FeedForward(3, 3, width=4, stages=2)
    recipe = Recipe(train_iterations=5, horizon=9, losses=losses)
    x = torch.rand(2, 3, 8, 8)
    for draw in range(10):
        loss = total_loss(model, open_task(tiny), recipe, x, x, random.Random(draw))
        assert loss.isfinite()


def test_losses_are_weighed_absolutely_and_the_penalty_is_added(tiny: Suite) -> None:
    class Penalised(DT):
        def penalty(self) -> float:
            return 7.0

    torch.manual_seed(0)
    x, task, model = torch.rand(2, 3, 8, 8), open_task(tiny), Penalised(3, 3, width=4)
    plain = task.loss(model(x, 5), x, x)
    recipe = Recipe(losses={"fixed": 0.25, "progressive": 0.0})
    assert total_loss(model, task, recipe, x, x, random.Random(0)).item() == pytest.approx(
        7 + 0.25 * plain.item()
    )


def test_a_recipe_for_a_model_without_parameters_is_refused(tiny: Suite, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no parameter that requires a gradient"):
        run(tiny, tmp_path, build=lambda: Once(nn.Identity()))
