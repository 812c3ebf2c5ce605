"""What it costs to draw, encode, write and read a row, beside the way that most people would take.

    pytest tests/benchmarks/test_storage.py -s

CPU seconds of one process, the least of three runs each, in turns; the bounds are half of what was measured.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import authors_mazes
import datasets
import numpy as np
import pytest
from numpy.typing import NDArray

from easy2hard import suite as suites
from easy2hard.data import load, shards
from easy2hard.data.manifest import Side
from easy2hard.data.shards import Job, Shard
from easy2hard.suite import Suite
from easy2hard.tasks import Batch, Task, open_task

MAZE, SALT = suites.read("maze"), suites.read("sp")
OURS, THEIRS = 10_000, 500  # rows of a run
PICTURES = datasets.Features({"input": datasets.Image(), "target": datasets.Image()})
datasets.disable_progress_bars()


def cost(work: Callable[[], object], rows: int) -> float:
    """CPU microseconds a row."""
    began = time.process_time()
    work()
    return (time.process_time() - began) / rows * 1e6


def compare(what: str, ours: Callable[[], object], theirs: Callable[[], object]) -> float:
    """How many times dearer theirs is; ours goes over 10,000 rows, theirs over 500."""
    ours()
    pairs = [(cost(ours, OURS), cost(theirs, THEIRS)) for _ in range(3)]
    mine, other = (min(costs) for costs in zip(*pairs, strict=True))
    print(f"\n{what}: {mine:.2f} µs a row, {other:.0f} µs, ratio {other / mine:.0f}")
    return other / mine


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Task, Suite, str], Any]:
    """Draw the first shard of a level's test split into a file, as `generate` does."""

    def write(task: Task, suite: Suite, level: str) -> Any:
        job = Job(task, suite, tmp_path / suite.name, task.source_digest())
        return shards.draw(job, Shard(Side(level, "test"), 0, OURS)).entry

    return write


@pytest.fixture
def usual(tmp_path: Path) -> Callable[[Callable[[], Iterator[dict[str, Any]]]], int]:
    """`Dataset.from_generator(...).to_parquet(...)`; returns the bytes written."""
    turns = iter(range(1000))

    def usual(rows: Callable[[], Iterator[dict[str, Any]]]) -> int:
        folder = tmp_path / f"usual-{next(turns)}"  # from_generator would serve an older run's rows
        table = datasets.Dataset.from_generator(rows, features=PICTURES, cache_dir=str(folder))
        return int(table.to_parquet(folder / "rows.parquet") and (folder / "rows.parquet").stat().st_size)

    return usual


def pairs(batch: Batch) -> Callable[[], Iterator[dict[str, Any]]]:
    """The rows of a batch as `from_generator` takes them."""

    def rows() -> Iterator[dict[str, Any]]:
        for image, target in zip(batch.input, batch.target, strict=True):
            yield {"input": image, "target": target * np.uint8(255 if target.ndim == 2 else 1)}

    return rows


@pytest.mark.parametrize("size", [9, 13])
def test_mazes_from_nothing_to_parquet(size: int, write: Any, usual: Any) -> None:
    def authors() -> None:
        inputs, _, targets = authors_mazes.dataset(THEIRS, (size + 1) // 2)
        as_bytes = Batch((inputs * 255).astype(np.uint8), targets[..., 0].astype(np.uint8), {})
        usual(pairs(as_bytes))

    task = open_task(MAZE)
    ratio = compare(f"maze {size}, authors + from_generator", lambda: write(task, MAZE, str(size)), authors)
    assert ratio > 40


@pytest.mark.parametrize(("suite", "level", "least"), [(MAZE, "13", 20), (SALT, "0.3", 4)])
def test_writing_samples_that_are_there(
    suite: Suite, level: str, least: float, write: Any, usual: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = open_task(suite)
    batch = task.draw("test", level, np.arange(OURS))
    few = Batch(batch.input[:THEIRS], batch.target[:THEIRS], {})
    monkeypatch.setattr(task, "draw", lambda *_: batch)
    monkeypatch.setattr(task, "fingerprints", lambda *_: {})
    what = f"{suite.name} {level}, the same arrays by from_generator"
    assert compare(what, lambda: write(task, suite, level), lambda: usual(pairs(few))) > least


def test_salt_and_pepper_on_given_images_to_parquet(
    write: Any, usual: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    task: Any = open_task(SALT)
    clean = task.draw("test", "0.3", np.arange(OURS)).target
    monkeypatch.setattr(task._source, "take", lambda split, indices: clean[indices])

    def rows() -> Iterator[dict[str, Any]]:
        generator = np.random.default_rng(0)
        for image in clean[:THEIRS]:
            yield {"input": _speckled(image, generator), "target": image}

    assert (
        compare("sp 0.3, NumPy + from_generator", lambda: write(task, SALT, "0.3"), lambda: usual(rows)) > 5
    )


def _speckled(image: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    chance = generator.random(image.shape[:2])
    image = image.copy()
    image[chance < 0.15] = 0
    image[chance > 0.85] = 255
    return image


@pytest.mark.parametrize(("suite", "level", "most"), [(MAZE, "13", 0.35), (SALT, "0.3", 1.3)])
def test_the_size_of_a_row(suite: Suite, level: str, most: float, write: Any, usual: Any) -> None:
    task = open_task(suite)
    ours = write(task, suite, level).bytes / OURS
    theirs = usual(pairs(task.draw("test", level, np.arange(THEIRS)))) / THEIRS
    print(
        f"\n{suite.name} {level}: {ours:.0f} bytes a row, from_generator {theirs:.0f}, share {ours / theirs:.2f}"
    )
    assert ours / theirs < most


@pytest.mark.parametrize(("suite", "level", "least"), [(MAZE, "13", 20), (SALT, "0.3", 7)])
def test_reading_into_torch(
    suite: Suite, level: str, least: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from easy2hard.data import generate

    monkeypatch.setattr(Suite, "split_rows", lambda *_: OURS)
    generate(suite, tmp_path / "data", levels=[level], splits=["test"])
    folder = str(tmp_path / "data" / suite.name)
    table = datasets.load_dataset(
        folder, suite.config(level), split="test", cache_dir=str(tmp_path / "cache")
    )
    few = table.with_format("torch").select(range(THEIRS))

    def theirs() -> None:
        for batch in few.iter(batch_size=100):
            assert len(batch["input"]) == len(batch["target"]) == 100

    what = f"{suite.name} {level}, load against load_dataset().with_format('torch')"
    assert compare(what, lambda: load(suite, level, data=tmp_path / "data"), theirs) > least
