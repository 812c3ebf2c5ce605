"""The tasks: what a sample is, and how its answer is judged."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from easy2hard.errors import UserError
from easy2hard.suite import Suite, read
from easy2hard.tasks import Task, open_task
from easy2hard.tasks.denoise import Denoise
from easy2hard.tasks.maze import Maze

INDICES = np.array([0, 1, 2, 7, 100, 2**40])


@pytest.fixture(params=["tiny", "tiny_maze"])
def suite(request: pytest.FixtureRequest) -> Suite:
    found: Suite = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def denoise(tiny: Suite) -> Denoise:
    task = open_task(tiny)
    assert isinstance(task, Denoise)
    return task


@pytest.fixture
def maze(tiny_maze: Suite) -> Maze:
    task = open_task(tiny_maze)
    assert isinstance(task, Maze)
    return task


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_sample_does_not_depend_on_its_company(split: str, suite: Suite) -> None:
    task, level = open_task(suite), suite.easy[0]
    whole = task.draw(split, level, INDICES)
    backwards = task.draw(split, level, INDICES[::-1].copy())
    alone = task.draw(split, level, INDICES[3:4])
    for all_, turned, one in zip(whole[:2], backwards[:2], alone[:2], strict=True):
        np.testing.assert_array_equal(all_, turned[::-1])
        np.testing.assert_array_equal(all_[3:4], one)


@pytest.mark.parametrize("change", [{"seed": 1}, {"version": 2}])
def test_another_seed_or_version_is_other_data(change: dict[str, int], suite: Suite) -> None:
    level = suite.easy[0]
    one = open_task(suite).draw("test", level, INDICES).target
    other = open_task(suite.model_copy(update=change)).draw("test", level, INDICES).target
    assert all((a != b).any() for a, b in zip(one, other, strict=True))


def test_another_name_is_the_same_data(suite: Suite) -> None:
    level = suite.easy[0]
    one = open_task(suite).draw("test", level, INDICES)
    other = open_task(suite.model_copy(update={"name": "other"})).draw("test", level, INDICES)
    np.testing.assert_array_equal(one.input, other.input)


def test_the_splits_differ(suite: Suite) -> None:
    drawn = [
        open_task(suite).draw(split, suite.easy[0], INDICES).target
        for split in ("train", "validation", "test")
    ]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert all((x != y).any() for x, y in zip(drawn[a], drawn[b], strict=True))


def test_samples_are_as_stored_and_tensors_as_learnt_from(suite: Suite) -> None:
    task = open_task(suite)
    for level in suite.levels:
        batch = task.draw("test", level, INDICES)
        x, target = task.tensors(batch)
        assert batch.input.dtype == batch.target.dtype == np.uint8
        assert batch.input.shape == (6, *task.shape(level), 3)
        assert tuple(batch.extra) == task.columns
        assert x.shape == (6, task.in_channels, *task.shape(level))
        assert x.dtype == torch.float32
        np.testing.assert_array_equal((x.permute(0, 2, 3, 1) * 255).round().numpy(), batch.input)
        assert target.shape[0] == 6


def test_an_image_is_the_same_at_every_level_and_its_noise_is_not(denoise: Denoise) -> None:
    easy, hard = (denoise.draw("test", level, INDICES) for level in ("0.1", "0.3"))
    np.testing.assert_array_equal(easy.target, hard.target)
    lost = [(batch.input != batch.target).any(axis=3) for batch in (easy, hard)]
    assert lost[0].mean() < lost[1].mean()
    assert (lost[0] & ~lost[1]).any()  # drawn anew, not more of the same


def test_another_stream_is_other_noise_on_the_same_image(denoise: Denoise) -> None:
    one, two = (denoise.draw("train", "0.1", INDICES, stream) for stream in (0, 1))
    np.testing.assert_array_equal(one.target, two.target)
    assert (one.input != two.input).any()


def test_another_stream_is_another_maze(maze: Maze) -> None:
    one, two = (maze.draw("train", "9", INDICES, stream) for stream in (0, 1))
    assert all((a != b).any() for a, b in zip(one.input, two.input, strict=True))


def test_mazes_of_the_splits_share_no_walls_even_turned_or_mirrored(maze: Maze) -> None:
    indices = np.arange(200)
    classes = [
        set(maze.fingerprints(split, "7", indices)["symmetric"]) for split in ("train", "validation", "test")
    ]
    assert all(a.isdisjoint(b) for a, b in combinations(classes, 2))


def test_the_path_of_a_maze_is_open_and_as_long_as_it_says(maze: Maze) -> None:
    batch = maze.draw("test", "11", INDICES)
    assert ((batch.input.max(axis=3) > 0) | (batch.target == 0)).all()
    lattice = batch.target[:, 3:-3:2, 3:-3:2]
    steps = lattice.sum(axis=(1, 2), dtype=np.int64) - 1  # from lattice point to lattice point
    assert batch.extra["path_length"].tolist() == steps.tolist()


@pytest.mark.parametrize("level", [8, 5, "9.5", "-9", "x"])
def test_a_maze_size_that_cannot_be_is_refused(level: Any, maze: Maze) -> None:
    with pytest.raises(UserError, match=r"an odd whole number from 7 upwards|such as 0.1 or 9"):
        maze.normalise(level)


@pytest.mark.parametrize("level", ["1.5", -0.1, "x"])
def test_a_share_of_pixels_that_cannot_be_is_refused(level: Any, denoise: Denoise) -> None:
    with pytest.raises(UserError, match=str(level)):
        denoise.normalise(level)


def test_the_loss_of_an_image_is_its_mean_squared_error_without_a_clamp(denoise: Denoise) -> None:
    answer = torch.full((2, 3, 4, 4), 2.0, requires_grad=True)
    loss = denoise.loss(answer, torch.zeros(2, 3, 4, 4), torch.zeros(2, 3, 4, 4))
    loss.backward()
    assert loss.item() == 4.0
    assert answer.grad is not None
    assert (answer.grad > 0).all()  # what lies outside [0, 1] is pulled back


def test_an_image_is_scored_clamped_and_compared_as_8_bit_values(denoise: Denoise) -> None:
    answer = torch.tensor([-1.0, 0.0, 0.4999 / 255, 0.5001 / 255, 254.6 / 255, 2.0]).view(1, 1, 2, 3)
    final = denoise.final(answer, answer)
    assert (final.min(), final.max()) == (0, 1)
    assert denoise.decide(final).flatten().tolist() == [0, 0, 0, 1, 255, 255]
    assert denoise.certainty(answer, answer) is None


def walls(*open_: tuple[int, int]) -> Tensor:
    """A 4x4 picture, black but for some pixels."""
    x = torch.zeros(1, 3, 4, 4)
    for row, column in open_:
        x[0, :, row, column] = 1.0
    return x


def test_the_loss_of_a_maze_is_the_cross_entropy_of_its_open_pixels(maze: Maze) -> None:
    torch.manual_seed(0)
    x = walls((0, 1), (1, 1), (2, 3))
    answer, target = torch.randn(1, 2, 4, 4, requires_grad=True), torch.ones(1, 4, 4, dtype=torch.uint8)
    loss = maze.loss(answer, target, x)
    loss.backward()
    picked = answer[0, :, [0, 1, 2], [1, 1, 3]].T
    assert loss.item() == pytest.approx(F.cross_entropy(picked, torch.ones(3).long()).item())
    assert answer.grad is not None
    assert answer.grad.abs().sum(dim=1).bool().sum() == 3


def test_the_loss_weighs_every_open_pixel_of_a_batch_alike(maze: Maze) -> None:
    x = torch.cat([walls((0, 0)), walls((0, 0), (0, 1), (0, 2))])
    answer = torch.zeros(2, 2, 4, 4)
    answer[0, 1] = 3.0
    target = torch.ones(2, 4, 4, dtype=torch.uint8)
    one, other = np.log1p(np.exp(-3.0)), np.log(2.0)
    assert maze.loss(answer, target, x).item() == pytest.approx((one + 3 * other) / 4)


def test_walls_are_never_on_the_path_however_sure_the_answer(maze: Maze) -> None:
    x = walls((0, 0), (1, 1))
    answer = torch.stack([torch.zeros(1, 4, 4), torch.full((1, 4, 4), 9.0)], dim=1)
    final = maze.final(answer, x)
    assert final.sum() == 2
    assert final.dtype == torch.uint8
    assert torch.equal(maze.decide(final), final)


def test_a_draw_between_the_classes_is_not_on_the_path(maze: Maze) -> None:
    assert maze.final(torch.zeros(1, 2, 4, 4), torch.ones(1, 3, 4, 4)).sum() == 0


def test_certainty_is_the_larger_softmax_and_0_on_walls(maze: Maze) -> None:
    torch.manual_seed(0)
    answer, x = torch.randn(1, 2, 4, 4), walls((0, 1), (3, 3))
    certainty = maze.certainty(answer, x)
    expected = answer.softmax(dim=1).amax(dim=1) * (x.amax(dim=1) > 0)
    assert torch.allclose(certainty, expected)


@pytest.mark.parametrize("key", ["noise", "images", "size"])
def test_denoising_without_a_noise_images_or_a_size_is_refused(key: str, tiny: Suite) -> None:
    with pytest.raises(UserError, match="needs the keys noise, images and size"):
        open_task(tiny.model_copy(update={key: None}))


def test_mazes_with_a_noise_are_refused(tiny_maze: Suite) -> None:
    with pytest.raises(UserError, match="the task maze takes neither noise nor images"):
        open_task(tiny_maze.model_copy(update={"noise": "gaussian"}))


def test_an_unknown_task_is_answered_with_those_that_there_are(tiny: Suite) -> None:
    with pytest.raises(UserError, match=r"no 'sudoku' in easy2hard/tasks/; there are: denoise, maze"):
        open_task(tiny.model_copy(update={"task": "sudoku"}))


def test_the_published_suites_agree_with_their_layout() -> None:
    maze: Task = open_task(read("maze"))
    assert [maze.shape(level) for level in ("9", "13", "59", "801")] == [
        (24, 24),
        (32, 32),
        (124, 124),
        (1608, 1608),
    ]
