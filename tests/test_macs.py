"""Multiply-accumulates against counts by hand and against those published for the reference nets."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from easy2hard import entry as entries, macs
from easy2hard.macs import Macs
from easy2hard.models.classical import GaussianBlur
from easy2hard.models.dncnn import DnCNN
from easy2hard.models.dt import DT, LatticeDT
from easy2hard.models.feedforward import FeedForward
from easy2hard.models.recurrent import Once, Recurrent, adapt

PIXELS = 32 * 32
PROJECTION = 9 * 3 * 20 * PIXELS  # 0.553 M; the recall's image half costs as much
HEAD = 9 * (20 * 32 + 32 * 8 + 8 * 3) * PIXELS  # 8.479 M
STEP = 9 * (23 * 20 + 4 * 20 * 20) * PIXELS  # 18.985 M with the recall by concatenation


def count(model: Recurrent, side: int = 32) -> Macs:
    return macs.count(model, 3, (side, side))


def test_one_convolution_is_counted_by_its_formula() -> None:
    assert count(Once(nn.Conv2d(3, 7, 5, padding=2, stride=2))) == Macs(7 * 3 * 25 * 16 * 16, 0)


def test_a_dense_layer_is_counted_by_its_formula() -> None:
    model = Once(nn.Sequential(nn.Flatten(), nn.Linear(3 * PIXELS, 10)))
    assert count(model) == Macs(3 * PIXELS * 10, 0)


def test_the_recurrent_denoiser_costs_what_is_published_less_the_recall_that_is_shared() -> None:
    counted = count(DT(3, 3, width=20))
    assert (PROJECTION, HEAD, STEP) == (552_960, 8_478_720, 18_984_960)
    assert counted.per_iteration == STEP - PROJECTION == 18_432_000
    assert counted.fixed == PROJECTION + PROJECTION + HEAD  # the image's half of the recall once a pass
    published = PROJECTION + 5 * STEP + HEAD  # 103.96 M, its recall convolved anew in every iteration
    assert published == 103_956_480
    assert counted.of(5) == published - 4 * PROJECTION


def test_a_net_without_recall_has_no_such_part() -> None:
    assert count(DT(3, 3, width=20, recall=False)) == Macs(PROJECTION + HEAD, 9 * 4 * 20 * 20 * PIXELS)


def test_the_feed_forward_net_costs_an_iteration_what_the_recurrent_one_does() -> None:
    assert count(FeedForward(3, 3, width=20, stages=5)) == count(DT(3, 3, width=20))


def test_dncnn_costs_683_million_in_one_thought() -> None:
    counted = count(Once(DnCNN(3)))
    assert counted == Macs(9 * (2 * 3 * 64 + 18 * 64 * 64) * PIXELS, 0)
    assert counted.fixed == pytest.approx(683.0e6, rel=1e-4)


def test_the_maze_net_costs_a_stem_an_iteration_and_a_head_as_published() -> None:
    counted = count(DT(3, 2, width=128))
    stem, iteration, head, recall = 3.54e6, 604.0e6, 40.3e6, 154.5e6
    image = 9 * 3 * 128 * PIXELS  # the half of the recall that is computed once
    assert counted.per_iteration == pytest.approx(iteration + recall - image, rel=1e-3)
    assert counted.fixed == pytest.approx(stem + head + image, rel=2e-3)


def test_the_lattice_net_thinks_on_a_quarter_of_the_pixels() -> None:
    dense, lattice = count(DT(3, 2, width=32), side=24), count(LatticeDT(3, 2, width=32), side=24)
    assert lattice.per_iteration / dense.per_iteration == pytest.approx(13 * 13 / (24 * 24))


def test_cost_grows_with_the_image() -> None:
    small, large = count(DT(3, 2, width=8), side=24), count(DT(3, 2, width=8), side=48)
    assert large == Macs(4 * small.fixed, 4 * small.per_iteration)


def test_a_function_without_a_framework_costs_nothing_and_is_not_asked_about_an_empty_image() -> None:
    def fussy(x: object) -> object:
        raise AssertionError("no image to look at")

    assert count(adapt(fussy)) == Macs(0, 0)


def test_parameters_that_are_not_trained_count_in_the_total_alone() -> None:
    model = nn.Conv2d(3, 4, 1)
    model.bias.requires_grad_(False)  # type: ignore[union-attr]
    assert macs.parameters(model) == (16, 12)


def test_a_breadth_first_search_can_be_counted() -> None:
    spec = entries.TaskSpec("maze", 3, 2, "maze")
    assert macs.count(adapt(entries.load("bfs").build(spec)), 3, (24, 24)) == Macs(0, 0)


@pytest.mark.parametrize("build", [lambda: GaussianBlur(1.0), lambda: nn.Conv2d(3, 3, 3)])
def test_a_model_is_counted_on_the_device_of_its_tensors(build: Callable[[], nn.Module]) -> None:
    seen: list[torch.device] = []
    model = build().to("meta")
    model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].device))
    assert count(Once(model)) == count(Once(build())) != Macs(0, 0)
    assert [device.type for device in seen] == ["meta"]


class _Tuple(Recurrent):
    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, x

    def step(self, state: tuple[Tensor, Tensor], x: Tensor, t: int) -> tuple[Tensor, Tensor]:
        return state[1] @ state[0], state[0]

    def decode(self, state: tuple[Tensor, Tensor], x: Tensor) -> Tensor:
        return state[0]


def test_products_of_matrices_in_a_state_of_two_tensors_are_counted() -> None:
    assert count(_Tuple()) == Macs(0, 3 * 32**3)
