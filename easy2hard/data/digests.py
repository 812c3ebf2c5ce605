"""Hashes that stand for data: what a level's bits are, and what a shard holds."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from easy2hard.suite import Suite
from easy2hard.tasks import I64, U8, Task

SAMPLED = 64  # test samples whose pixels enter a level's digest
_SIZE = 16
_BLOCK = 2**18  # bytes hashed at once


def level_digest(task: Task, suite: Suite, level: str | float) -> str:
    """The data digest of a level: equal where two people have the same samples, whatever their machines.

    BLAKE2b-128 of the definition's digest, the level and the source's digest, NUL after each, then of the
    hashes of the first 64 test samples in index order: each over the uint8 pixels of input and target.
    """
    level = task.normalise(level)
    total = blake2b(digest_size=_SIZE)
    for part in (suite.definition_digest, level, task.source_digest()):
        total.update(part.encode() + b"\0")
    count = min(SAMPLED, task.available("test") or SAMPLED)
    height, width = task.shape(level)
    step = max(1, 2**25 // (height * width * 6))  # large mazes a few at a time
    for first in range(0, count, step):
        batch = task.draw("test", level, np.arange(first, min(first + step, count)))
        for image, target in zip(batch.input, batch.target, strict=True):
            total.update(hash_bytes(image, target))
    return total.hexdigest()


class ShardDigest:
    """Hash of pixels and further columns, which come piece after piece in index order.

    BLAKE2b-128 over one BLAKE2b-128 a column: of the scanlines that PNG would store (RGB a byte a channel, mazes
    2 bits a pixel, masks 1), first of the inputs, then of the targets, and of the further columns, sorted by name,
    as little-endian int64. Pixels are hashed, never files: compression may change with the library that writes.
    """

    def __init__(self) -> None:
        self._input, self._target = (blake2b(digest_size=_SIZE) for _ in range(2))
        self._extra: dict[str, Any] = {}

    def update(self, inputs: U8, targets: U8, extra: Mapping[str, I64]) -> None:
        """Take in scanlines (n, height, bytes) and further columns (n,)."""
        _take_in(self._input, inputs)
        _take_in(self._target, targets)
        for name, values in extra.items():
            _take_in(
                self._extra.setdefault(name, blake2b(digest_size=_SIZE)), values.astype("<i8", copy=False)
            )

    def hexdigest(self) -> str:
        columns = (self._input, self._target, *(self._extra[name] for name in sorted(self._extra)))
        return blake2b(b"".join(column.digest() for column in columns), digest_size=_SIZE).hexdigest()


def joined(digests: list[str]) -> str:
    """One digest for several, in order."""
    return blake2b("".join(digests).encode(), digest_size=_SIZE).hexdigest()


def hash_bytes(*arrays: NDArray[np.generic]) -> bytes:
    """BLAKE2b-128 of the bytes of arrays, one after the other, in C order."""
    total = blake2b(digest_size=_SIZE)
    for array in arrays:
        _take_in(total, array)
    return total.digest()


def _take_in(total: Any, array: NDArray[np.generic]) -> None:
    step = max(1, _BLOCK * len(array) // max(1, array.nbytes))
    for first in range(0, len(array), step):  # views are made contiguous in pieces that stay in the cache
        total.update(np.ascontiguousarray(array[first : first + step]).data)
