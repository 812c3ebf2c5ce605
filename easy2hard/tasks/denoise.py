"""Denoising: the target is a clean image, the input the same image under a suite's noise."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

import numpy as np

from easy2hard import rng, shelf
from easy2hard.errors import UserError
from easy2hard.images import Source
from easy2hard.suite import Suite
from easy2hard.tasks import I64, U8, U64, Batch, _fingerprints

if TYPE_CHECKING:
    from torch import Tensor

_PEAK = 255.0


class Denoise:
    """Images are keyed without the level and noise with it: image i is the same at every level."""

    name = "denoise"
    in_channels = 3
    out_channels = 3
    columns: tuple[str, ...] = ()

    def __init__(self, suite: Suite, noise: ModuleType, source: Source) -> None:
        self._suite, self._noise, self._source = suite, noise, source

    @property
    def notes(self) -> tuple[str, ...]:
        return self._source.notes

    def normalise(self, level: str | float) -> str:
        return cast(str, self._noise.normalise(level))

    def shape(self, level: str) -> tuple[int, int]:
        assert self._suite.size is not None  # `open` refuses a suite without one
        return self._suite.size, self._suite.size

    def available(self, split: str) -> int | None:
        return self._source.rows(split)

    def draw(self, split: str, level: str, indices: I64, stream: int = 0) -> Batch:
        clean = self._source.take(split, indices)
        name = Path(cast(str, self._suite.noise)).stem
        key = rng.key(self._suite.version, self._suite.seed, f"noise/{name}", split, level)
        noisy = cast(U8, self._noise.apply(clean, level, key, indices, stream))
        return Batch(noisy, clean, {})

    def fingerprints(
        self, split: str, level: str, indices: I64, batch: Batch | None = None
    ) -> dict[str, U64]:
        """Of the clean images, so that overlaps of the source show: exact, and up to rotation and reflection."""
        return _fingerprints.of_images(batch.target if batch else self._source.take(split, indices))

    def summary(self, level: str, batch: Batch) -> dict[str, float]:
        error = (batch.input.astype(np.int32) - batch.target) ** 2
        mse = np.maximum(error.mean(axis=(1, 2, 3)), 1e-10 * _PEAK**2)
        return {"noisy_psnr": float(np.mean(10 * np.log10(_PEAK**2 / mse)))}

    def source_digest(self) -> str:
        return self._source.digest()

    def stamp(self, level: str) -> dict[str, str]:
        return cast(dict[str, str], self._noise.stamp(level))

    def tensors(self, batch: Batch) -> "tuple[Tensor, Tensor]":
        return _image_tensor(batch.input), _image_tensor(batch.target)

    def loss(self, answer: "Tensor", target: "Tensor", x: "Tensor") -> "Tensor":
        return (answer - target).square().mean()

    def final(self, answer: "Tensor", x: "Tensor") -> "Tensor":
        return answer.float().nan_to_num(0.0).clamp(0, 1)

    def decide(self, final: "Tensor") -> "Tensor":
        import torch

        return (final * _PEAK).round().to(torch.uint8)

    def certainty(self, answer: "Tensor", x: "Tensor") -> "Tensor | None":
        return None


def open(suite: Suite, directory: Path | None = None) -> Denoise:
    """The task of a suite that names a noise, an image source and an image size."""
    if suite.noise is None or suite.images is None or suite.size is None:
        raise UserError(f"suite {suite.name}: the task denoise needs the keys noise, images and size.")
    noise = _whole("noise", suite.noise, ("normalise", "apply", "stamp"))
    images = _whole("images", suite.images, ("open",))
    source = images.open(suite.size, _image_key(suite), directory, suite.hub, suite.revision)
    return Denoise(suite, noise, cast(Source, source))


def _whole(kind: str, name: str, functions: tuple[str, ...]) -> ModuleType:
    """The file of a noise or an image source; `UserError` where it cannot be imported or lacks a function."""
    try:
        module = shelf.take(kind, name)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{name} cannot be imported: {type(error).__name__}: {error}.") from error
    missing = [function for function in functions if not callable(getattr(module, function, None))]
    if missing:
        raise UserError(
            f"{name} lacks {', '.join(missing)}; a file for {kind} has the function"
            f"{'s' if len(functions) > 1 else ''} {', '.join(functions)}, which easy2hard/{kind}/__init__.py describes."
        )
    return module


def _image_key(suite: Suite) -> Callable[[str], int]:
    return lambda split: rng.key(suite.version, suite.seed, f"images/{suite.images}", split, "")


def _image_tensor(images: U8) -> "Tensor":
    """uint8 (n, height, width, 3) -> float32 (n, 3, height, width) in [0, 1], laid out channels last."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float().div(_PEAK)
