"""Draw docs/dead_leaves.png: the first 100 test images of the embedded source, three times enlarged.

python docs/dead_leaves.py
"""

from pathlib import Path

import numpy as np
from PIL import Image

from easy2hard import atomic, rng
from easy2hard.images import dead_leaves

SIDE, ACROSS, UP = 32, 10, 3


def sheet() -> Image.Image:
    """The images row by row, a grid without gaps."""
    source = dead_leaves.open(
        SIDE, lambda split: rng.key(1, 0, "images/dead_leaves", split, ""), None, None, None
    )
    tiles = source.take("test", np.arange(ACROSS * ACROSS)).reshape(ACROSS, ACROSS, SIDE, SIDE, 3)
    flat = tiles.swapaxes(1, 2).reshape(ACROSS * SIDE, ACROSS * SIDE, 3)
    return Image.fromarray(flat.repeat(UP, axis=0).repeat(UP, axis=1))


if __name__ == "__main__":
    path = Path(__file__).with_suffix(".png")
    with atomic.replacing(path) as temporary:
        sheet().save(temporary, format="PNG", optimize=True)
    print(path)
