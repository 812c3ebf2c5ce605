"""`load`: a split of a level as torch tensors, from the files of `generate` or drawn on the spot."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from easy2hard import png
from easy2hard.data import manifest as manifests, parquet, shards
from easy2hard.data.manifest import ShardEntry, Side
from easy2hard.errors import UserError
from easy2hard.suite import Split, Suite, canonical, read as read_suite
from easy2hard.tasks import I64, U8, Batch, Task, open_task

if TYPE_CHECKING:
    from torch import Tensor


class Samples(NamedTuple):
    """Samples as uint8 tensors, as `TensorDataset(samples.input, samples.target)` takes them."""

    input: "Tensor"  # uint8 (n, 3, height, width), channels last in memory
    target: "Tensor"  # the same for images; uint8 (n, height, width) of 0 and 1 for masks
    indices: "Tensor"  # int64 (n,)
    extra: "dict[str, Tensor]"  # int64 (n,) each, by column: path_length, …


def load(
    suite: str | Path | Suite,
    level: str | float,
    split: Split = "test",
    *,
    data: Path | str | None = None,
    rows: int | None = None,
    directory: Path | None = None,
) -> Samples:
    """The first `rows` samples of a split, or without `rows` all of them.

    `data` is a folder that `generate` wrote to, or the suite's folder in it; a copy from the Hub will do. Without
    `data` no file is read: the samples are drawn in memory, the same bits, and `directory` is where their
    source images lie, for suites that have some.

    Raises `UserError` where the level, the split or the rows do not exist, where the folder holds other data
    than the suite defines, and where a file is damaged, with the command that mends it.
    """
    suite = suite if isinstance(suite, Suite) else read_suite(suite)
    manifests.check_split(split)
    if data is None:
        task = open_task(suite, directory)
        side = Side(task.normalise(level), split)
        count = shards.rows_wanted(task, suite, side, rows)
        return _tensors(*_gathered(_drawn(task, side, count), count))
    folder = Path(data) / suite.name if (Path(data) / suite.name).is_dir() else Path(data)
    entries, count = _listed(suite, folder, Side(canonical(level), split), rows)
    return _tensors(*_gathered(_stored(folder, entries), count))


def _drawn(task: Task, side: Side, rows: int) -> Iterator[Batch]:
    """The samples in order of index, drawn by as many threads as there are cores."""
    level, split = side
    ranges = [
        np.arange(shard.first, shard.first + shard.rows, dtype=np.int64)
        for shard in shards.cut(task, side, rows)
    ]

    def draw(indices: I64) -> Batch:
        batch = task.draw(split, level, indices)
        return batch._replace(extra={"index": indices, **batch.extra})

    with ThreadPoolExecutor(shards.cores()) as pool:
        yield from pool.map(draw, ranges)


def _listed(suite: Suite, folder: Path, side: Side, rows: int | None) -> tuple[list[ShardEntry], int]:
    """The shards of the first `rows` rows that the folder's manifest lists, and that number."""
    command = f"easy2hard generate {suite.name} --levels {side.level} --splits {side.split}"
    held = manifests.read(folder)
    if held is None:
        raise UserError(f"{folder} holds no data of {suite.name}; make it with: {command} --out {folder}")
    manifests.check(held, suite, folder)
    out = folder.parent if folder.name == suite.name else folder
    entry = held.sides.get(side)
    if entry is None:
        there = ", ".join(map(str, held.sides)) or "nothing that is complete"
        raise UserError(f"{folder} has no {side}; it has: {there}. Make it with: {command} --out {out}")
    if rows is not None and not 1 <= rows <= entry.rows:
        raise UserError(
            f"{side} in {folder} has {entry.rows:,} rows; rows must be 1 to that, got {rows:,}. "
            f"Draw more with: {command} --rows {max(rows, 1)} --out {out}"
        )
    count = entry.rows if rows is None else rows
    return [shard for shard in entry.shards if shard.first < count], count


def _stored(folder: Path, entries: Iterable[ShardEntry]) -> Iterator[Batch]:
    """What the files hold, in order; RGB pixels are views of what Parquet unpacked."""
    for entry in entries:
        try:
            rows = parquet.decode(folder / entry.path)
            batch = Batch(
                png.decode(rows.input), png.decode(rows.target), {"index": rows.indices, **rows.extra}
            )
        except parquet.Damaged as error:
            raise UserError(
                f"{folder / entry.path} is damaged or missing ({error}); "
                "run the same easy2hard generate again: it draws what is not whole."
            ) from error
        yield batch


def _gathered(parts: Iterator[Batch], rows: int) -> tuple[U8, U8, dict[str, I64]]:
    """The first `rows` samples of consecutive parts, each copied once to its place."""
    done = 0
    for part in parts:
        if done == 0:
            inputs, targets = (np.empty((rows, *array.shape[1:]), np.uint8) for array in part[:2])
            numbers = {name: np.empty(rows, np.int64) for name in part.extra}
        here = slice(done, min(done + len(part.input), rows))
        size = here.stop - here.start
        inputs[here], targets[here] = part.input[:size], part.target[:size]
        for name, values in part.extra.items():
            numbers[name][here] = values[:size]
        done = here.stop
    return inputs, targets, numbers


def _tensors(inputs: U8, targets: U8, numbers: dict[str, I64]) -> Samples:
    import torch

    def image(pixels: U8) -> "Tensor":
        tensor = torch.from_numpy(pixels)
        return tensor.permute(0, 3, 1, 2) if pixels.ndim == 4 else tensor

    extra = {name: torch.from_numpy(values) for name, values in numbers.items()}
    return Samples(image(inputs), image(targets), extra.pop("index"), extra)
