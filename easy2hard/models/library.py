"""Denoisers of well-kept libraries, as callables on float32 NCHW arrays; the extra `classical` brings the libraries."""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from easy2hard.errors import UserError, positive, whole

Images = NDArray[np.float32]  # (n, channels, height, width) in [0, 1]
_OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]])  # the package's, up to the length of a row
_LEAST_SIDE = 9  # of an image for the package bm3d: its blocks are 8x8, and at 8x8 pixels it ends the process
_LEAST_SIGMA = 1 / 255 / 12**0.5  # what rounding to 8 bits adds; a filter told 0 divides by it


def extra(module: str) -> Any:
    """A module of a library of the extra `classical`; a `UserError` says how to install one that is missing."""
    try:
        return importlib.import_module(module)
    except (ImportError, OSError) as error:  # the second: compiled for another kind of machine
        raise UserError(
            f"this entry needs the library {module.partition('.')[0]}, which does not import ({error}); "
            "run `pip install 'easy2hard[classical]'`."
        ) from error


class Sigma:
    """The standard deviation of Gaussian noise, estimated from the noisy image alone.

    The median of the finest diagonal wavelet coefficients of each channel (Donoho and Johnstone, Ideal spatial
    adaptation by wavelet shrinkage, Biometrika 81(3), 1994), by scikit-image; the mean over the channels.
    """

    def __init__(self) -> None:
        extra("pywt")  # which scikit-image asks for only when it estimates
        self._estimate = extra("skimage.restoration").estimate_sigma

    def __call__(self, image: NDArray[np.float64]) -> float:
        """Of one image (height, width, channels); never below what rounding to 8 bits adds."""
        return max(_LEAST_SIGMA, float(self._estimate(image, channel_axis=-1, average_sigmas=True)))


class BM3D:
    """Block matching and 3-D filtering, told sigma (white is 1), by its authors' package `bm3d`.

    Dabov et al., Image denoising by sparse 3-D transform-domain collaborative filtering, IEEE TIP 16(8), 2007. Colour
    images go to an opponent space (0.6 dB above the package's YCbCr on easy validation images), and blocks are matched
    on its first channel. The profile is the package's usual one but for two settings. One thread: several add up in any
    order, and give two answers to one image. And variances over a domain of 16x16 in place of 32x32: that table serves
    correlated noise, takes most of the time at this image size, and moves the mean PSNR by a few hundredths of a dB.
    """

    def __init__(self) -> None:
        self._library = extra("bm3d")
        self._profile = self._library.BM3DProfile()
        self._profile.num_threads = 1
        self._profile.nf = 16

    def __call__(self, x: Images, level: float) -> Images:
        return each(x, lambda image: self.denoise(image, level))

    def denoise(self, image: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
        """One image (height, width, channels); one without colour, which the package divides by, plane by plane.

        `UserError` for an image that has no room for its blocks.
        """
        if min(image.shape[:2]) < _LEAST_SIDE:
            raise UserError(
                f"BM3D matches blocks of 8 x 8 pixels, so an image has at least {_LEAST_SIDE} a side; "
                f"got {image.shape[0]} x {image.shape[1]}. Pad it before."
            )
        if image.shape[2] == 3 and np.ptp(image @ _OPPONENT.T, axis=(0, 1)).min() > 1e-6:
            colour: NDArray[np.float64] = self._library.bm3d_rgb(image, sigma, self._profile, "opp")
            return colour
        planes = [self._library.bm3d(plane, sigma, self._profile) for plane in np.moveaxis(image, 2, 0)]
        return np.stack(planes, axis=2)


class EstimatedBM3D:
    """BM3D that is not told sigma and estimates it from each image."""

    def __init__(self) -> None:
        self._bm3d, self._sigma = BM3D(), Sigma()

    def __call__(self, x: Images) -> Images:
        return each(x, lambda image: self._bm3d.denoise(image, self._sigma(image)))


class NonLocalMeans:
    """Each pixel becomes the mean of those whose neighbourhoods look like its own, by scikit-image.

    Buades, Coll and Morel, A non-local algorithm for image denoising, CVPR 2005, with the correction for the noise's
    own distance; all channels together. Sigma is estimated from each image, and h is `strength` times as large.
    """

    def __init__(self, patch: int = 5, distance: int = 6, strength: float = 0.6) -> None:
        whole("non-local means", patch=patch, odd=True)
        whole("non-local means", distance=distance)
        positive("non-local means", strength=strength)
        self._filter, self._sigma = extra("skimage.restoration").denoise_nl_means, Sigma()
        self._patch, self._distance, self._strength = patch, distance, strength

    def __call__(self, x: Images) -> Images:
        return each(x, self.denoise)

    def denoise(self, image: NDArray[np.float64]) -> NDArray[np.float64]:
        """One image (height, width, channels)."""
        sigma = self._sigma(image)
        answer: NDArray[np.float64] = self._filter(
            image,
            patch_size=self._patch,
            patch_distance=self._distance,
            h=self._strength * sigma,
            sigma=sigma,
            fast_mode=True,
            channel_axis=-1,
        )
        return answer.reshape(image.shape)  # the library drops the axis of a single channel


def each(x: Images, denoise: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Images:
    """Image after image as (height, width, channels) in float64, and back."""
    answers = [denoise(np.moveaxis(image, 0, -1).astype(np.float64)) for image in x]
    return np.moveaxis(np.stack(answers), -1, 1).astype(np.float32)
