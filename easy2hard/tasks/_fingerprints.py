"""Hashes of images that tell whether two of them are equal, as they are or up to rotation and reflection."""

import numpy as np

from easy2hard import rng
from easy2hard.tasks import U8, U64

_SYMMETRIES = 8


def of_images(images: U8) -> dict[str, U64]:
    """Hash square images (n, side, side, channels): `exact`, and `symmetric`, the least over the 8 symmetries.

    A hash is the sum of the bytes times fixed odd 64-bit weights, modulo 2^64: among 60,000 images the chance
    that any two different ones meet is about 1e-10.
    """
    side, channels = images.shape[1], images.shape[3]
    weights = _weights(side * side * channels).reshape(side, side, channels)
    turned = [np.rot90(view, turns) for view in (weights, weights[:, ::-1]) for turns in range(4)]
    # Turning the weights instead of the image gives the same eight sums.
    tables = np.stack([table.reshape(-1) for table in turned])
    hashes = np.empty((len(images), _SYMMETRIES), np.uint64)
    _sums(np.ascontiguousarray(images).reshape(len(images), -1), tables, hashes)
    return {"exact": hashes[:, 0].copy(), "symmetric": hashes.min(axis=1)}


@rng.kernel
def _sums(images: U8, tables: U64, out: U64) -> None:
    for i in range(images.shape[0]):
        for g in range(_SYMMETRIES):
            total = np.uint64(0)
            for j in range(images.shape[1]):
                total += np.uint64(images[i, np.uintp(j)]) * tables[np.uintp(g), np.uintp(j)]
            out[i, g] = total


def _weights(count: int) -> U64:
    """`count` fixed odd 64-bit numbers, by the splitmix64 sequence."""
    z = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (z ^ (z >> np.uint64(31))) | np.uint64(1)
