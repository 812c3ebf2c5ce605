"""What it costs to draw, encode, write and read a row, beside the way that most people would take.

    pytest tests/benchmarks/test_storage.py -s

CPU time of one process, in turns. The peers' way is `Dataset.from_generator`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import authors_mazes
import datasets
import numpy as np
import pytest
from numpy.typing import NDArray
from ratio import compare, say

from easy2hard import suite as suites
from easy2hard.data import load, parquet, shards
from easy2hard.data.manifest import Side
from easy2hard.data.shards import Job, Shard
from easy2hard.suite import Split, Suite
from easy2hard.tasks import I64, Batch, Task, open_task

MAZE, SALT = suites.read("maze"), suites.read("sp")
OURS, THEIRS = 10_000, 500  # rows of a run
ROWS: dict[str, Any] = {"samples": (OURS, THEIRS), "turns": 5}
PICTURES = datasets.Features({"input": datasets.Image(), "target": datasets.Image()})
datasets.disable_progress_bars()


def beside(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[Any, Any]:
    """Both, once they have run."""
    ours(), theirs()
    return ours, theirs


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Any]:
    """Draw the first shard of a level's split into a file, as `generate` does."""

    def write(task: Task, suite: Suite, level: str, split: Split = "test") -> Any:
        job = Job(task, suite, tmp_path / suite.name, task.source_digest())
        return shards.draw(job, Shard(Side(level, split), 0, OURS)).entry

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


@pytest.mark.parametrize("split", ["train", "test"])  # which half and a quarter of the layouts drawn are for
@pytest.mark.parametrize("size", [9, 13])
def test_mazes_from_nothing_to_parquet(
    benchmark: Any, capsys: Any, size: int, split: Split, write: Any, usual: Any
) -> None:
    def authors() -> None:
        inputs, _, targets = authors_mazes.dataset(THEIRS, (size + 1) // 2)
        as_bytes = Batch((inputs * 255).astype(np.uint8), targets[..., 0].astype(np.uint8), {})
        usual(pairs(as_bytes))

    task = open_task(MAZE)
    work = beside(lambda: write(task, MAZE, str(size), split), authors)
    compare(benchmark, capsys, f"maze {size} {split}, authors + from_generator", *work, target=300, **ROWS)


@pytest.mark.parametrize(("suite", "level"), [(MAZE, "13"), (SALT, "0.3")])
def test_writing_samples_that_are_there(
    benchmark: Any,
    capsys: Any,
    suite: Suite,
    level: str,
    write: Any,
    usual: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = open_task(suite)
    batch = task.draw("test", level, np.arange(OURS))
    few = Batch(batch.input[:THEIRS], batch.target[:THEIRS], {})

    def drawn(split: str, level: str, indices: I64) -> Batch:
        part = slice(indices[0], indices[-1] + 1)
        return Batch(
            batch.input[part], batch.target[part], {name: v[part] for name, v in batch.extra.items()}
        )

    monkeypatch.setattr(task, "draw", drawn)
    monkeypatch.setattr(task, "fingerprints", lambda *_: {})
    work = beside(lambda: write(task, suite, level), lambda: usual(pairs(few)))
    name = f"{suite.name} {level}, the same arrays by from_generator"
    compare(benchmark, capsys, name, *work, target=None, **ROWS)


@pytest.mark.parametrize("peer", ["skimage", "numpy"])
@pytest.mark.parametrize(("compression", "target"), [("zstd", 15), ("none", 40)])
def test_salt_and_pepper_on_given_images_to_parquet(
    benchmark: Any,
    capsys: Any,
    compression: str,
    target: float,
    peer: str,
    write: Any,
    usual: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task: Any = open_task(SALT)
    clean = task.draw("test", "0.3", np.arange(OURS)).target
    monkeypatch.setattr(task._source, "take", lambda split, indices: clean[indices])
    if compression == "none":
        monkeypatch.setattr(parquet, "_COMPRESSION", {"compression": "none"})
    speckled = {"skimage": _by_skimage, "numpy": _by_numpy}[peer]

    def rows() -> Iterator[dict[str, Any]]:
        generator = np.random.default_rng(0)
        for image in clean[:THEIRS]:
            yield {"input": speckled(image, generator), "target": image}

    work = beside(lambda: write(task, SALT, "0.3"), lambda: usual(rows))
    name = f"sp 0.3, {compression}, {peer} + from_generator"
    compare(benchmark, capsys, name, *work, target=target, **ROWS)


def _by_skimage(image: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    util = pytest.importorskip("skimage.util")
    noisy = util.random_noise(image, mode="s&p", amount=0.3, rng=generator)
    return (noisy * 255).round().astype(np.uint8)


def _by_numpy(image: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    chance = generator.random(image.shape[:2])
    image = image.copy()
    image[chance < 0.15] = 0
    image[chance > 0.85] = 255
    return image


@pytest.mark.parametrize(("suite", "level", "most"), [(MAZE, "13", 0.3), (SALT, "0.3", 1.3)])
def test_the_size_of_a_row(
    capsys: Any, suite: Suite, level: str, most: float, write: Any, usual: Any
) -> None:
    task = open_task(suite)
    ours = write(task, suite, level).bytes / OURS
    theirs = usual(pairs(task.draw("test", level, np.arange(THEIRS)))) / THEIRS
    name = f"{suite.name} {level}, bytes a row, from_generator"
    say(capsys, f"{name:58} {ours:9.0f} {theirs:12.0f}, share {ours / theirs:.2f}   at most {most}")
    assert ours / theirs <= most


@pytest.mark.parametrize(("suite", "level"), [(MAZE, "13"), (SALT, "0.3")])
def test_reading_into_torch(
    benchmark: Any, capsys: Any, suite: Suite, level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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

    work = beside(lambda: load(suite, level, data=tmp_path / "data"), theirs)
    name = f"{suite.name} {level}, load against load_dataset().with_format('torch')"
    compare(benchmark, capsys, name, *work, target=None, **ROWS)
