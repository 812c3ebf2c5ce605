"""The published protocol for Gaussian noise on CBSD68: sigma of 255, not rounded, not clipped, PSNR of each image."""

import os
from pathlib import Path
from zlib import crc32

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from easy2hard.metrics import psnr
from easy2hard.models.dncnn import DnCNN
from easy2hard.weights import load_weights

DATA = Path(os.environ.get("EASY2HARD_TEST_DATA", "../shared/data"))
IMAGES = sorted((DATA / "denoise_sets" / "CBSD68").glob("*.webp"))
MISSING = not IMAGES or not (DATA / "weights").is_dir()
WHY = f"CBSD68 or the published weights are not at {DATA}; set EASY2HARD_TEST_DATA to the folder that holds both"


def published(name: str = "cdncnn_b") -> DnCNN:
    """A colour DnCNN with the weights of its authors; `cdncnn_b` is the blind one, for sigma 0 to 55."""
    model = DnCNN(3, folded=True)
    load_weights(model, DATA / "weights" / f"{name}.safetensors")
    return model.eval().to(memory_format=torch.channels_last)


def image(path: Path) -> Tensor:
    """(1, 3, height, width) in [0, 1]."""
    pixels = np.array(Image.open(path).convert("RGB"))
    return torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255


def noisy(clean: Tensor, sigma: float, path: Path) -> Tensor:
    """The image under noise that depends on its name alone."""
    generator = torch.Generator().manual_seed(crc32(f"{path.stem} {sigma}".encode()))
    return clean + sigma / 255 * torch.randn(clean.shape, generator=generator)


@torch.inference_mode()
def score(model: nn.Module, path: Path, sigma: float) -> float:
    """PSNR of the clamped answer, in dB."""
    clean = image(path)
    answer = model(noisy(clean, sigma, path).to(memory_format=torch.channels_last))
    return float(psnr.score(answer.clamp(0, 1), clean))
