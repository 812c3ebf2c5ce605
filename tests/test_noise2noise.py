"""Noise2Noise: pairs are one image under two independent noises, and nothing else is learnt from."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from easy2hard import check as checks, data, entry as entries, macs
from easy2hard.data import stream
from easy2hard.entry import TaskSpec
from easy2hard.errors import UserError
from easy2hard.evaluation import evaluate
from easy2hard.losses import Lesson, noise2noise
from easy2hard.models import n2n
from easy2hard.models.dt import DT
from easy2hard.models.recurrent import adapt
from easy2hard.models.unet import UNet
from easy2hard.progress import silent
from easy2hard.recipe import Recipe
from easy2hard.suite import Suite
from easy2hard.tasks import I64, Batch, open_task
from easy2hard.train import train

Write = Callable[..., Path]
PAIRED = Recipe(epochs=1, batch_size=8, train_iterations=2, losses={"noise2noise": 1.0})
LOSSES = ("train_iterations=3", 'train_iterations=3, losses={"noise2noise": 1.0}')

DEAF = """
import numpy as np
def normalise(level): return str(level)
def apply(clean, level, key, indices, stream=0): return clean // 2
def stamp(level): return {}
"""


class Spy:
    """A task that writes down the streams drawn of it, and may spoil the clean images."""

    def __init__(self, suite: Suite, *, spoil: bool = False) -> None:
        self.task: Any = open_task(suite)
        self.spoil, self.streams = spoil, list[int]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.task, name)

    def draw(self, split: str, level: str, indices: I64, stream: int = 0) -> Batch:
        batch: Batch = self.task.draw(split, level, indices, stream)
        self.streams.append(stream)
        return batch._replace(target=np.zeros_like(batch.target)) if self.spoil else batch


def trained(suite: Suite, task: Any, folder: Path, recipe: Recipe = PAIRED) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    model = DT(3, 3, width=4, hidden=(4, 4))
    train(model, task, suite, recipe, seed=0, folder=folder, listen=silent)
    return model.state_dict()


def test_a_pair_is_one_image_under_two_noises(tiny: Suite) -> None:
    first = stream(tiny, "0.1", batch_size=8, shuffle=False)
    (x, clean), second = first.batch(0), first.second(0)
    indices = np.arange(8)
    again = open_task(tiny).draw("train", "0.1", indices, 1)
    assert torch.equal(clean, open_task(tiny).tensors(again)[1])
    assert torch.equal(second, open_task(tiny).tensors(again)[0])
    assert not torch.equal(x, second)


def test_the_noises_of_a_pair_are_independent(tiny: Suite) -> None:
    one, other, clean = (open_task(tiny).draw("train", "0.3", np.arange(40), draw) for draw in (0, 1, 0))
    lost = [(batch.input != clean.target).any(axis=3) for batch in (one, other)]
    assert (lost[0] & lost[1]).mean() == pytest.approx(0.3**2, abs=0.02)


@pytest.mark.parametrize("fresh", [True, False])
def test_pairs_are_drawn_anew_in_each_epoch_where_noise_is(fresh: bool, tiny: Suite) -> None:
    of_all = stream(tiny, "0.1", batch_size=40, shuffle=False, fresh=fresh)
    draws = [of_all.batch(0)[0], of_all.second(0), of_all.batch(1)[0], of_all.second(1)]
    assert torch.equal(draws[1], draws[3]) is not fresh
    assert all(not torch.equal(draws[a], draws[b]) for a, b in ((0, 1), (2, 3), (1, 2)))


def test_a_stream_of_pairs_has_the_second_draw_for_a_target(tiny: Suite) -> None:
    x, target = next(iter(stream(tiny, "0.1", pairs=True, batch_size=8)))
    plain = stream(tiny, "0.1", batch_size=8)
    assert torch.equal(x, plain.batch(0)[0])
    assert torch.equal(target, plain.second(0))


def test_the_loss_is_that_against_the_second_draw_and_the_clean_target_never_enters() -> None:
    torch.manual_seed(0)
    model, x, pair = DT(3, 3, width=4), torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8)
    lesson = Lesson(
        model, x, torch.full_like(x, torch.nan), lambda a, t, x: (a - t).square().mean(), 3, 3,
        random.Random(0), lambda: pair,
    )  # fmt: skip
    assert torch.equal(noise2noise.loss(lesson), (model(x, 3) - pair).square().mean())


def test_training_from_pairs_gives_the_same_weights_whatever_the_clean_images_are(
    tiny: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = trained(tiny, Spy(tiny), tmp_path / "a")
    spoilt = trained(tiny, Spy(tiny, spoil=True), tmp_path / "b")
    assert all(torch.equal(plain[name], spoilt[name]) for name in plain)


def test_a_recipe_without_the_loss_draws_no_pairs(tiny: Suite, tmp_path: Path) -> None:
    spies = [Spy(tiny), Spy(tiny)]
    trained(tiny, spies[0], tmp_path / "a", PAIRED.model_copy(update={"losses": {"fixed": 1.0}}))
    trained(tiny, spies[1], tmp_path / "b")
    assert 1 not in spies[0].streams
    assert 1 in spies[1].streams


def test_a_lesson_that_offers_no_pair_says_so() -> None:
    x = torch.rand(1, 3, 8, 8)
    lesson = Lesson(DT(3, 3, width=4), x, x, lambda a, t, x: a.mean(), 1, 1, random.Random(0))
    with pytest.raises(UserError, match="second noisy draw"):
        noise2noise.loss(lesson)


def test_mazes_have_no_pairs_and_it_is_said_before_training(
    tiny_maze: Suite, write_entry: Write, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"tiny-maze has none.*such as sp or gaussian"):
        evaluate(write_entry(LOSSES), tiny_maze, out=tmp_path / "runs")
    assert not list((tmp_path / "runs").rglob("*.safetensors"))
    with pytest.raises(UserError, match="tiny-maze has none"):
        stream(tiny_maze, 7, pairs=True)


def test_a_noise_that_does_not_hear_its_stream_gives_no_pairs(tiny: Suite, tmp_path: Path) -> None:
    (tmp_path / "deaf.py").write_text(DEAF)
    deaf = tiny.model_copy(update={"noise": str(tmp_path / "deaf.py")})
    with pytest.raises(UserError, match=r"at level 0\.1 are equal"):
        data.stream(deaf, "0.1", pairs=True)


@pytest.mark.parametrize(("name", "passed"), [("tiny", True), ("tiny-maze", False)])
def test_the_gradients_of_the_loss_are_checked_where_there_are_pairs(
    name: str, passed: bool, definitions: Path, write_entry: Write
) -> None:
    from easy2hard import suite as suites

    found = {f.name: f for f in checks.check(entries.load(write_entry(LOSSES)), suites.read(name))}
    finding = found["gradients reach every parameter"]
    assert finding.passed is passed
    assert passed or "tiny-maze has none" in finding.detail


# --- the entries ---

COUNTS = {
    "n2n-model1": 8_352,
    "n2n-model2": 1_763,
    "n2n-model2v1": 1_728,
    "n2n-model2v2": 1_728,
    "n2n-model3": 1_827,
    "n2n-model4": 3_523,
    "n2n-model5": 7_043,
    "n2n-model6": 75_651,
    "n2n-pooling": 79_552,
    "n2n-final": 79_488,
    "n2n-unet": 991_203,
    "n2n-modules": 17_763,
}
SPEC = TaskSpec("denoise", 3, 3, "sp")


def test_every_entry_is_counted() -> None:
    assert set(COUNTS) == {name for name in entries.names() if name.startswith("n2n-")}


@pytest.mark.parametrize("name", COUNTS)
def test_an_entry_has_the_parameters_of_its_source_and_its_card_says_so(name: str) -> None:
    model, card = adapt(entries.load(name).build(SPEC)), entries.card(name)
    cost = macs.count(model, 3, (32, 32))
    assert card.parameters == COUNTS[name]
    assert macs.parameters(model) == (COUNTS[name], COUNTS[name])
    assert (card.macs_fixed, card.macs_per_iteration) == (cost.fixed, cost.per_iteration)


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("shape", [(17, 35), (5, 8)])
def test_an_entry_takes_images_of_any_size(name: str, shape: tuple[int, int]) -> None:
    model = adapt(entries.load(name).build(SPEC)).eval()
    with torch.no_grad():
        answer = model(torch.rand(2, 3, *shape), 1)
    assert answer.shape == (2, 3, *shape)
    assert answer.isfinite().all()


@pytest.mark.parametrize("name", COUNTS)
def test_an_entry_learns_from_pairs_and_beside_them_from_clean_targets_alike(name: str) -> None:
    recipes = entries.load(name).recipes
    for pairs, clean in (("quick", "clean"), ("paper", "paper-clean")):
        assert recipes[pairs].losses == {"noise2noise": 1.0}
        assert recipes[clean] == recipes[pairs].model_copy(update={"losses": {"fixed": 1.0}})


def test_an_unknown_net_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(UserError, match=r"no Noise2Noise net 'model7'; there are: model1, .*final"):
        n2n.net("model7")


def test_a_row_of_model_1_is_mapped_alike_wherever_it_lies() -> None:
    model, x = n2n.net("model1"), torch.rand(1, 3, 4, 32)
    assert torch.allclose(model(torch.cat([x, x], dim=3)), torch.cat([model(x)] * 2, dim=3), atol=1e-6)


def test_the_final_net_answers_nothing_below_black() -> None:
    torch.manual_seed(0)
    answer = n2n.net("final")(torch.rand(2, 3, 16, 16))
    assert (answer >= 0).all()


LAYERS: dict[str, Callable[[torch.Tensor, Any], torch.Tensor]] = {
    "in": lambda x, held: F.conv2d(x, held.weight, held.bias, padding=3),
    "out": lambda x, held: F.conv_transpose2d(x, held.weight, held.bias, padding=3),
    "same": lambda x, held: F.conv2d(x, held.weight, held.bias, padding=1),
    "up": lambda x, held: F.conv_transpose2d(x, held.weight, held.bias, stride=2),
    "norm": lambda x, held: F.batch_norm(x, held.running_mean, held.running_var, held.weight, held.bias),
    "pool": lambda x, _: F.max_pool2d(x, 2),
    "relu": lambda x, _: x.clamp(min=0),
    "leaky": lambda x, _: torch.where(x > 0, x, 0.01 * x),
    "reflect": lambda x, _: torch.where(x > 0, x, -0.1 * x),
}
WRITTEN_OUT = {
    "model2": "in relu out relu",
    "model2v1": "in relu out relu",
    "model2v2": "in leaky out relu",
    "model3": "in norm relu out relu",
    "model4": "in relu out relu",
    "model5": "in relu out relu",
    "model6": "in relu in relu out relu out relu",
    "pooling": "in relu pool in relu out relu up out relu",
    "final": "same relu same relu same relu same relu same reflect",
}


@pytest.mark.parametrize("name", WRITTEN_OUT)
def test_a_net_of_the_project_is_its_list_of_layers(name: str) -> None:
    torch.manual_seed(0)
    model, x = n2n.net(name).double().eval(), torch.rand(2, 3, 8, 10, dtype=torch.double)
    holders = (module for module in model.modules() if hasattr(module, "weight"))
    expected = x
    for layer in WRITTEN_OUT[name].split():
        held = next(holders) if layer in ("in", "out", "same", "up", "norm") else None
        expected = LAYERS[layer](expected, held)
    torch.testing.assert_close(model(x), expected)
    assert next(holders, None) is None


def unet_by_hand(model: UNet, x: torch.Tensor) -> torch.Tensor:
    """Table 2 of Lehtinen et al., row by row: the net's convolutions come in its order."""
    convolutions = (layer for layer in model.modules() if isinstance(layer, nn.Conv2d))

    def convolved(x: torch.Tensor) -> torch.Tensor:
        layer = next(convolutions)
        return F.conv2d(x, layer.weight, layer.bias, padding=1)

    def active(x: torch.Tensor) -> torch.Tensor:
        return F.leaky_relu(convolved(x), 0.1)

    skips = [x - 0.5]
    state = active(skips[0])
    for _ in range(5):
        state = F.max_pool2d(active(state), 2)
        skips.append(state)
    state = active(skips.pop())
    for skip in reversed(skips):
        twice = state.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        state = active(active(torch.cat([twice, skip], dim=1)))
    return convolved(state) + 0.5


def test_the_u_net_is_that_of_the_papers_table_behind_a_repeated_border() -> None:
    torch.manual_seed(0)
    model, x = UNet().double(), torch.rand(1, 3, 30, 50, dtype=torch.double)
    padded = F.pad(x, (0, 14, 0, 2), mode="replicate")
    with torch.no_grad():
        torch.testing.assert_close(model(x), unet_by_hand(model, padded)[..., :30, :50])


def test_the_u_net_starts_with_the_variance_of_its_authors_and_without_biases() -> None:
    """2 / inputs of a unit (He et al., 2015), and 1 / inputs for the answer, which no ReLU follows."""
    torch.manual_seed(0)
    *hidden, answer = (layer for layer in UNet().modules() if isinstance(layer, nn.Conv2d))
    for layer in (*hidden, answer):
        variance = 9 * layer.in_channels * float(layer.weight.detach().var())
        assert variance == pytest.approx(1 if layer is answer else 2, rel=0.2)
        assert not layer.bias.any()
