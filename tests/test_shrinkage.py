"""Shrinking patches in the cosine domain, taking back the pull of clipping, and the net that corrects the result."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import fft
from torch import nn
from torch.nn import functional as F

from easy2hard import suite as suites
from easy2hard.errors import UserError
from easy2hard.layers.shrinkage import clipped_mean, dct_basis, hard_threshold, unclip, wiener
from easy2hard.models.shrink import ShrinkDT
from easy2hard.tasks import open_task

Array = NDArray[np.float64]


def error(image: torch.Tensor, clean: torch.Tensor) -> float:
    return float((image - clean).square().mean())


@pytest.mark.parametrize(("channels", "size"), [(1, 4), (3, 4), (3, 8)])
def test_the_basis_is_orthonormal_and_begins_with_the_constant(channels: int, size: int) -> None:
    basis = dct_basis(channels, size).flatten(1)
    torch.testing.assert_close(basis @ basis.T, torch.eye(channels * size**2), atol=1e-5, rtol=0)
    assert float(basis[0].std()) < 1e-6


@pytest.mark.parametrize("size", [4, 8])
def test_where_nothing_is_shrunk_the_patches_give_back_the_image(size: int) -> None:
    basis, x = dct_basis(3, size), torch.rand(2, 3, 12, 17)
    torch.testing.assert_close(hard_threshold(x, basis, 0.0), x, atol=1e-5, rtol=0)
    torch.testing.assert_close(wiener(x, x, basis, 1e-9), x, atol=1e-5, rtol=0)


def patch_by_patch(
    images: tuple[torch.Tensor, ...], size: int, shrink: Callable[..., tuple[Array, float]]
) -> torch.Tensor:
    """The weighted mean of shrunk patches: `shrink` is given SciPy's coefficients of each image."""
    margin = size - 1
    padded = [
        np.pad(x[0].double().numpy(), [(0, 0), *[(margin, margin)] * 2], mode="reflect") for x in images
    ]
    total, weights = np.zeros((2, *padded[0].shape))
    for i, j in product(*(range(side - margin) for side in padded[0].shape[1:])):
        place = np.s_[:, i : i + size, j : j + size]
        shrunk, weight = shrink(*(fft.dctn(picture[place], norm="ortho") for picture in padded))
        total[place] += weight * fft.idctn(shrunk, norm="ortho")
        weights[place] += weight
    return torch.from_numpy(total / weights)[None, :, margin:-margin, margin:-margin].float()


def test_a_threshold_keeps_what_is_above_two_and_a_half_sigma_and_weighs_by_how_little_that_is() -> None:
    x = torch.rand(1, 3, 9, 11, generator=torch.Generator().manual_seed(0))

    def shrink(found: Array) -> tuple[Array, float]:
        kept = np.abs(found) > 2.5 * 0.15
        kept[0, 0, 0] = True
        return found * kept, 1 / kept.sum()

    expected = patch_by_patch((x,), 4, shrink)
    torch.testing.assert_close(hard_threshold(x, dct_basis(3, 4), 0.15), expected, atol=1e-5, rtol=0)


def test_a_wiener_filter_shrinks_by_the_power_of_its_pilot_and_weighs_by_the_noise_that_is_left() -> None:
    x, pilot = torch.rand(2, 1, 3, 9, 11, generator=torch.Generator().manual_seed(0))

    def shrink(found: Array, guide: Array) -> tuple[Array, float]:
        gain = guide**2 / (guide**2 + 0.15**2)
        return found * gain, 1 / (gain**2).sum()

    expected = patch_by_patch((x, pilot), 4, shrink)
    torch.testing.assert_close(wiener(x, pilot, dct_basis(3, 4), 0.15), expected, atol=1e-5, rtol=0)


def test_the_net_sees_the_unclipped_wiener_filtered_image_and_what_was_taken_away() -> None:
    model, x = ShrinkDT(3, 3, width=4), torch.rand(2, 3, 12, 12)
    model.tell("0.2")
    shrunk = unclip(wiener(x, hard_threshold(x, dct_basis(3, 8), 0.2), dct_basis(3, 4), 0.2), 0.2)
    features, seen = model.encode(x)
    torch.testing.assert_close(seen, torch.cat([shrunk, x - shrunk], dim=1))
    torch.testing.assert_close(features, F.conv2d(seen, model.project.weight, padding=1).relu())


def test_where_all_is_shrunk_a_flat_image_stays() -> None:
    flat = torch.full((1, 3, 12, 12), 0.4)
    torch.testing.assert_close(hard_threshold(flat, dct_basis(3, 8), 10.0), flat, atol=1e-5, rtol=0)


def test_a_threshold_takes_most_of_the_noise_and_a_wiener_filter_more() -> None:
    task = open_task(suites.read("gaussian"))
    x, clean = task.tensors(task.draw("validation", "0.1", np.arange(8)))
    pilot = hard_threshold(x, dct_basis(3, 8), 0.1)
    assert error(pilot, clean) < 0.3 * error(x, clean)
    assert error(wiener(x, pilot, dct_basis(3, 4), 0.1), clean) < error(pilot, clean)


@pytest.mark.parametrize("sigma", [0.05, 0.3])
def test_the_mean_of_clipped_noise_is_that_of_many_draws(sigma: float) -> None:
    c = torch.linspace(0, 1, 11, dtype=torch.float64)
    z = torch.randn(400_000, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    drawn = (c + sigma * z).clamp(0, 1).mean(dim=0)
    torch.testing.assert_close(clipped_mean(c, sigma), drawn, atol=2e-3, rtol=0)


@pytest.mark.parametrize("sigma", [0.05, 0.3])
def test_unclipping_takes_the_pull_of_clipping_back(sigma: float) -> None:
    c = torch.linspace(0, 1, 101)
    torch.testing.assert_close(unclip(clipped_mean(c, sigma), sigma), c, atol=1e-3, rtol=0)


def test_what_no_clipped_noise_averages_to_becomes_black_or_white() -> None:
    black, white = unclip(torch.tensor([-0.2, 1.2]), 0.1).tolist()
    assert black == pytest.approx(0, abs=1e-3)
    assert white == pytest.approx(1, abs=1e-3)


def test_an_image_smaller_than_a_patch_is_refused() -> None:
    with pytest.raises(UserError, match="8x8 need an image of at least that size; got 7x20"):
        hard_threshold(torch.rand(1, 3, 7, 20), dct_basis(3, 8), 0.1)


def test_the_net_starts_from_the_shrunk_image_and_meets_more_noise_as_less_contrast() -> None:
    model, x = ShrinkDT(3, 3, width=4), torch.rand(2, 3, 12, 12)
    both = torch.rand(2, 6, 12, 12)
    features = F.relu(model.project(both))
    a = model.block(model.recall_conv(features, model.recall_conv.image(both)))
    b = model.block(model.recall_conv(features / 3, model.recall_conv.image(both / 3)))
    torch.testing.assert_close(model.head(a) / 3, model.head(b))
    nn.init.zeros_(model.head[-1].weight)
    model.tell("0.2")
    with torch.no_grad():
        assert torch.equal(model(x, 3), model.shrink(x, 0.2))
