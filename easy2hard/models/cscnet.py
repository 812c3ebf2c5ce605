"""CSCNet: a convolutional sparse code, found by a learnt ISTA. Simon and Elad, NeurIPS 2019.

An image is a sum of small atoms placed on a grid. The grid is coarse, so that atoms hardly overlap and stay
incoherent; what a coarse grid loses is given back by coding every shift of the image against it, each by itself, and
averaging the answers. Layers and their start are those of the authors' code (drorsimon/CSCNet).
"""

from collections.abc import Callable
from itertools import product
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from easy2hard.errors import UserError, positive, whole
from easy2hard.layers import piecewise
from easy2hard.layers.soft_threshold import soft_threshold
from easy2hard.models.recurrent import Recurrent

_POWER_ITERATIONS = 100
_POWER_GRID = 16  # places a side


class CSCNet(Recurrent):
    """`filters` atoms of kernel_size x kernel_size every `stride` pixels; 63,700 parameters at the paper's sizes.

    One iteration is one unfolding: z <- S(z - B(Az - x)), where A puts a picture together, B takes one apart, and S
    shrinks the code of each filter by a threshold of its own. C, a third set of filters, makes the answer. The first of
    the paper's 12 unfoldings starts from a code of zeros, which leaves S(Bx): here that is `encode`, and 11 iterations
    follow. All share their weights, so it may go on for ever.

    The net is grey: each channel is an image of its own. A state is (n, channels * shifts, rows, columns, filters), of
    all stride² shifts. A `thrifty` net trains on `stride` of them, one in each row, and answers with all.

    The authors' state dicts load as they are: `apply_A.weight`, …, `soft_threshold.threshold`.
    """

    def __init__(
        self,
        *,
        filters: int = 175,
        kernel_size: int = 11,
        stride: int = 8,
        threshold: float = 1e-2,
        thrifty: bool = False,
    ) -> None:
        super().__init__()
        whole("a CSCNet", filters=filters, kernel_size=kernel_size, stride=stride)
        positive("a CSCNet", threshold=threshold, or_zero=True)
        if not stride <= kernel_size <= 2 * stride:
            raise UserError(
                "atoms overlap their direct neighbours at most: kernel_size lies between stride and 2 stride; "
                f"got kernel_size {kernel_size} and stride {stride}."
            )
        self.filters, self.kernel_size, self.stride, self.thrifty = filters, kernel_size, stride, thrifty
        atoms = torch.randn(filters, 1, kernel_size, kernel_size)
        atoms /= largest_eigenvalue(atoms, stride).sqrt()
        self.apply_A, self.apply_B, self.apply_C = Filters(atoms), Filters(atoms), Filters(atoms)
        self.soft_threshold = Threshold(filters, threshold)

    def encode(self, x: Tensor) -> Tensor:
        return self._on_every_shift(self._start, self.recall(x))

    def recall(self, x: Tensor) -> Tensor:
        """What lies under the atoms, (n, channels * shifts, rows, columns, kernel_size²)."""
        size, stride = self.kernel_size, self.stride
        wide = self._widen(x)
        height, width = (side - stride + 1 for side in wide.shape[-2:])
        shifted = [wide[:, :, i : i + height, j : j + width] for i, j in self._shifts()]
        windows = [picture.unfold(2, size, stride).unfold(3, size, stride) for picture in shifted]
        return torch.stack(windows, dim=2).flatten(1, 2).flatten(-2)

    def step(self, state: Tensor, x: Tensor, t: int) -> Tensor:
        return self._on_every_shift(self._unfold, state, x)

    def decode(self, state: Tensor, x: Tensor) -> Tensor:
        """The mean of all shifts' pictures, each without its border."""
        n, channels, height, width = x.shape

        def mean(codes: Tensor) -> Tensor:
            inside = []
            for (i, j), picture in zip(self._shifts(), self._draw(codes), strict=True):
                top, left = self.stride - i, self.stride - j
                inside.append(picture[:, top : top + height, left : left + width])
            return torch.stack(inside).mean(dim=0)

        grey = state.reshape(n * channels, -1, *state.shape[2:])
        return piecewise(mean, state.new_empty(n * channels, height, width), grey).view(x.shape)

    def _draw(self, codes: Tensor) -> tuple[Tensor, ...]:
        """Codes (n, shifts, rows, columns, filters) of grey images -> a picture (n, height, width) of each shift."""
        sides = [(places - 1) * self.stride + self.kernel_size for places in codes.shape[2:4]]
        patches = self.apply_C.synthesis(codes).flatten(0, 1).flatten(1, 2).transpose(1, 2)
        pictures = F.fold(patches, (sides[0], sides[1]), self.kernel_size, stride=self.stride)
        return pictures.view(*codes.shape[:2], *sides).unbind(1)

    def _start(self, patches: Tensor) -> Tensor:
        return cast(Tensor, self.soft_threshold(self.apply_B.analysis(patches)))

    def _unfold(self, code: Tensor, patches: Tensor) -> Tensor:
        residual = patches - overlap(self.apply_A.synthesis(code), self.kernel_size, self.stride)
        return cast(Tensor, self.soft_threshold(code + self.apply_B.analysis(residual)))

    def _on_every_shift(self, change: Callable[..., Tensor], *tensors: Tensor) -> Tensor:
        """`change`, which knows nothing of other shifts or images."""
        code = tensors[0].new_empty(*tensors[0].shape[:-1], self.filters)
        changed = piecewise(change, code.flatten(0, 1), *(tensor.flatten(0, 1) for tensor in tensors))
        return changed.view_as(code)

    def _shifts(self) -> list[tuple[int, int]]:
        """By how many pixels the grid of atoms moves, down and to the right."""
        if self.thrifty and self.training:
            return [(i, 3 * i % self.stride) for i in range(self.stride)]
        return list(product(range(self.stride), range(self.stride)))

    def _widen(self, x: Tensor) -> Tensor:
        """x with a reflected border: of `stride` pixels before it, and after it what all shifts need.

        The authors pad a shift by up to `stride` pixels before and at least as many after the image, to where its last
        atom ends. All of these lie inside one wider picture.
        """
        stride, border = self.stride, []
        for side in reversed(x.shape[-2:]):
            after = (self.kernel_size - side) % stride + stride
            border += [stride, after + stride - 1]
            if border[-1] >= side:
                raise UserError(
                    f"a reflected border of {border[-1]} pixels needs more than that of an image; got "
                    f"{x.shape[-2]} x {x.shape[-1]}. Sides of {3 * stride - 1} or more always do."
                )
        return F.pad(x, border, mode="reflect")


class Filters(nn.Module):
    """A set of atoms (filters, 1, kernel_size, kernel_size), as torch's convolutions hold them."""

    def __init__(self, atoms: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(atoms.clone())

    def analysis(self, patches: Tensor) -> Tensor:
        """(…, kernel_size²) -> (…, filters): how much of each atom. A convolution, were it not for the gathering."""
        return patches @ self.weight.flatten(1).t()

    def synthesis(self, code: Tensor) -> Tensor:
        """(…, filters) -> (…, kernel_size²): the transpose."""
        return code @ self.weight.flatten(1)


class Threshold(nn.Module):
    """`soft_threshold` with a learnt threshold for each filter, the last axis."""

    def __init__(self, filters: int, start: float) -> None:
        super().__init__()
        self.threshold = nn.Parameter(torch.full((1, filters, 1, 1), float(start)))

    def forward(self, code: Tensor) -> Tensor:
        return soft_threshold(code, self.threshold.flatten())


def overlap(patches: Tensor, kernel_size: int, stride: int) -> Tensor:
    """Lay patches (…, rows, columns, kernel_size²) on their grid, add up where they overlap, and take them off."""
    return cast(Tensor, _Overlap.apply(patches, kernel_size, stride))  # type: ignore[no-untyped-call]  # torch leaves it


class _Overlap(torch.autograd.Function):
    """It is symmetric, so it is its own backward. Unlike `fold` and `unfold` it touches the seams alone."""

    @staticmethod
    def forward(ctx: Any, patches: Tensor, kernel_size: int, stride: int) -> Tensor:
        ctx.sizes = kernel_size, stride
        answer = patches.clone(memory_format=torch.contiguous_format)
        grid = answer.view(*patches.shape[:-1], kernel_size, kernel_size)
        width = kernel_size - stride
        for before, after in (  # rows first; columns then carry the sums into the corners
            (grid[..., :-1, :, stride:, :], grid[..., 1:, :, :width, :]),
            (grid[..., :-1, :, stride:], grid[..., 1:, :, :width]),
        ):
            after.copy_(before.add_(after))
        return answer

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return overlap(gradient, *ctx.sizes), None, None


@torch.no_grad()
def largest_eigenvalue(atoms: Tensor, stride: int) -> Tensor:
    """Of the synthesis after the analysis, by the power method: what a step of ISTA must not exceed the inverse of."""
    kernel_size = atoms.shape[-1]
    matrix = atoms.flatten(1)
    vector = torch.randn(_POWER_GRID, _POWER_GRID, len(atoms))
    for _ in range(_POWER_ITERATIONS):
        vector = vector / torch.linalg.vector_norm(vector)
        vector = overlap(vector @ matrix, kernel_size, stride) @ matrix.t()
    return cast(Tensor, torch.linalg.vector_norm(vector))
