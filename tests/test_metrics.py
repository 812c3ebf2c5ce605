"""The metrics: closed forms, slow references, and the corners where a formula breaks."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from easy2hard import shelf, units
from easy2hard.metrics import path_iou, psnr, solved, ssim


def constant(value: float, side: int = 16) -> Tensor:
    return torch.full((1, 3, side, side), value)


def pictures(n: int = 4, side: int = 20) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    x = torch.rand(n, 3, side, side)
    return (x + 0.2 * torch.rand(n, 1, 1, 1) * torch.randn_like(x)).clamp(0, 1), x


@pytest.mark.parametrize("gap", [1.0, 0.5, 0.1, 0.01])
def test_psnr_of_an_even_error_is_its_closed_form(gap: float) -> None:
    assert psnr.score(constant(0.0), constant(gap)).item() == pytest.approx(-20 * math.log10(gap), abs=1e-4)


def test_psnr_of_one_wrong_grey_level_in_one_channel() -> None:
    answer = constant(0.0)
    answer[0, 1, 3, 4] = 1 / 255
    expected = 10 * math.log10(255**2 * 3 * 16 * 16)
    assert psnr.score(answer, constant(0.0)).item() == pytest.approx(expected, abs=1e-3)


def test_psnr_is_per_image() -> None:
    answers, targets = pictures()
    alone = [psnr.score(a[None], t[None]).item() for a, t in zip(answers, targets, strict=True)]
    assert psnr.score(answers, targets).tolist() == pytest.approx(alone)
    assert len(set(alone)) == 4


def test_psnr_of_equal_images_is_a_hundred() -> None:
    assert psnr.score(constant(0.3), constant(0.3)).item() == pytest.approx(100.0)


def test_pooled_psnr_is_that_of_the_mean_squared_error() -> None:
    answers, targets = pictures()
    error = (answers - targets).square().mean().item()
    assert psnr.pooled(psnr.score(answers, targets)) == pytest.approx(-10 * math.log10(error), abs=1e-4)


def test_pooled_psnr_never_exceeds_the_mean_psnr() -> None:
    for seed in range(20):
        scores = 40 * torch.rand(30, generator=torch.Generator().manual_seed(seed))
        assert psnr.pooled(scores) <= scores.mean().item()
    assert psnr.pooled(torch.full((5,), 23.0)) == pytest.approx(23.0)


def slow_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """SSIM of one channel by Wang et al.'s formulas: a Gaussian of 11 taps, valid positions only."""
    offsets = np.arange(11) - 5
    window = np.exp(-(offsets**2) / (2 * 1.5**2))
    kernel = np.outer(window, window) / window.sum() ** 2

    def mean(image: np.ndarray) -> np.ndarray:
        return ndimage.correlate(image, kernel, mode="constant")[5:-5, 5:-5]

    mu_a, mu_b = mean(a), mean(b)
    var_a, var_b, cov = mean(a * a) - mu_a**2, mean(b * b) - mu_b**2, mean(a * b) - mu_a * mu_b
    c1, c2 = 0.01**2, 0.03**2
    top = (2 * mu_a * mu_b + c1) * (2 * cov + c2)
    return float((top / ((mu_a**2 + mu_b**2 + c1) * (var_a + var_b + c2))).mean())


@pytest.mark.parametrize("shape", [(11, 11), (16, 16), (32, 21)])
def test_ssim_is_that_of_the_paper(shape: tuple[int, int]) -> None:
    torch.manual_seed(1)
    a, b = torch.rand(2, 3, *shape), torch.rand(2, 3, *shape)
    b = (a + b) / 2
    expected = [
        np.mean([slow_ssim(x.double().numpy(), y.double().numpy()) for x, y in zip(p, q, strict=True)])
        for p, q in zip(a, b, strict=True)
    ]
    assert ssim.score(a, b).tolist() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_ssim_of_equal_images_is_one(value: float) -> None:
    assert ssim.score(constant(value), constant(value)).item() == pytest.approx(1.0, abs=1e-5)
    image = pictures(1)[1]
    assert ssim.score(image, image).item() == pytest.approx(1.0, abs=1e-5)


def test_ssim_of_two_constants_is_the_luminance_term() -> None:
    expected = (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)
    assert ssim.score(constant(0.2), constant(0.6)).item() == pytest.approx(expected, abs=1e-4)


def masks() -> tuple[Tensor, Tensor]:
    target = torch.zeros(3, 4, 4, dtype=torch.uint8)
    target[:, 1, :] = 1
    answer = target.clone()
    answer[1, 1, 0] = 0  # one missed of four
    answer[2, 3, 3] = 1  # one too many
    return answer, target


def test_a_maze_is_solved_when_every_pixel_is_right() -> None:
    assert solved.score(*masks()).tolist() == [1.0, 0.0, 0.0]


def test_path_iou_counts_missed_and_surplus_pixels() -> None:
    assert path_iou.score(*masks()).tolist() == pytest.approx([1.0, 3 / 4, 4 / 5])


def test_an_empty_answer_scores_nothing_on_masks() -> None:
    _, target = masks()
    empty = torch.zeros_like(target)
    assert path_iou.score(empty, target).tolist() == [0.0] * 3
    assert solved.score(empty, target).tolist() == [0.0] * 3


@pytest.mark.parametrize("name", shelf.names("metrics"))
def test_scores_are_finite_float32_one_per_sample(name: str) -> None:
    images = name in ("psnr", "ssim")
    answer, target = pictures(3) if images else masks()
    for pair in ((answer, target), (target, target), (torch.zeros_like(target), target)):
        scores = shelf.take("metrics", name).score(*pair)
        assert scores.shape == (3,)
        assert scores.dtype == torch.float32
        assert scores.isfinite().all()


@pytest.mark.parametrize("name", shelf.names("metrics"))
def test_a_metric_and_the_boards_agree_on_its_unit(name: str) -> None:
    assert units.unit(name) == shelf.take("metrics", name).UNIT
