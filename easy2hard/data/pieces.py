"""The rows of a shard, drawn in pieces: pixels are packed, hashed and wrapped before they leave the cache."""

from typing import NamedTuple, TypeVar

import numpy as np

from easy2hard import png
from easy2hard.data.digests import ShardDigest
from easy2hard.data.manifest import Side
from easy2hard.data.parquet import Rows
from easy2hard.tasks import I64, U64, Batch, Task

PIECE = 1_000  # rows
_Column = TypeVar("_Column", I64, U64)


class Drawn(NamedTuple):
    """All rows of a shard as they are stored, and what is known only while they are pixels."""

    rows: Rows
    pixels: str  # their digest
    head: Batch  # the first 1,000
    fingerprints: dict[str, U64]


def draw(task: Task, side: Side, indices: I64, fingerprinted: bool, at_once: int = PIECE) -> Drawn:
    """The rows with these indices; fingerprints only where they are wanted."""
    level, split = side
    digest, extra, fingerprints = ShardDigest(), [], []
    for start in range(0, len(indices), at_once):
        part = slice(start, start + at_once)
        batch = task.draw(split, level, indices[part])
        input, target = png.pack(batch.input), png.pack(batch.target)
        if start == 0:
            head = Batch(batch.input[:PIECE], batch.target[:PIECE], _cut(batch.extra, PIECE))
            inputs, targets = (png.room(len(indices), packed.where) for packed in (input, target))
        elif (input.where.size, target.where.size) != (inputs.shape[1], targets.shape[1]):
            # One piece fits into the palette, another does not; but all files of a shard have one length.
            return draw(task, side, indices, fingerprinted, at_once=len(indices))
        png.wrap(input, inputs[part])
        png.wrap(target, targets[part])
        digest.update(input.lines, target.lines, batch.extra)
        extra.append(batch.extra)
        fingerprints.append(task.fingerprints(split, level, indices[part], batch) if fingerprinted else {})
    rows = Rows(inputs, targets, indices, _joined(extra))
    return Drawn(rows, digest.hexdigest(), head, _joined(fingerprints))


def _cut(columns: dict[str, I64], rows: int) -> dict[str, I64]:
    return {name: column[:rows] for name, column in columns.items()}


def _joined(parts: list[dict[str, _Column]]) -> dict[str, _Column]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
