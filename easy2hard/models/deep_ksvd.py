"""Deep K-SVD: sparse coding of all patches over a learnt dictionary. Scetbon, Elad and Milanfar, IEEE TIP 2021.

The computational path of K-SVD denoising (Elad and Aharon, 2006) as a net: LISTA in the place of orthogonal matching
pursuit, and a small net that reads off each patch how strongly to shrink its code, in the place of a known noise level.
Layers and their start are those of the authors' code (meyerscetbon/Deep-K-SVD).
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from easy2hard.errors import UserError, whole
from easy2hard.layers import piecewise
from easy2hard.layers.overlap import overlap_average
from easy2hard.layers.soft_threshold import soft_threshold
from easy2hard.models.recurrent import Recurrent

Seen = tuple[
    Tensor, Tensor
]  # patches (n, places, patch_size²), and by how much their codes shrink (n, places, 1)

_HIDDEN = (128, 64, 32)  # widths of the net that reads lambda off a patch


class DeepKSVD(Recurrent):
    """Patches of patch_size x patch_size at every pixel, `atoms` atoms; 35,138 parameters at the paper's sizes.

    One iteration is one of LISTA: z <- S(z - Dᵀ(Dz - y) / c), where D is the dictionary, c a learnt step and S shrinks
    by lambda(y) / c. It starts from S(Dᵀy), the authors' code, whose first step is not divided by c. A thought is the
    average of the patches Dz, clamped to the range of images and weighted pixel by pixel.

    More `stages` (53,891 and 72,644 parameters for 2 and 3) denoise what the one before answered, with the same D and c
    and a lambda and weights of their own. All but the last run `iterations` iterations inside `encode`, and once more
    inside `recall`; the harness's iterations are those of the last.

    The net is grey: each channel is an image of its own. A state is (n, channels * places, atoms). The authors' state
    dicts load as they are: `Dict`, `c`, `linear1.weight`, …, `w`, and with more stages `w_1`, `linear1_2.weight`, ….
    """

    def __init__(
        self, *, stages: int = 1, patch_size: int = 8, atoms: int = 256, iterations: int = 7
    ) -> None:
        super().__init__()
        whole("a deep K-SVD", stages=stages, atoms=atoms)
        whole("a deep K-SVD", patch_size=patch_size, least=2)
        whole("a deep K-SVD", iterations=iterations, least=0)
        self.stages, self.patch_size, self.iterations = stages, patch_size, iterations
        dictionary = overcomplete_dct(patch_size, atoms)
        self.Dict = nn.Parameter(dictionary)
        self.c = nn.Parameter(torch.linalg.matrix_norm(dictionary, 2).square().reshape(1))
        for stage in range(1, stages + 1):
            for layer, (inputs, outputs) in enumerate(pairwise((patch_size**2, *_HIDDEN, 1)), start=1):
                self.add_module(_layer_name(layer, stage), nn.Linear(inputs, outputs))
            weight = nn.Parameter(1 + 0.1 * torch.randn(patch_size**2))
            self.register_parameter(self._weight_name(stage), weight)

    def encode(self, x: Tensor) -> Tensor:
        return self._start(self.recall(x))

    def recall(self, x: Tensor) -> Seen:
        """What the last stage sees; those before it run here."""
        image = 2 * x - 1
        for stage in range(1, self.stages):
            seen = self._see(image, stage)
            code = self._start(seen)
            for _ in range(self.iterations):
                code = self._improve(code, seen)
            image = self._average(code, image, stage)
        return self._see(image, self.stages)

    def step(self, state: Tensor, x: Seen, t: int) -> Tensor:
        return self._improve(state, x)

    def decode(self, state: Tensor, x: Tensor) -> Tensor:
        return (self._average(state, x, self.stages) + 1) / 2

    def _see(self, image: Tensor, stage: int) -> Seen:
        """Cut an image in [-1, 1] into its patches, and say how strongly to shrink the code of each."""
        n, channels, height, width = image.shape
        if min(height, width) < self.patch_size:
            raise UserError(
                f"patches of {self.patch_size} x {self.patch_size} need an image of that size at least; "
                f"got {height} x {width}."
            )
        patches = F.unfold(image.reshape(n * channels, 1, height, width), self.patch_size)
        patches = patches.transpose(1, 2).reshape(n, -1, self.patch_size**2)
        first, *inner, last = (self.get_submodule(_layer_name(layer, stage)) for layer in range(1, 5))
        hidden = F.relu(first(patches))
        for layer in inner:
            hidden = F.relu(layer(hidden))
        return patches, last(hidden) / self.c

    def _start(self, seen: Seen) -> Tensor:
        def first(patches: Tensor, shrink: Tensor) -> Tensor:
            return soft_threshold(patches @ self.Dict, shrink)

        return self._on_every_patch(first, *seen)

    def _improve(self, code: Tensor, seen: Seen) -> Tensor:
        def closer(code: Tensor, patches: Tensor, shrink: Tensor) -> Tensor:
            residual = code @ self.Dict.t() - patches
            return soft_threshold(code - residual @ self.Dict / self.c, shrink)

        return self._on_every_patch(closer, code, *seen)

    def _on_every_patch(self, change: Callable[..., Tensor], *tensors: Tensor) -> Tensor:
        """`change`, which knows nothing of other patches."""
        code = tensors[0].new_empty(*tensors[0].shape[:2], self.Dict.shape[1])
        changed = piecewise(change, code.flatten(0, 1), *(tensor.flatten(0, 1) for tensor in tensors))
        return changed.view_as(code)

    def _average(self, code: Tensor, image: Tensor, stage: int) -> Tensor:
        """The patches Dz in the place of `image`, each pixel the weighted mean of all that cover it."""
        (n, channels, height, width), weight = image.shape, self.get_parameter(self._weight_name(stage))
        patches = (code @ self.Dict.t()).clamp(-1, 1).view(n * channels, -1, self.patch_size**2)
        size, counts = self.patch_size, weight[:, None].unsqueeze(0)
        averaged = overlap_average(patches.transpose(1, 2), (height, width), size, weight=counts)
        return averaged.view(n, channels, height, width)

    def _weight_name(self, stage: int) -> str:
        return "w" if self.stages == 1 else f"w_{stage}"


def _layer_name(layer: int, stage: int) -> str:
    return f"linear{layer}" if stage == 1 else f"linear{layer}_{stage}"


def overcomplete_dct(patch_size: int, atoms: int) -> Tensor:
    """Products of `atoms`^½ cosines along rows and columns, (patch_size², atoms), each atom of norm 1.

    All but the constant have mean 0 along each axis. `UserError` for a number of atoms that is no square.
    """
    frequencies = round(atoms**0.5)
    if frequencies < 1 or frequencies**2 != atoms:
        raise UserError(f"the atoms are products of two cosines, so their number is a square; got {atoms}.")
    place, frequency = torch.arange(patch_size)[:, None], torch.arange(frequencies)
    cosines = torch.cos(place * frequency * torch.pi / frequencies)
    cosines[:, 1:] -= cosines[:, 1:].mean(dim=0)
    cosines /= cosines.norm(dim=0)
    return torch.kron(cosines, cosines)
