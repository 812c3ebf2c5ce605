"""Nearest patches, views and overlap averages: the values of slow, plain versions, in pieces as at once; refusals."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from easy2hard.errors import UserError
from easy2hard.layers import nearest_patches as search
from easy2hard.layers.nearest_patches import nearest_patches
from easy2hard.layers.overlap import overlap_average
from easy2hard.layers.patch_view import PatchView


def drawn(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def by_hand(x: Tensor, size: int, reach: int, count: int) -> tuple[list[list[float]], list[list[int]]]:
    """The nearest patches of one image, every pair compared: distances and columns of `F.unfold`."""
    across, down = x.shape[1] - size + 1, x.shape[0] - size + 1
    distances, places = [], []
    for row in range(reach, down - reach):
        for column in range(reach, across - reach):
            own = x[row : row + size, column : column + size]
            found = []
            for r in range(row - reach, row + reach + 1):
                for c in range(column - reach, column + reach + 1):
                    distance = float((x[r : r + size, c : c + size] - own).square().sum())
                    found.append((distance, r * across + c))
            nearest = sorted(found)[:count]
            distances.append([distance for distance, _ in nearest])
            places.append([place for _, place in nearest])
    return distances, places


CASES = pytest.mark.parametrize(
    ("size", "reach", "count"), [(3, 2, 5), (5, 3, 14), (7, 1, 9), (2, 4, 1), (1, 2, 3)]
)


@CASES
def test_the_nearest_patches_are_those_of_comparing_every_pair(size: int, reach: int, count: int) -> None:
    x = drawn(2, 13, 16)
    distances, places = nearest_patches(x, size, reach=reach, count=count)
    for image in range(2):
        expected, expected_places = by_hand(x[image], size, reach, count)
        assert places[image].tolist() == expected_places
        torch.testing.assert_close(distances[image], torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("at_once", [1, 1_000, 5_000])
def test_a_search_in_bands_and_image_by_image_finds_the_same(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = drawn(5, 14, 17).float()
    whole = nearest_patches(x, 3, reach=2, count=6)
    monkeypatch.setattr(search, "_DISTANCES_AT_ONCE", {"cpu": at_once})
    for found, expected in zip(nearest_patches(x, 3, reach=2, count=6), whole, strict=True):
        assert torch.equal(found, expected)


def test_a_patch_comes_first_among_its_equals() -> None:
    distances, places = nearest_patches(torch.zeros(1, 9, 9), 3, reach=2, count=14)
    assert places[0, :, 0].tolist() == [16, 17, 18, 23, 24, 25, 30, 31, 32]
    assert distances.abs().sum() == 0


def test_impossible_searches_are_refused() -> None:
    with pytest.raises(UserError, match="3 x 3 patches has no 14 nearest; ask for 1 to 9"):
        nearest_patches(torch.zeros(1, 9, 9), 3, reach=1, count=14)
    with pytest.raises(
        UserError, match=r"at least 7 pixels a side, the border of 2 with it; got \(1, 9, 6\)"
    ):
        nearest_patches(torch.zeros(1, 9, 6), 3, reach=2, count=5)


@pytest.mark.parametrize("shape", [(12, 12), (11, 14), (12, 9)])
@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_a_view_has_each_patch_beside_its_nearest_at_whole_steps_of_the_dilation(
    dilation: int, shape: tuple[int, int]
) -> None:
    image, size, reach, count = drawn(2, 1, *shape), 3, 2, 6
    view = PatchView.of(image, size, dilation=dilation, reach=reach, count=count, beyond=-1.0)
    assert view.shape == shape
    assert torch.equal(view.own(), F.unfold(image, size, dilation=dilation).transpose(0, 1).flatten(1))
    beside = view.patches[:, view.nearest.flatten()].unflatten(1, view.nearest.shape)
    torch.testing.assert_close((beside - beside[:, :1]).square().sum(dim=0), view.distances)
    torch.testing.assert_close(view.distances, least_by_hand(image, size, dilation, reach, count))


def least_by_hand(image: Tensor, size: int, dilation: int, reach: int, count: int) -> Tensor:
    """(count, places): the least squared distances of the patches at all shifts of the image by whole steps."""
    border = dilation * reach
    bordered = F.pad(image, [border] * 4, value=-1.0)
    height, width = image.shape[-2:]
    own = F.unfold(image, size, dilation=dilation)
    shifts = range(0, 2 * border + 1, dilation)
    shifted = [bordered[..., r : r + height, c : c + width] for r in shifts for c in shifts]
    distances = [(F.unfold(part, size, dilation=dilation) - own).square().sum(dim=1) for part in shifted]
    return torch.stack(distances).sort(dim=0).values[:count].flatten(1)


def test_colours_are_compared_by_their_grey_values() -> None:
    image = drawn(1, 3, 10, 10)
    grey = (image * torch.tensor([0.2989, 0.5870, 0.1140]).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
    far = float(torch.tensor([0.2989, 0.5870, 0.1140]).sum())
    of_colour = PatchView.of(image, 3, reach=2, count=4, beyond=-1.0)
    of_grey = PatchView.of(grey, 3, reach=2, count=4, beyond=-far)
    assert torch.equal(of_colour.nearest, of_grey.nearest)
    torch.testing.assert_close(of_colour.distances, of_grey.distances)
    assert of_colour.patches.shape[0] == 27


@pytest.mark.parametrize(("size", "dilation"), [(3, 1), (4, 1), (3, 2)])
def test_untouched_patches_give_the_image_back_whatever_they_weigh(size: int, dilation: int) -> None:
    image = drawn(2, 3, 9, 12)
    patches = F.unfold(image, size, dilation=dilation)
    for weight in (None, 0.1 + drawn(2, 1, patches.shape[-1])):
        back = overlap_average(patches, (9, 12), size, dilation=dilation, weight=weight)
        torch.testing.assert_close(back, image)


def test_a_pixel_is_the_weighted_mean_of_the_patches_that_hold_it() -> None:
    patches = torch.tensor([[[1.0], [2.0], [3.0], [4.0]]]).expand(1, 4, 2)  # 2 x 2 pixels, at two places
    back = overlap_average(patches, (2, 3), 2, weight=torch.tensor([[[1.0, 3.0]]]))
    assert back.flatten().tolist() == [1.0, (2.0 + 3 * 1.0) / 4, 2.0, 3.0, (4.0 + 3 * 3.0) / 4, 4.0]
