"""The patches of images, dense or dilated, and for every one the nearest patches around it."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from easy2hard.layers.nearest_patches import nearest_patches

_GREY = (0.2989, 0.5870, 0.1140)


class PatchView(NamedTuple):
    """Places are the patches inside the images, image by image and row by row; beyond lies a border of one value."""

    patches: Tensor  # (pixels of a patch, all patches of all images, also those of the border)
    nearest: Tensor  # (count, places): columns of `patches`; a place's own patch comes first
    distances: Tensor  # (count, places): squared, of grey pixels; 0 for the own patch
    shape: tuple[int, int]  # of the images without the border

    @classmethod
    def of(
        cls, image: Tensor, size: int, *, dilation: int = 1, reach: int, count: int, beyond: float
    ) -> "PatchView":
        """Of images (n, 1 or 3 channels, height, width): patches of size x size pixels that lie `dilation` apart.

        The `count` nearest patches are looked for at `reach` places in every direction that lie `dilation` apart too;
        what is beyond the border has the value `beyond`. The pixels of a patch come in the order of `F.unfold`.
        """
        height, width = image.shape[-2:]
        border = dilation * reach
        bordered = F.pad(
            image, [border, border + -width % dilation, border, border + -height % dilation], value=beyond
        )
        patches = F.unfold(bordered, size, dilation=dilation)
        rows, columns = (length - dilation * (size - 1) for length in (height, width))
        found = _nearest(_grey(bordered), size, dilation, reach, count)
        distances, nearest = (part[:, :rows, :columns] for part in found)
        n, pixels, every = patches.shape
        first = every * torch.arange(n, device=image.device).view(-1, 1, 1, 1)
        return cls(
            patches.transpose(0, 1).reshape(pixels, -1),
            (nearest + first).reshape(-1, count).t().contiguous(),
            distances.reshape(-1, count).t().contiguous(),
            (height, width),
        )

    def own(self) -> Tensor:
        """(pixels of a patch, places): the patches at the places themselves."""
        return self.patches[:, self.nearest[0]]


def _nearest(grey: Tensor, size: int, dilation: int, reach: int, count: int) -> tuple[Tensor, Tensor]:
    """Distances and columns of the nearest patches, (n, rows, columns, count), of images (n, 1, height, width).

    Patches dilated by 2 are the dense ones of four images: those of every second row and column. So for any dilation.
    """
    n, _, height, width = grey.shape
    phases = F.pixel_unshuffle(grey, dilation).flatten(0, 1)
    distances, nearest = nearest_patches(phases, size, reach=reach, count=count)
    across = width // dilation - size + 1  # patches in a row of a phase
    phase = torch.arange(dilation**2, device=grey.device).repeat(n).view(-1, 1, 1)
    row = nearest // across * dilation + phase // dilation
    column = nearest % across * dilation + phase % dilation
    nearest = row * (width - dilation * (size - 1)) + column
    rows = height // dilation - size + 1 - 2 * reach
    by_phase = (part.view(n, dilation, dilation, rows, -1, count) for part in (distances, nearest))
    distances, nearest = (part.permute(0, 3, 1, 4, 2, 5).flatten(3, 4).flatten(1, 2) for part in by_phase)
    return distances, nearest


def _grey(image: Tensor) -> Tensor:
    if image.shape[1] == 1:
        return image
    red, green, blue = (
        share * channel for share, channel in zip(_GREY, torch.split(image, 1, dim=1), strict=True)
    )
    return red + green + blue
