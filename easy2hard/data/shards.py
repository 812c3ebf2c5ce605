"""A shard: the file of one fixed range of indices, written whole, and checked before it is trusted."""

import os
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from easy2hard import atomic, png
from easy2hard.data import parquet, pieces
from easy2hard.data.digests import ShardDigest
from easy2hard.data.manifest import ShardEntry, Side
from easy2hard.errors import UserError
from easy2hard.suite import Suite
from easy2hard.tasks import U64, Task

State = Literal["whole", "missing", "short", "damaged"]
SUMMARISED = pieces.PIECE  # rows at the beginning of a split that its summary is taken over
FINGERPRINTED = 1_000_000  # rows at the beginning of a split that the overlap certificate looks at
THREADS = 16  # at most: each holds a shard, decoded and encoded
_PIXELS = 64 * 2**20  # bytes of decoded pixels in a shard
_SIZES = [digit * 10**power for power in (3, 2, 1, 0) for digit in (10, 5, 2)] + [1]


class Job(NamedTuple):
    """What is drawn, and where it goes."""

    task: Task
    suite: Suite
    folder: Path  # of the suite
    source: str  # the source's digest


class Shard(NamedTuple):
    """The rows `first` to `first + rows - 1` of a split of a level."""

    side: Side
    first: int
    rows: int


class Drawn(NamedTuple):
    """What is known of a shard that has just been written."""

    entry: ShardEntry
    summary: dict[str, float]  # of its first 1,000 rows
    fingerprints: dict[str, U64]


def shard_rows(shape: tuple[int, int]) -> int:
    """How many rows a full shard of images of this height and width has.

    A function of the shape alone, never of the rows asked for: 10,000, or the largest 1, 2 or 5 times a power of
    ten whose decoded pixels take at most 64 MiB.
    """
    return next((rows for rows in _SIZES if rows * shape[0] * shape[1] * 6 <= _PIXELS), 1)


def cut(task: Task, side: Side, rows: int) -> list[Shard]:
    """The shards of the first `rows` rows of a split; the last may hold a beginning of its range."""
    step = shard_rows(task.shape(side.level))
    return [Shard(side, first, min(step, rows - first)) for first in range(0, rows, step)]


def rows_wanted(task: Task, suite: Suite, side: Side, rows: int | None) -> int:
    """`rows`, or without it what the suite says, as far as the source reaches; raises `UserError` beyond it."""
    if rows is not None and rows < 1:
        raise UserError(f"the number of rows must be 1 or more; got {rows}.")
    available = task.available(side.split)
    if available is None:
        return rows or suite.split_rows(*side)
    if rows is not None and rows > available:
        raise UserError(
            f"{suite.images} has {available:,} {side.split} images, fewer than the {rows:,} rows wanted."
        )
    return rows or min(available, suite.split_rows(*side))


def path(suite: Suite, shard: Shard) -> str:
    """Where a shard lies in the suite's folder: named by its first index, so that growing renames nothing."""
    return f"{suite.slug(shard.side.level)}/{shard.side.split}/part-{shard.first:012d}.parquet"


def draw(job: Job, shard: Shard) -> Drawn:
    """Draw a shard and put it in its place, where a file is replaced only by a whole one that reads back."""
    suite, (level, split) = job.suite, shard.side
    indices = np.arange(shard.first, shard.first + shard.rows, dtype=np.int64)
    drawn = pieces.draw(job.task, shard.side, indices, _fingerprinted(shard))
    footer = {**_origin(job, shard), "rows": shard.rows, "pixels": drawn.pixels}
    mask = drawn.head.target.ndim == 3
    file = parquet.encode(drawn.rows, f"{suite.config(level)}-{split}", level, mask, footer)
    with atomic.replacing(job.folder / path(suite, shard)) as temporary:
        temporary.write_bytes(file)
        if parquet.footer(temporary) != {**footer, "stored": shard.rows}:
            raise OSError(f"{temporary} reads back otherwise than it was written")
    entry = _entry(job, shard, shard.rows, drawn.pixels, file.size, sha256(file).hexdigest())
    return Drawn(entry, job.task.summary(level, drawn.head), drawn.fingerprints)


def inspect(job: Job, shard: Shard, known: ShardEntry | None) -> tuple[State, ShardEntry | None]:
    """Whether the file in a shard's place can be kept, and then its entry.

    A file that the manifest knows is whole if its bytes hash to what stands there. One that it does not
    know, from a run that did not finish, is whole if its pixels hash to what its own footer says. Raises
    `UserError` where such a file holds samples of another definition or of other source images.
    """
    place = job.folder / path(job.suite, shard)
    if not place.is_file():
        return "missing", None
    with open(place, "rb") as file:
        size, sha = place.stat().st_size, file_digest(file, "sha256").hexdigest()
    if known is not None and (known.bytes, known.sha256) != (size, sha):
        return "damaged", None
    try:
        entry = known or _entry(job, shard, *_verified(job, shard, place), size, sha)
    except UserError:
        raise  # it is a ValueError, too
    except parquet.Damaged:
        return "damaged", None
    return ("whole", entry) if entry.rows >= shard.rows else ("short", None)


def _verified(job: Job, shard: Shard, place: Path) -> tuple[int, str]:
    """The rows of a file and the hash of their pixels, where its footer says the same."""
    footer = parquet.footer(place)
    for name, wanted in _origin(job, shard).items():
        if footer[name] != wanted:
            raise UserError(
                f"{place} was drawn for {name} {footer[name]}, not {wanted}; "
                f"choose another folder with --out, or delete {job.folder}."
            )
    rows = parquet.decode(place)
    digest = ShardDigest()
    digest.update(png.packed(rows.input), png.packed(rows.target), rows.extra)
    indices = np.arange(shard.first, shard.first + footer["rows"])
    if digest.hexdigest() != footer["pixels"] or not np.array_equal(rows.indices, indices):
        raise ValueError(f"{place} holds other rows than its footer says")
    return len(indices), digest.hexdigest()


def cores() -> int:
    """The cores that this process may use, within what memory for whole shards allows."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, THREADS)


def fingerprints(task: Task, shard: Shard) -> dict[str, U64]:
    """The hashes that the overlap certificate compares; none of a shard that ends beyond its bound."""
    if not _fingerprinted(shard):
        return {}
    indices = np.arange(shard.first, shard.first + shard.rows, dtype=np.int64)
    return task.fingerprints(shard.side.split, shard.side.level, indices)


def _fingerprinted(shard: Shard) -> bool:
    return shard.first + shard.rows <= FINGERPRINTED


def _origin(job: Job, shard: Shard) -> dict[str, Any]:
    """What a shard's footer says of where its rows come from."""
    return {
        "suite": job.suite.name,
        "definition": job.suite.definition_digest,
        "source": job.source,
        "level": shard.side.level,
        "split": shard.side.split,
        "first": shard.first,
    }


def _entry(job: Job, shard: Shard, rows: int, pixels: str, size: int, sha: str) -> ShardEntry:
    where = path(job.suite, shard)
    return ShardEntry(path=where, first=shard.first, rows=rows, bytes=size, sha256=sha, pixels=pixels)
