"""Filters that nobody trains: what any learnt denoiser has to beat."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from easy2hard.errors import UserError, positive, whole
from easy2hard.layers.median import check_size, median_filter


class Median(nn.Module):
    """The median of each pixel's neighbourhood."""

    def __init__(self, kernel_size: int) -> None:
        super().__init__()
        check_size(kernel_size)
        self.kernel_size = kernel_size

    def forward(self, x: Tensor) -> Tensor:
        return median_filter(x, self.kernel_size)


class AdaptiveMedian(nn.Module):
    """Hwang and Haddad's ranked-order filter, channel by channel: a pixel that looks like an impulse becomes a median.

    The window grows from 3x3 until its median lies strictly between its smallest and its largest value, and so is no
    impulse itself. A pixel strictly between the two stays; any other becomes that median. Where the window of `largest`
    pixels a side has no such median either, the pixel stays. Borders are repeated: a reflected one would make an
    extreme of every slope.
    Hwang and Haddad, Adaptive median filters, IEEE TIP 4(4), 1995, algorithm RAMF.
    """

    def __init__(self, largest: int = 9) -> None:
        super().__init__()
        whole("an adaptive median", largest=largest, least=3, odd=True)
        self.largest = largest

    def forward(self, x: Tensor) -> Tensor:
        answer, open_ = x.clone(), torch.ones_like(x, dtype=torch.bool)
        for size in range(3, self.largest + 1, 2):
            padded = F.pad(x, [size // 2] * 4, mode="replicate")
            windows = padded.unfold(2, size, 1).unfold(3, size, 1).flatten(-2)
            least, median, most = windows.amin(-1), windows.median(-1).values, windows.amax(-1)
            sound = open_ & (least < median) & (median < most)
            impulse = sound & ((x <= least) | (x >= most))
            answer = torch.where(impulse, median, answer)
            open_ = open_ & ~sound
        return answer


class GaussianBlur(nn.Module):
    """A separable Gaussian window of `sigma` pixels, cut at four sigma, borders reflected.

    `UserError` for an image without the pixels to reflect.
    """

    def __init__(self, sigma: float) -> None:
        super().__init__()
        positive("a Gaussian blur", sigma=sigma)
        self.radius = max(1, round(4 * sigma))
        offsets = torch.arange(-self.radius, self.radius + 1)
        window = torch.exp(-(offsets**2) / (2 * sigma**2))
        self.register_buffer("window", window / window.sum(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if min(x.shape[-2:]) <= self.radius:
            raise UserError(
                f"a blur that reflects {self.radius} pixels at each border needs at least {self.radius + 1} "
                f"a side; got {x.shape[-2]} x {x.shape[-1]}. Pad the image before, or take a smaller sigma."
            )
        flat = x.flatten(0, 1).unsqueeze(1)  # (n * channels, 1, height, width)
        padded = F.pad(flat, [self.radius] * 4, mode="reflect")
        window = self.get_buffer("window")
        return F.conv2d(F.conv2d(padded, window.view(1, 1, -1, 1)), window.view(1, 1, 1, -1)).view_as(x)


def lost(x: Tensor) -> Tensor:
    """1 where all channels of a pixel are black, or all white, else 0: (n, 1, height, width)."""
    return ((x <= 0).all(dim=1, keepdim=True) | (x >= 1).all(dim=1, keepdim=True)).to(x.dtype)


class DetectInterpolate(nn.Module):
    """Take pixels that are pure black or pure white for lost, and fill each from its good neighbours.

    A weighted mean over the good ones among the 3x3 neighbours (weights 1-2-1); where there is none, over a 7x7
    Gaussian window (sigma 1.5); where there is none either, the pixel stays. Good pixels pass through untouched.
    """

    def __init__(self) -> None:
        super().__init__()
        small = torch.tensor([1.0, 2.0, 1.0])
        offsets = torch.arange(-3, 4)
        large = torch.exp(-(offsets**2) / (2 * 1.5**2))
        self.register_buffer("small", torch.outer(small, small), persistent=False)
        self.register_buffer("large", torch.outer(large, large), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        holes = lost(x)
        good = 1 - holes
        near, near_weight = self._weighted_mean(x, good, self.get_buffer("small"))
        far, far_weight = self._weighted_mean(x, good, self.get_buffer("large"))
        filled = torch.where(near_weight > 0, near, torch.where(far_weight > 0, far, x))
        return torch.where(holes > 0, filled, x)

    @staticmethod
    def _weighted_mean(x: Tensor, good: Tensor, window: Tensor) -> tuple[Tensor, Tensor]:
        channels, margin = x.shape[1], len(window) // 2
        total = F.conv2d(x * good, window.expand(channels, 1, *window.shape), padding=margin, groups=channels)
        weight = F.conv2d(good, window[None, None], padding=margin)
        return total / weight.clamp_min(1e-12), weight
