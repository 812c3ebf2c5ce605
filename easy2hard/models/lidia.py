"""LIDIA: patches beside their nearest neighbours, at two scales, under matrices that mix pixels and patches in turn.

Vaksman, Elad and Milanfar, "LIDIA: Lightweight Learned Image Denoising with Instance Adaptation" (CVPRW 2020). Where
the paper leaves a size or a constant open, it is that of the authors' code (github.com/grishavak/LIDIA-denoiser).

Inside, everything has the form (pixels of a patch, patches side by side, places in the images): a product with either
kind of matrix is then a large one, and nothing is transposed.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from easy2hard.errors import UserError
from easy2hard.layers.overlap import overlap_average
from easy2hard.layers.patch_view import PatchView

_COUNT = 14  # patches side by side: a patch and its 13 nearest
_REACH = 14  # these lie at most so many rows and columns away, twice as many at the coarse scale
_FAR = -1.0  # what lies beyond the border; inside it, images have mean 0 and a range of 2
_IMAGES_AT_ONCE = {"cpu": 2**11}  # in evaluation, counted in pixels
_PLACES_AT_ONCE = {
    "cpu": 2**7
}  # in evaluation; what stands between two products then fits a processor's cache
_ELSEWHERE = 2**15


class Separable(nn.Module):
    """P X Q + b, and where asked for a batch norm over the patches and a ReLU.

    P mixes the pixels (from, to) of each patch and Q the patches (from, to) side by side; the cheaper one goes first.
    """

    def __init__(
        self, pixels: tuple[int, int], patches: tuple[int, int], *, norm: bool = False, relu: bool = True
    ) -> None:
        super().__init__()
        self.pixels = nn.Linear(*pixels, bias=False)
        self.patches = nn.Linear(*patches, bias=False)
        self.bias = nn.Parameter(torch.empty(patches[1], pixels[1]))
        nn.init.xavier_normal_(self.bias, gain=nn.init.calculate_gain("relu"))
        self.norm = nn.BatchNorm1d(patches[1]) if norm else None
        self.relu = relu
        first = patches[0] * pixels[0] * patches[1] + patches[1] * pixels[0] * pixels[1]
        last = pixels[0] * patches[0] * pixels[1] + pixels[1] * patches[0] * patches[1]
        self.patches_first = first <= last

    def forward(self, x: Tensor) -> Tensor:
        """(pixels, patches, places) -> the same, of as many pixels and patches as it goes to."""
        across, bias = self._folded()
        if self.patches_first:
            x = torch.matmul(across, x)
        x = (self.pixels.weight @ x.flatten(1)).view(-1, *x.shape[1:])
        if not self.patches_first:
            x = torch.matmul(across, x)
        x = x.add_(bias.t()[:, :, None])
        if self.norm is not None and self.training:
            x = self.norm(x)
        return x.relu_() if self.relu else x

    def _folded(self) -> tuple[Tensor, Tensor]:
        """Q and b, in evaluation with the batch norm taken into them."""
        if self.norm is None or self.training:
            return self.patches.weight, self.bias
        mean, variance = self.norm.running_mean, self.norm.running_var
        assert mean is not None  # BatchNorm1d has both …
        assert variance is not None  # … unless told otherwise
        scale = self.norm.weight * torch.rsqrt(variance + self.norm.eps)
        shift = self.norm.bias - mean * scale
        return self.patches.weight * scale[:, None], self.bias * scale[:, None] + shift[:, None]


class Stage(nn.Module):
    """A separable layer and, but in the small net, a second one blended with what went into it."""

    def __init__(self, pixels: tuple[int, int], patches: tuple[int, int], *, small: bool, norm: bool) -> None:
        super().__init__()
        self.first = Separable(pixels, patches, norm=norm)
        self.second: Separable | None = None
        if not small:
            self.second = Separable((pixels[1], pixels[1]), (patches[1], patches[1]), norm=True)
            self.share = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return x if self.second is None else torch.lerp(self.second(x), x, self.share.to(x.dtype))


class Scale(nn.Module):
    """What is learnt at one scale: weights of neighbours by their distances, features, and what patches tell others.

    The weights start near 1. By the authors' start, torch's own, they lie on both sides of 0, and at the coarse scale
    what a patch tells is divided by its weight: trained on 100 images at 0.1 the net for colour then leaves them as
    noisy as before (20.4 dB), where it has 26.8 from this start.
    """

    def __init__(self, pixels: int, width: int, *, small: bool) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor([0.5]))
        hidden = (
            (nn.Linear(_COUNT, _COUNT, bias=False), nn.BatchNorm1d(_COUNT), nn.ReLU()) for _ in range(6)
        )
        last = nn.Linear(_COUNT, _COUNT)
        nn.init.ones_(last.bias)
        nn.init.uniform_(last.weight, -0.1 * _COUNT**-0.5, 0.1 * _COUNT**-0.5)
        self.weigh = nn.Sequential(*(layer for layers in hidden for layer in layers), last)
        self.encode = Stage((pixels, width), (_COUNT, _COUNT), small=small, norm=False)
        self.tell = Separable((width, pixels), (_COUNT, 1), relu=False)
        self.hear = Separable((pixels, width), (1, _COUNT))

    def look(self, patches: Tensor, nearest: Tensor, distances: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features (width, 14, places), what each patch tells (pixels, places), and its own weight (1, places)."""
        weight = self.weigh(torch.exp(-self.alpha.abs() * distances.t())).t()
        side_by_side = patches[:, nearest.flatten()].view(-1, *nearest.shape)
        features = self.encode(side_by_side * weight)
        return features, self.tell(features)[:, 0], weight[:1]


class Lidia(nn.Module):
    """Predicts the noise of every patch; the cleaned patches are averaged, those of less variance counting more.

    Grey: patches of 7x7 pixels and 64 features, on each channel alone; 61,589 parameters, 40,226 for the `small` one.
    `colour`: 5x5 pixels of 3 channels and 80 features, neighbours found by their grey values; 94,067 parameters.
    The statistics of its batch norms in training are those of all patches of a batch.
    """

    def __init__(self, *, colour: bool = False, small: bool = False) -> None:
        super().__init__()
        self.colour, self.size = colour, 5 if colour else 7
        pixels, width = (75, 80) if colour else (49, 64)
        self.fine, self.coarse = (Scale(pixels, width, small=small) for _ in range(2))
        self.merge = Stage((width, width), (4 * _COUNT, 4 * _COUNT), small=small, norm=True)
        self.noise = Separable((width, pixels), (4 * _COUNT, 1), relu=False)
        self.beta = nn.Parameter(torch.tensor([0.5]))

    def forward(self, x: Tensor) -> Tensor:
        self._check(x)
        images = 2 * (x if self.colour else x.reshape(-1, 1, *x.shape[-2:])) - 1
        # In double precision, so that it is the same number in every batch: on the line at which a border is reflected
        # a patch is as near as its mirror image, and the last bit of the mean would decide which of them is taken.
        mean = images.double().mean(dim=(-2, -1), keepdim=True).to(images.dtype)
        most = _IMAGES_AT_ONCE.get(x.device.type, _ELSEWHERE)
        step = len(images) if self.training else max(1, most // (x.shape[-2] * x.shape[-1]))
        cleaned = torch.cat([self._clean(part) for part in torch.split(images - mean, step)])
        return ((cleaned + mean + 1) / 2).view_as(x)

    def _check(self, x: Tensor) -> None:
        least = self.size + self.size // 2 + 1
        if min(x.shape[-2:]) < least:
            raise UserError(
                f"LIDIA reflects {least - 1} pixels at each border, so an image has at least {least} a side; "
                f"got {x.shape[-2]} x {x.shape[-1]}. Pad it before."
            )
        if self.colour and x.shape[1] != 3:
            raise UserError(
                f"LIDIA in colour takes 3 channels, got {x.shape[1]}; the grey one takes any number."
            )

    def _clean(self, image: Tensor) -> Tensor:
        """(n, channels, height, width), every channel of mean 0 and in a range of 2."""
        n, size, border = len(image), self.size, self.size - 1
        fine = _view(F.pad(image, [border] * 4, mode="reflect"), size, dilation=1)
        wide = border + size // 2
        coarse = _view(_blur(F.pad(image, [wide + 1] * 4, mode="reflect")), size, dilation=2)
        features, told, _ = self._in_pieces(
            partial(self.fine.look, fine.patches), fine.nearest, fine.distances
        )
        others, told_far, weight = self._in_pieces(
            partial(self.coarse.look, coarse.patches), coarse.nearest, coarse.distances
        )
        mean = overlap_average(_apart(told, n), fine.shape, size)
        heard = _together(F.unfold(mean, size))
        mean = overlap_average(_apart(told_far / weight, n), coarse.shape, size, dilation=2)
        mean = _blur(F.pad(mean, [1] * 4, mode="reflect"))
        heard_far = weight * _together(F.unfold(mean, size, dilation=2))
        (noise,) = self._in_pieces(self._merge, features, others, heard, heard_far)
        cleaned = fine.own() - noise
        trust = torch.exp(-self.beta.abs() * cleaned.var(dim=0, unbiased=False))
        answer = overlap_average(_apart(cleaned, n), fine.shape, size, weight=_apart(trust[None], n))
        return answer[..., border:-border, border:-border]

    def _merge(self, features: Tensor, others: Tensor, heard: Tensor, heard_far: Tensor) -> tuple[Tensor]:
        """The noise of the patches, (pixels, places), from all that is known of them at both scales."""
        heard, heard_far = self.fine.hear(heard[:, None]), self.coarse.hear(heard_far[:, None])
        return (self.noise(self.merge(torch.cat([features, others, heard, heard_far], dim=1)))[:, 0],)

    def _in_pieces(self, function: Callable[..., tuple[Tensor, ...]], *tensors: Tensor) -> list[Tensor]:
        """What `function` answers to tensors whose last axis are the places, in evaluation a few places at a time.

        In training it sees all of them, since the batch norms take their statistics over all.
        """
        places = tensors[0].shape[-1]
        most = places if self.training else _PLACES_AT_ONCE.get(tensors[0].device.type, _ELSEWHERE)
        parts = zip(*(torch.split(tensor, most, dim=-1) for tensor in tensors), strict=True)
        answers = zip(*(function(*part) for part in parts), strict=True)
        return [torch.cat(answer, dim=-1) for answer in answers]


def _view(image: Tensor, size: int, dilation: int) -> PatchView:
    """The patches with their neighbours; the own patch's variance stands where its distance from itself would."""
    view = PatchView.of(image, size, dilation=dilation, reach=_REACH, count=_COUNT, beyond=_FAR)
    spread = view.own().var(dim=0, keepdim=True) * len(view.patches)
    return view._replace(distances=torch.cat([view.distances[1:], spread]))


def _blur(image: Tensor) -> Tensor:
    """By (1/4, 1/2, 1/4) along either axis; a pixel less remains at each border."""
    return F.avg_pool2d(F.avg_pool2d(image, 2, 1), 2, 1)


def _apart(x: Tensor, n: int) -> Tensor:
    """(pixels, places of all images) -> (n, pixels, places of an image), as `F.fold` takes them."""
    return x.view(len(x), n, -1).transpose(0, 1)


def _together(x: Tensor) -> Tensor:
    """(n, pixels, places of an image) -> (pixels, places of all images)."""
    return x.transpose(0, 1).flatten(1)


_NAMES = (  # of the authors' parameters, and of the same ones here
    (r"alpha(\d)", r"scale\1.alpha"),
    (r"weights_net(\d)\.fc_out", r"scale\1.weigh.18"),
    (r"weights_net(\d)\.(fc|bn)(\d)", lambda m: f"scale{m[1]}.weigh.{3 * int(m[3]) + (m[2] == 'bn')}"),
    (r"separable_fc_net\.", ""),
    (r"sep_part1_s(\d)", r"scale\1.encode"),
    (r"sep_part2\.ver_hor_out", "noise"),
    (r"sep_part2", "merge"),
    (r"ver_hor_agg(\d)_pre", r"scale\1.tell"),
    (r"ver_hor_bn_re_agg(\d)_post", r"scale\1.hear"),
    (r"ver_hor_bn_re[02]", "first"),
    (r"ver_hor_bn_re[13]", "second"),
    (r"ver_hor\.", ""),
    (r"\.ver\.", ".pixels."),
    (r"\.hor\.", ".patches."),
    (r"\.bn\.", ".norm."),
    (r"\.b$", ".bias"),
    (r"\.a$", ".share"),
    (r"scale0", "fine"),
    (r"scale1", "coarse"),
)


def published(saved: Mapping[str, Any]) -> dict[str, Tensor]:
    """The state dict of a `Lidia` from a file of the authors, such as `models/model_state_sigma_25_bw.pt`.

    `saved` is what `torch.load(path, weights_only=True)` gives, with their parameters under `state_dict`. The kernel of
    a blur that is stored among them is left out: here it is none. Raises `UserError` for anything else.
    """
    state, blur = saved.get("state_dict"), "separable_fc_net.agg1.bilinear_conv.weight"
    if not isinstance(state, Mapping) or blur not in state:
        raise UserError(
            f"a file of LIDIA's authors holds parameters under 'state_dict', {blur} among them; "
            f"got {', '.join(map(str, list(saved)[:3]))}, … Read a state dict of this project's own as it is."
        )
    return {_renamed(name): tensor for name, tensor in state.items() if name != blur}


def _renamed(name: str) -> str:
    for theirs, ours in _NAMES:
        name = re.sub(theirs, ours, name)
    return name
