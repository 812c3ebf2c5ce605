"""`stream`: samples drawn on the fly, endless, the same under any number of workers and machines."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, distributed
from torch.utils.data import IterableDataset, get_worker_info

from easy2hard import rng
from easy2hard.data.manifest import Side, check_split
from easy2hard.data.shards import rows_wanted
from easy2hard.errors import UserError
from easy2hard.suite import Split, Suite, read as read_suite
from easy2hard.tasks import I64, Task, open_task

STREAMS = (
    1 << 16
)  # of a sample: the even ones are its epochs, each odd one the second noisy draw of the epoch before
_AHEAD = 64  # samples drawn at once where they are handed out one by one
_TRIED = 4  # samples drawn twice to see whether they are pairs
Pair = tuple[Tensor, Tensor]


def stream(
    suite: str | Path | Suite,
    level: str | float,
    split: Split = "train",
    *,
    rows: int | None = None,
    epochs: int | None = None,
    seed: int = 0,
    shuffle: bool = True,
    fresh: bool = True,
    pairs: bool = False,
    batch_size: int | None = None,
    directory: Path | None = None,
    part: tuple[int, int] | None = None,
    task: Task | None = None,
) -> "Stream":
    """Samples of a split without files, as (input, target) the way the task's loss takes them.

    With `pairs` the target is no clean image but the same one under a second, independent draw of the noise, as
    Noise2Noise learns from; a `UserError` where a suite has no such draws.

    Item k belongs to epoch k // rows, and each epoch is a permutation of the split's first `rows` samples that
    follows from `seed`. Epoch 0 has the bits of the files; with `fresh` each later one draws its samples anew: other
    noise on the same images, other mazes of the same split. After 32,768 epochs the draws begin again.

    `batch_size` hands out batches (n, …) instead of samples, for `DataLoader(…, batch_size=None)`. The workers of
    a DataLoader, and the processes of torch.distributed if it runs when this is called (or `part`, a rank and
    the number of processes), each take every n-th batch or sample: no two the same, together all of them; one
    process with workers sees the order that it would see without. Ends after `epochs`, or never. A `task` that is
    open already may be handed in.
    """
    suite = suite if isinstance(suite, Suite) else read_suite(suite)
    check_split(split)
    for name, value in (("epochs", epochs), ("batch_size", batch_size)):
        if value is not None and value < 1:
            raise UserError(f"{name} must be 1 or more; got {value}.")
    if part is None:
        running = distributed.is_available() and distributed.is_initialized()
        part = (distributed.get_rank(), distributed.get_world_size()) if running else (0, 1)
    if not 0 <= part[0] < part[1]:
        raise UserError(f"part is a rank and the number of processes, such as (0, 4); got {part}.")
    task = task or open_task(suite, directory)
    side = Side(task.normalise(level), split)
    if pairs:
        check_pairs(task, suite, side.level)
    plan = _Plan(
        suite,
        side,
        rows_wanted(task, suite, side, rows),
        epochs,
        seed,
        shuffle,
        fresh,
        pairs,
        batch_size,
        directory,
        part,
    )
    return Stream(plan, task)


def check_pairs(task: Task, suite: Suite, level: str) -> None:
    """Raise `UserError` where two draws of a sample are not one image under two independent noises."""
    first, second = (task.draw("train", level, np.arange(_TRIED, dtype=np.int64), draw) for draw in (0, 1))
    if not np.array_equal(first.target, second.target):
        raise UserError(
            f"noise2noise learns from two noisy draws of one image, and {suite.name} has none: a second draw "
            "there is another problem. Take a suite with noise, such as sp or gaussian, or the loss fixed."
        )
    if np.array_equal(first.input, second.input):
        raise UserError(
            f"noise2noise learns from two noisy draws of one image; those of {suite.name} at level {level} are equal. "
            "Raise the level, or let the noise draw from its `stream`."
        )


@dataclass(frozen=True)
class _Plan:
    suite: Suite
    side: Side
    rows: int
    epochs: int | None
    seed: int
    shuffle: bool
    fresh: bool
    pairs: bool
    batch_size: int | None
    directory: Path | None
    part: tuple[int, int]


class Stream(IterableDataset[Pair]):
    """What `stream` returns. It begins anew each time that it is iterated over."""

    def __init__(self, plan: _Plan, task: Task) -> None:
        super().__init__()
        self.plan = plan
        self._task: Task | None = task
        self._order = (-1, np.empty(0, np.int64))

    def __iter__(self) -> Iterator[Pair]:
        rank, processes = self.plan.part
        worker = get_worker_info()
        number, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        place, places = rank * workers + number, processes * workers
        size = self.plan.batch_size or 1
        together = 1 if self.plan.batch_size else _AHEAD
        total = self.plan.rows * self.plan.epochs if self.plan.epochs else None
        for turn in count(0, together):
            units = place + places * np.arange(turn, turn + together, dtype=np.int64)
            items = (units[:, None] * size + np.arange(size)).reshape(-1)
            items = items if total is None else items[items < total]
            if not len(items):
                return
            inputs, targets = self._samples(items)
            if self.plan.batch_size:
                yield inputs, targets
            else:
                yield from zip(inputs, targets, strict=True)

    def batch(self, number: int) -> Pair:
        """Batch 0, 1, … of the whole stream, at the same cost wherever it lies: where a training run goes on."""
        return self._samples(self._items(number))

    def second(self, number: int) -> Tensor:
        """A second, independent draw of the inputs of batch 0, 1, …: what the loss noise2noise learns from."""
        return self._draw(self._items(number), 1)[0]

    def __getstate__(self) -> dict[str, Any]:
        """A worker that is not forked opens the task itself: what it holds does not travel."""
        return {**self.__dict__, "_task": None}

    def _items(self, number: int) -> I64:
        size = self.plan.batch_size or 1
        return np.arange(number * size, (number + 1) * size, dtype=np.int64)

    def _samples(self, items: I64) -> Pair:
        """The samples at ascending places of the stream, as it was asked to hand them out."""
        inputs, targets = self._draw(items)
        return inputs, self._draw(items, 1)[0] if self.plan.pairs else targets

    def _draw(self, items: I64, again: int = 0) -> Pair:
        """The samples at ascending places of the stream; `again` = 1: their second noisy draw."""
        plan = self.plan
        if self._task is None:
            self._task = open_task(plan.suite, plan.directory)
        pairs = []
        for epoch in np.unique(items // plan.rows).tolist():
            places = items[items // plan.rows == epoch] % plan.rows
            draw = (2 * epoch % STREAMS if plan.fresh else 0) + again
            batch = self._task.draw(plan.side.split, plan.side.level, self._permutation(epoch)[places], draw)
            pairs.append(self._task.tensors(batch))
        if len(pairs) == 1:
            return pairs[0]
        return torch.cat([x for x, _ in pairs]), torch.cat([y for _, y in pairs])

    def _permutation(self, epoch: int) -> I64:
        """The order of an epoch: by a random word of 64 bits per sample, so that it is the same on every machine."""
        if not self.plan.shuffle:
            return np.arange(self.plan.rows, dtype=np.int64)
        if self._order[0] != epoch:
            suite, (level, split), rows = self.plan.suite, self.plan.side, self.plan.rows
            key = rng.key(suite.version, self.plan.seed, f"order/{suite.name}", split, level)
            words = rng.words(key, np.arange(rows, dtype=np.int64), 2, epoch >> 16 & 0xFFFF, epoch & 0xFFFF)
            ranks = words[:, 0].astype(np.uint64) << np.uint64(32) | words[:, 1]
            self._order = (epoch, np.argsort(ranks, kind="stable"))
        return self._order[1]
