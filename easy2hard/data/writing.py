"""`generate`: the files of a suite, whole or not there, the same bits whoever draws them."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TypeVar

import numpy as np
from filelock import FileLock, Timeout

from easy2hard import atomic
from easy2hard.data import card, certificate, manifest as manifests, shards
from easy2hard.data.certificate import Hashes
from easy2hard.data.digests import joined, level_digest
from easy2hard.data.manifest import LevelEntry, Manifest, Overlap, ShardEntry, Side, SplitEntry, check_split
from easy2hard.data.report import Report, SplitReport
from easy2hard.data.shards import Drawn, Job, Shard
from easy2hard.errors import UserError
from easy2hard.progress import Listener, Step, silent
from easy2hard.suite import SPLITS, Split, Suite
from easy2hard.tasks import Task, open_task
from easy2hard.version import VERSION

_In = TypeVar("_In")
_Out = TypeVar("_Out")


@dataclass
class _Progress:
    """A split of a level under way."""

    shards: list[Shard]
    rows: int
    entries: dict[int, ShardEntry] = field(default_factory=dict)  # by first index
    fingerprints: dict[int, Hashes] = field(default_factory=dict)
    summary: dict[str, float] | None = None
    drawn: int = 0
    drawn_rows: int = 0
    began: float = float("inf")
    ended: float = 0.0

    def take(self, shard: Shard, drawn: Drawn, began: float, ended: float) -> None:
        self.entries[shard.first] = drawn.entry
        self.fingerprints[shard.first] = drawn.fingerprints
        self.drawn, self.drawn_rows = self.drawn + 1, self.drawn_rows + shard.rows
        self.began, self.ended = min(self.began, began), max(self.ended, ended)
        if shard.first == 0:
            self.summary = drawn.summary

    @property
    def rate(self) -> float | None:
        return self.drawn_rows / (self.ended - self.began) if self.drawn else None


def generate(
    suite: Suite,
    out: Path | str,
    *,
    levels: Sequence[str | float] | None = None,
    splits: Sequence[Split] | None = None,
    rows: int | None = None,
    directory: Path | None = None,
    threads: int | None = None,
    force: bool = False,
    listen: Listener = silent,
) -> Report:
    """Write `<out>/<suite>/`: shards of Parquet, a dataset card, and last of all the manifest.

    Without `levels`, the suite's levels less those that are drawn only by name; `splits` then chooses among those
    that a level has by default. With `levels` it means exactly these: training rows at a hard level, say.
    `rows` takes the first rows of every split. What an earlier run left whole is kept, unless `force` is set;
    what is damaged, or shorter than wanted, is drawn again; other levels in the folder stay. A folder never
    shrinks: where it holds more rows than wanted, they stay too. `directory` is where source images lie.

    Raises `UserError` for levels, splits or rows that cannot be, a folder that holds other data, is in use by
    another run or cannot be written, and a full disk. A file is never half written.
    """
    if threads is not None and threads < 1:
        raise UserError(f"--threads must be at least 1; got {threads}.")
    task = open_task(suite, directory)
    wanted = _wanted(task, suite, levels, splits, rows)
    folder = Path(out) / suite.name
    with _alone(folder):
        job = Job(task, suite, folder, task.source_digest())
        notes = list(task.notes)
        before = _before(job, wanted, notes)
        digests = _level_digests(job, wanted, before)
        under_way = _plan(job, wanted, before, notes)
        with ThreadPoolExecutor(threads or shards.cores()) as pool:
            todo = _inspect(job, pool, under_way, before, force, notes)
            _announce(job, before, {shard.side for shard in todo})
            _draw(job, pool, under_way, todo, listen)
            after = _merge(job, before, under_way, digests)
            after = after.model_copy(update={"overlaps": _overlaps(job, pool, before, after, under_way)})
        atomic.write_text(folder / card.FILE, card.render(suite, after))
        manifests.write(folder, after)
    return _report(job, after, under_way, notes)


def _wanted(
    task: Task,
    suite: Suite,
    levels: Sequence[str | float] | None,
    splits: Sequence[Split] | None,
    rows: int | None,
) -> dict[Side, int]:
    """How many rows to draw of which split of which level, from the easiest level to the hardest."""
    for split in splits or ():
        check_split(split)
    chosen = {task.normalise(level) for level in (suite.levels if levels is None else levels)}
    wanted = {}
    for level in sorted(chosen, key=Decimal):
        own = suite.splits(level)
        for split in SPLITS:
            if split in (splits or own) and (split in own or levels is not None):
                side = Side(level, split)
                wanted[side] = shards.rows_wanted(task, suite, side, rows)
    if not wanted:
        raise UserError("no level was named, so there is nothing to draw; leave the levels out to draw all.")
    return wanted


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, so that what lies in it unfinished is nobody's, and can be cleared away."""
    atomic.make_folder(folder)
    try:
        lock = FileLock(folder.with_name(f".{folder.name}.lock"))
        lock.acquire(timeout=0)
    except Timeout as error:
        raise UserError(
            f"another run is writing in {folder}; wait for it, or choose another --out."
        ) from error
    except OSError as error:
        raise atomic.unwritable(folder, error) from error
    try:
        for left in folder.rglob(".*.tmp-*"):
            left.unlink()
        yield
    finally:
        lock.release()


def _before(job: Job, wanted: Collection[Side], notes: list[str]) -> Manifest:
    """The manifest as it stands, less what somebody deleted; an empty one where there is none."""
    suite, folder = job.suite, job.folder
    found = manifests.read(folder)
    if found is None:
        return Manifest(
            easy2hard=VERSION,
            suite=suite.model_dump(mode="json"),
            definition=suite.definition_digest,
            source=job.source,
        )
    manifests.check(found, suite, folder, job.source)
    gone = {
        side
        for side, held in found.sides.items()
        if side not in wanted and not all((folder / shard.path).is_file() for shard in held.shards)
    }
    notes += [f"{side} lacks files and was not asked for: it has left the manifest." for side in sorted(gone)]
    return found.without(gone)


def _level_digests(job: Job, wanted: Iterable[Side], before: Manifest) -> dict[str, str]:
    """The data digests of the levels wanted, which must be those of what the folder holds already."""
    digests = {
        level: level_digest(job.task, job.suite, level)
        for level in dict.fromkeys(level for level, _ in wanted)
    }
    for level, digest in digests.items():
        if level in before.levels and before.levels[level].digest != digest:
            raise UserError(
                f"{job.folder} was drawn by easy2hard {before.easy2hard}, which drew other samples for level {level}; "
                "choose another folder with --out, or delete this one."
            )
    return digests


def _plan(job: Job, wanted: dict[Side, int], before: Manifest, notes: list[str]) -> dict[Side, _Progress]:
    """The shards of every split wanted; files beyond them, which an unfinished run left, are removed."""
    under_way = {}
    for side, rows in wanted.items():
        if rows == job.task.available(side.split) and rows < job.suite.split_rows(*side):
            notes.append(
                f"{side} has {rows:,} of its {job.suite.split_rows(*side):,} rows: the source has no more."
            )
        held = before.sides.get(side)
        if held is not None and held.rows > rows:
            notes.append(f"{side} holds {held.rows:,} rows; they stay.")
            rows = held.rows
        pieces = shards.cut(job.task, side, rows)
        under_way[side] = _Progress(pieces, rows)
        places = {job.folder / shards.path(job.suite, shard) for shard in pieces}
        for file in (job.folder / shards.path(job.suite, pieces[0])).parent.glob("part-*.parquet"):
            if file not in places:
                file.unlink()
                notes.append(f"{file} lay beyond the rows wanted, from a run that did not finish: removed.")
    return under_way


def _inspect(
    job: Job,
    pool: ThreadPoolExecutor,
    under_way: dict[Side, _Progress],
    before: Manifest,
    force: bool,
    notes: list[str],
) -> list[Shard]:
    """Note the shards that can be kept, and return those that must be drawn."""
    known = {(side, shard.first): shard for side, held in before.sides.items() for shard in held.shards}
    every = [shard for side in under_way.values() for shard in side.shards]
    if force:
        return every
    todo = []
    for shard, (state, entry) in _each(
        pool, lambda s: shards.inspect(job, s, known.get((s.side, s.first))), every
    ):
        if entry is not None:
            under_way[shard.side].entries[shard.first] = entry
            continue
        todo.append(shard)
        if state == "damaged":
            notes.append(
                f"{job.folder / shards.path(job.suite, shard)} was damaged and has been drawn again."
            )
    return sorted(todo, key=every.index)


def _announce(job: Job, before: Manifest, changing: set[Side]) -> None:
    """Take what is about to be replaced out of the manifest, so that a kill leaves none that is wrong."""
    kept = before.without(changing)
    if kept != before:
        manifests.write(job.folder, kept)


def _draw(
    job: Job,
    pool: ThreadPoolExecutor,
    under_way: dict[Side, _Progress],
    todo: list[Shard],
    listen: Listener,
) -> None:
    def timed(shard: Shard) -> tuple[Drawn, float, float]:
        began = time.perf_counter()
        return shards.draw(job, shard), began, time.perf_counter()

    for shard, result in _each(pool, timed, todo):
        progress = under_way[shard.side]
        progress.take(shard, *result)
        done = sum(entry.rows for entry in progress.entries.values())
        listen(Step(f"{job.suite.name} {shard.side}", done, progress.rows, {"rows/s": progress.rate or 0.0}))


def _merge(job: Job, before: Manifest, under_way: dict[Side, _Progress], digests: dict[str, str]) -> Manifest:
    """The manifest with what has been drawn or found."""
    levels = dict(before.levels)
    for (level, split), progress in under_way.items():
        entries = tuple(progress.entries[shard.first] for shard in progress.shards)
        held = before.sides.get(Side(level, split))
        content = SplitEntry(
            rows=sum(entry.rows for entry in entries),
            digest=joined([entry.pixels for entry in entries]),
            summary=progress.summary or (held.summary if held else _summary(job, progress)),
            shards=entries,
        )
        splits = levels[level].splits if level in levels else {}
        splits = {name: {**splits, split: content}[name] for name in SPLITS if name in {*splits, split}}
        levels[level] = LevelEntry(digest=digests[level], stamp=job.task.stamp(level), splits=splits)
    ordered = {level: levels[level] for level in sorted(levels, key=Decimal)}
    return before.model_copy(update={"easy2hard": VERSION, "levels": ordered})


def _summary(job: Job, progress: _Progress) -> dict[str, float]:
    """The figures of a split whose first shard was found, in a folder whose manifest was not."""
    level, split = progress.shards[0].side
    count = min(shards.SUMMARISED, progress.entries[0].rows)
    return job.task.summary(level, job.task.draw(split, level, np.arange(count)))


def _overlaps(
    job: Job, pool: ThreadPoolExecutor, before: Manifest, after: Manifest, under_way: dict[Side, _Progress]
) -> tuple[Overlap, ...]:
    """The certificate of all that the folder holds; pairs of which nothing changed are taken over."""

    @cache
    def hashes(side: Side) -> Hashes:
        pieces = shards.cut(job.task, side, min(after.sides[side].rows, shards.FINGERPRINTED))
        ready = under_way[side].fingerprints if side in under_way else {}
        missing = [shard for shard in pieces if shard.first not in ready]
        found = {s.first: f for s, f in _each(pool, lambda s: shards.fingerprints(job.task, s), missing)}
        parts = [{**ready, **found}[shard.first] for shard in pieces]
        return {notion: np.concatenate([part[notion] for part in parts]) for notion in parts[0]}

    overlaps: list[Overlap] = []
    for pair in certificate.pairs(job.suite, job.task, after.sides):
        names = tuple(map(str, pair))
        known = [overlap for overlap in before.overlaps if (overlap.first, overlap.second) == names]
        same = all(before.sides.get(side) == after.sides[side] for side in pair)
        overlaps += known if known and same else certificate.certify(pair, hashes)
    return tuple(overlaps)


def _report(job: Job, after: Manifest, under_way: dict[Side, _Progress], notes: list[str]) -> Report:
    splits = []
    for side, progress in under_way.items():
        held = after.sides[side]
        splits.append(
            SplitReport(
                level=side.level,
                split=side.split,
                rows=held.rows,
                bytes=sum(shard.bytes for shard in held.shards),
                digest=held.digest,
                rows_per_second=progress.rate,
                summary=held.summary,
                drawn=progress.drawn,
                kept=len(held.shards) - progress.drawn,
            )
        )
    levels = {level: after.levels[level].digest for level, _ in under_way}
    return Report(job.folder, tuple(splits), levels, after.overlaps, tuple(notes))


def _each(
    pool: ThreadPoolExecutor, work: Callable[[_In], _Out], items: Sequence[_In]
) -> Iterator[tuple[_In, _Out]]:
    """Each item with the result of `work`, in the order of completion; a failure cancels what has not begun."""
    futures = {pool.submit(work, item): item for item in items}
    try:
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        for future in futures:
            future.cancel()
