"""The picture of a level that stands at the head of the card: a few inputs, and below them their targets."""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from easy2hard import png
from easy2hard.data import parquet
from easy2hard.tasks import U8

_SHOWN = 3  # samples side by side
_HEIGHT = 96  # pixels that a sample takes up at least
_GAP = 4  # white pixels between samples


def draw(shard: Path) -> bytes:
    """A PNG of the first samples of a shard, enlarged without smoothing."""
    rows = parquet.decode(shard)
    inputs, targets = png.decode(rows.input[:_SHOWN]), png.decode(rows.target[:_SHOWN])
    if targets.ndim == 3:
        targets = np.repeat(targets[..., None] * np.uint8(255), 3, axis=-1)
    sink = BytesIO()
    Image.fromarray(np.concatenate([_strip(inputs), _strip(targets)])).save(sink, "PNG", optimize=True)
    return sink.getvalue()


def _strip(images: U8) -> U8:
    """Images (n, height, width, 3) side by side, each enlarged by a whole number and framed in white."""
    factor = -(-_HEIGHT // images.shape[1])
    large = images.repeat(factor, axis=1).repeat(factor, axis=2)
    framed = np.pad(large, ((0, 0), (0, _GAP), (0, _GAP), (0, 0)), constant_values=255)
    return np.concatenate(list(framed), axis=1)
