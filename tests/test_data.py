"""Suites as files and as tensors: the same bits each time, and never a file that lies."""

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from filelock import FileLock

from easy2hard import suite as suites
from easy2hard.data import Report, certificate, generate, level_digest, load, pieces, shards, stream
from easy2hard.data.manifest import Side
from easy2hard.errors import UserError
from easy2hard.suite import Suite
from easy2hard.tasks import Batch, open_task
from easy2hard.tasks.maze import Maze

MAZE, SALT = suites.read("maze"), suites.read("sp")
PIXELS_OF_TEN_MAZES = 10 * 24 * 24 * 6


@pytest.fixture
def tens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of ten mazes of size 9, so that small data have many."""
    monkeypatch.setattr(shards, "_PIXELS", PIXELS_OF_TEN_MAZES)


def mazes(out: Path, **options: Any) -> Report:
    """A report on 35 mazes of size 9: a train, a validation and a test split."""
    return generate(MAZE, out, **{"levels": ["9"], "rows": 35, **options})


def manifest(out: Path, suite: str = "maze") -> dict[str, Any]:
    content: dict[str, Any] = json.loads((out / suite / "manifest.json").read_bytes())
    return content


def files(out: Path) -> dict[str, bytes]:
    """Every file of the suite's folder, hidden ones too, by its path."""
    return {str(f.relative_to(out)): f.read_bytes() for f in sorted((out / "maze").rglob("*")) if f.is_file()}


def drawn(report: Report) -> list[int]:
    return [split.drawn for split in report.splits]


# What the files hold


@pytest.mark.parametrize(("suite", "level", "white"), [(MAZE, "9", 255), (SALT, "0.1", 1)])
def test_datasets_pandas_load_and_stream_read_the_same(
    tmp_path: Path, suite: Suite, level: str, white: int
) -> None:
    generate(suite, tmp_path / "out", levels=[level], splits=["train"], rows=20)
    folder, config = str(tmp_path / "out" / suite.name), suite.config(level)
    ours = load(suite, level, "train", data=tmp_path / "out")
    table = datasets.load_dataset(folder, config, split="train", cache_dir=str(tmp_path / "cache"))
    for name, tensor, scale in (
        ("input", ours.input.permute(0, 2, 3, 1), 1),
        ("target", _last(ours.target), white),
    ):
        pictures = np.stack([np.asarray(image) for image in table[name]])
        assert np.array_equal(pictures, tensor.numpy() * np.uint8(scale))
    x, target = next(iter(stream(suite, level, shuffle=False, batch_size=20, rows=20)))
    assert torch.equal(x, ours.input / 255)
    assert torch.equal(target if suite is MAZE else (target * 255).to(torch.uint8), ours.target)
    frame = pd.read_parquet(tmp_path / "out" / suite.name / suite.slug(level) / "train")
    assert list(frame["index"]) == list(table["index"]) == ours.indices.tolist() == list(range(20))
    assert frame["id"][7] == f"{config}-train-000007"
    assert set(frame["level"]) == {level}


def _last(target: torch.Tensor) -> torch.Tensor:
    return target.permute(0, 2, 3, 1) if target.ndim == 4 else target


def test_load_without_data_draws_what_the_files_hold(tmp_path: Path) -> None:
    mazes(tmp_path)
    read, fresh = load(MAZE, 9, "train", data=tmp_path), load("maze", "9.0", "train", rows=35)
    assert torch.equal(read.input, fresh.input)
    assert torch.equal(read.target, fresh.target)
    assert torch.equal(read.indices, fresh.indices)
    assert torch.equal(read.extra["path_length"], fresh.extra["path_length"])
    assert torch.equal(read.target.sum(dim=(1, 2)) // 4 - 1, read.extra["path_length"])


@pytest.mark.usefixtures("tens")
def test_rows_reads_a_beginning_across_shards(tmp_path: Path) -> None:
    mazes(tmp_path)
    few = load(MAZE, 9, "train", data=tmp_path, rows=15)
    assert few.indices.tolist() == list(range(15))
    assert torch.equal(few.input, load(MAZE, 9, "train", data=tmp_path / "maze").input[:15])


@pytest.mark.usefixtures("tens")
def test_shards_are_named_by_their_first_index(tmp_path: Path) -> None:
    mazes(tmp_path, splits=["test"])
    shards_ = sorted(path.name for path in (tmp_path / "maze" / "009" / "test").iterdir())
    assert shards_ == [f"part-{first:012d}.parquet" for first in (0, 10, 20, 30)]
    assert [pq.read_metadata(tmp_path / "maze/009/test" / name).num_rows for name in shards_] == [
        10,
        10,
        10,
        5,
    ]


def test_a_full_shard_depends_on_the_shape_alone() -> None:
    sizes = {side: shards.shard_rows((side, side)) for side in (24, 32, 64, 124, 408, 1608, 9000)}
    assert sizes == {24: 10_000, 32: 10_000, 64: 2_000, 124: 500, 408: 50, 1608: 2, 9000: 1}


def test_the_protocol_trains_on_easy_levels_and_tests_on_every_one(tmp_path: Path) -> None:
    generate(MAZE, tmp_path, levels=[9, 11], rows=3)
    generate(MAZE, tmp_path, levels=[13], splits=["train", "test"], rows=3)
    table = datasets.load_dataset(str(tmp_path / "maze"), "maze", cache_dir=str(tmp_path / "cache"))
    assert list(table) == ["train", "validation", "test_009", "test_011", "test_013"]
    assert set(table["train"]["level"]) == {"9"}
    card = (tmp_path / "maze" / "README.md").read_text().split("---\n")[1]
    configs = {config["config_name"]: config for config in yaml.safe_load(card)["configs"]}
    assert list(configs) == ["maze", "maze-009", "maze-011", "maze-013"]
    assert [part["split"] for part in configs["maze-013"]["data_files"]] == ["train", "test"]


def test_the_manifest_lists_what_lies_there(tmp_path: Path) -> None:
    report = mazes(tmp_path)
    content = manifest(tmp_path)
    assert content["definition"] == MAZE.definition_digest
    level = content["levels"]["9"]
    assert level["digest"] == report.levels["9"] == level_digest(open_task(MAZE), MAZE, 9)
    for split in report.splits:
        entry = level["splits"][split.split]
        sizes = [(tmp_path / "maze" / shard["path"]).stat().st_size for shard in entry["shards"]]
        assert [shard["bytes"] for shard in entry["shards"]] == sizes
        assert (sum(sizes), entry["digest"], entry["rows"]) == (split.bytes, split.digest, split.rows)
        assert split.summary["path_length_max"] >= split.summary["path_length_mean"] > 1


@pytest.mark.usefixtures("tens")
def test_threads_change_no_byte(tmp_path: Path) -> None:
    mazes(tmp_path / "one", threads=1)
    mazes(tmp_path / "four", threads=4)
    assert files(tmp_path / "one") == files(tmp_path / "four")


def test_the_size_of_shards_changes_no_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mazes(tmp_path / "whole")
    monkeypatch.setattr(shards, "_PIXELS", PIXELS_OF_TEN_MAZES)
    mazes(tmp_path / "tens")
    pair = [load(MAZE, 9, "test", data=tmp_path / name) for name in ("whole", "tens")]
    assert torch.equal(pair[0].input, pair[1].input)


@pytest.mark.parametrize(("suite", "level"), [(MAZE, "9"), (SALT, "0.1")])
@pytest.mark.parametrize("black", [0, 10, 35])  # images that fit into a palette of four colours
def test_the_size_of_pieces_changes_no_row(
    suite: Suite, level: str, black: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, draw_all = open_task(suite), open_task(suite).draw

    def draw(split: str, level: str, indices: Any, stream: int = 0) -> Batch:
        batch = draw_all(split, level, indices, stream)
        batch.input[indices < black] = 0
        return batch

    monkeypatch.setattr(task, "draw", draw)
    whole, cut = (pieces.draw(task, Side(level, "test"), np.arange(35), True, rows) for rows in (35, 10))
    assert whole.pixels == cut.pixels
    for one, other in zip(whole.rows[:3], cut.rows[:3], strict=True):
        assert np.array_equal(one, other)
    for found, expected in ((cut.rows.extra, whole.rows.extra), (cut.fingerprints, whole.fingerprints)):
        assert {name: column.tolist() for name, column in found.items()} == {
            name: column.tolist() for name, column in expected.items()
        }


def test_levels_and_seeds_have_data_digests_of_their_own() -> None:
    other = MAZE.model_copy(update={"seed": 1})
    digests = {level_digest(open_task(suite), suite, level) for suite in (MAZE, other) for level in (9, 11)}
    assert len(digests) == 4
    assert level_digest(open_task(MAZE), MAZE, "9.0") in digests


GOLDEN = {
    "gaussian": {"0.1": "ab55d6ad9f508780da7086f0ecbe597c", "0.3": "40f1591c3b9337b892ec0214ea67c24a"},
    "maze": {"9": "d3831a997331620fc220794d13a571cd", "33": "8e8683e2f5de7bb4254ed5d42c16c20c"},
    "sp": {"0.1": "24a3f9db2001400507a6d50bd0fe6885", "0.3": "4342558d96d7878f59ecfa2f5b72af2d"},
}


@pytest.mark.parametrize("name", GOLDEN)
def test_the_samples_of_version_one_stay_what_they_are(name: str) -> None:
    suite = suites.read(name)
    assert suite.version == 1
    assert {level: level_digest(open_task(suite), suite, level) for level in GOLDEN[name]} == GOLDEN[name]


# Which levels, splits and rows


def test_a_suite_is_drawn_with_its_own_levels_and_splits(tmp_path: Path) -> None:
    report = generate(MAZE, tmp_path, rows=2)
    easy, hard = [("9", split) for split in suites.SPLITS], ["11", "13", "17", "33", "59"]
    assert [split[:2] for split in report.splits] == easy + [(level, "test") for level in hard]


def test_splits_without_levels_are_those_that_a_level_has(tmp_path: Path) -> None:
    report = generate(MAZE, tmp_path, splits=["train"], rows=2)
    assert [split[:2] for split in report.splits] == [("9", "train")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": 0}, "rows must be 1 or more; got 0"),
        ({"rows": -5}, "rows must be 1 or more; got -5"),
        ({"splits": ["dev"]}, "no split 'dev'; there are: train, validation, test"),
        ({"levels": [8]}, "odd whole number"),
        ({"levels": ["deep"]}, "a level is a number"),
        ({"levels": []}, "nothing to draw"),
    ],
)
def test_what_cannot_be_drawn_is_refused(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        mazes(tmp_path, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_source_gives_no_more_rows_than_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Maze, "available", lambda self, split: 20)
    with pytest.raises(UserError, match="20 train images, fewer than the 35 rows wanted"):
        mazes(tmp_path)
    report = mazes(tmp_path, rows=None)
    assert [split.rows for split in report.splits] == [20, 20, 20]
    assert report.notes[0] == "9/train has 20 of its 40,000 rows: the source has no more."


# Runs after runs


@pytest.mark.usefixtures("tens")
def test_a_second_run_draws_nothing(tmp_path: Path) -> None:
    assert drawn(mazes(tmp_path)) == [4, 4, 4]
    before = files(tmp_path)
    report = mazes(tmp_path)
    assert drawn(report) == [0, 0, 0]
    assert [split.kept for split in report.splits] == [4, 4, 4]
    assert [split.rows_per_second for split in report.splits] == [None, None, None]
    assert files(tmp_path) == before
    assert drawn(mazes(tmp_path, force=True)) == [4, 4, 4]


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def edit(file: Path) -> None:
    images = pq.read_metadata(file).row_group(0).column(3)
    content = bytearray(file.read_bytes())
    content[images.data_page_offset + images.total_compressed_size // 2] ^= 1
    file.write_bytes(content)


def swap_rows(file: Path) -> None:
    table = pq.read_table(file)
    pq.write_table(table.take(list(reversed(range(len(table))))), file)


def empty(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.usefixtures("tens")
@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("damage", [truncate, edit, swap_rows, empty])
def test_a_damaged_shard_is_drawn_again(tmp_path: Path, damage: Callable[[Path], None], listed: bool) -> None:
    mazes(tmp_path)
    before = files(tmp_path)
    file = tmp_path / "maze/009/train/part-000000000010.parquet"
    damage(file)
    if not listed:
        (tmp_path / "maze" / "manifest.json").unlink()
    report = mazes(tmp_path)
    assert drawn(report) == [1, 0, 0]
    assert report.notes == (f"{file} was damaged and has been drawn again.",)
    assert files(tmp_path) == before


@pytest.mark.usefixtures("tens")
def test_whole_shards_are_kept_without_a_manifest(tmp_path: Path) -> None:
    mazes(tmp_path)
    before = files(tmp_path)
    (tmp_path / "maze" / "manifest.json").unlink()
    assert drawn(mazes(tmp_path)) == [0, 0, 0]
    assert files(tmp_path) == before


@pytest.mark.usefixtures("tens")
def test_more_rows_extend_the_last_shard_and_keep_the_others(tmp_path: Path) -> None:
    mazes(tmp_path, rows=15, splits=["train"])
    assert drawn(mazes(tmp_path, splits=["train"])) == [3]
    whole = files(tmp_path)
    mazes(tmp_path / "at once", splits=["train"])
    assert files(tmp_path / "at once") == whole


@pytest.mark.usefixtures("tens")
def test_fewer_rows_leave_what_is_there(tmp_path: Path) -> None:
    mazes(tmp_path)
    before = files(tmp_path)
    report = mazes(tmp_path, rows=5)
    assert [split.rows for split in report.splits] == [35, 35, 35]
    assert "9/train holds 35 rows; they stay." in report.notes
    assert files(tmp_path) == before


@pytest.mark.usefixtures("tens")
def test_what_an_unfinished_run_of_more_rows_left_is_removed(tmp_path: Path) -> None:
    mazes(tmp_path)
    (tmp_path / "maze" / "manifest.json").unlink()
    report = mazes(tmp_path, rows=10)
    assert [split.rows for split in report.splits] == [10, 10, 10]
    assert len(list((tmp_path / "maze/009/train").iterdir())) == 1
    assert any("did not finish" in note for note in report.notes)


def test_a_level_is_added_to_those_that_are_there(tmp_path: Path) -> None:
    mazes(tmp_path)
    before = manifest(tmp_path)["levels"]["9"]
    report = generate(MAZE, tmp_path, levels=[7], rows=5)
    content = manifest(tmp_path)
    assert list(content["levels"]) == ["7", "9"]
    assert content["levels"]["9"] == before
    assert [split.level for split in report.splits] == ["7"]
    generate(MAZE, tmp_path / "at once", levels=[7], rows=5)
    mazes(tmp_path / "at once")
    assert sorted(map(str, manifest(tmp_path / "at once")["overlaps"])) == sorted(
        map(str, content["overlaps"])
    )


def test_a_level_whose_files_were_deleted_leaves_the_manifest(tmp_path: Path) -> None:
    generate(MAZE, tmp_path, levels=[9, 11], rows=5)
    (tmp_path / "maze/011/test/part-000000000000.parquet").unlink()
    report = mazes(tmp_path, rows=5)
    assert list(manifest(tmp_path)["levels"]) == ["9"]
    assert "11/test lacks files" in report.notes[0]


@pytest.mark.parametrize("listed", [True, False])
def test_a_folder_with_data_of_another_version_is_refused(tmp_path: Path, listed: bool) -> None:
    mazes(tmp_path)
    before = files(tmp_path)
    if not listed:
        (tmp_path / "maze" / "manifest.json").unlink()
        del before["maze/manifest.json"]
    newer = MAZE.model_copy(update={"version": 2})
    with pytest.raises(UserError, match="choose another folder with --out, or delete"):
        generate(newer, tmp_path, rows=5)
    assert files(tmp_path) == before


def test_a_folder_drawn_from_other_images_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mazes(tmp_path, rows=2)
    monkeypatch.setattr(Maze, "source_digest", lambda self: "0123")
    with pytest.raises(UserError, match="from other source images"):
        mazes(tmp_path, rows=2)


def test_a_generator_that_draws_other_samples_under_the_same_version_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mazes(tmp_path, rows=2)
    draw = Maze.draw
    monkeypatch.setattr(
        Maze, "draw", lambda self, split, level, indices: draw(self, split, level, indices + 1)
    )
    with pytest.raises(UserError, match="drew other samples for level 9"):
        mazes(tmp_path, rows=2)


def test_a_manifest_that_is_no_manifest_is_refused(tmp_path: Path) -> None:
    mazes(tmp_path, rows=2)
    (tmp_path / "maze" / "manifest.json").write_text("{}")
    with pytest.raises(UserError, match="not a manifest"):
        mazes(tmp_path, rows=2)


# Faults


KILLED = """
import os, signal, sys
from pathlib import Path
from easy2hard import suite
from easy2hard.data import generate, manifest, shards
shards._PIXELS = int(sys.argv[3])
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
def die_at_fifth(*_, calls=[]):
    calls.append(0)
    len(calls) == 5 and die()
where = sys.argv[2]
listen = die_at_fifth if where == "between shards" else lambda step: None
if where == "before a rename": os.fsync = die_at_fifth
if where == "before the manifest": manifest.write = die
generate(suite.read("maze"), Path(sys.argv[1]), levels=[9], rows=35, threads=2, listen=listen)
"""


@pytest.mark.usefixtures("tens")
@pytest.mark.parametrize("where", ["between shards", "before a rename", "before the manifest"])
def test_after_a_kill_a_rerun_completes_to_the_same_bytes(tmp_path: Path, where: str) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path), where, str(PIXELS_OF_TEN_MAZES)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    killed = subprocess.run(command, env=environment, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    left = files(tmp_path)
    assert "maze/manifest.json" not in left
    assert len(left) >= 4
    mazes(tmp_path / "clean")
    whole = files(tmp_path / "clean")
    assert all(whole[name] == content for name, content in left.items() if ".tmp-" not in name)
    assert sum(drawn(mazes(tmp_path))) < 12
    assert files(tmp_path) == whole


@pytest.mark.usefixtures("tens")
def test_a_kill_while_a_split_grows_leaves_no_manifest_that_lists_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate(MAZE, tmp_path, levels=[9, 11], rows=5, splits=["test"])
    with monkeypatch.context() as patch:
        patch.setattr("easy2hard.data.card.render", lambda *_: 1 / 0)  # after the shards, before the manifest
        with pytest.raises(ZeroDivisionError):
            mazes(tmp_path, splits=["test"])
    assert list(manifest(tmp_path)["levels"]) == ["11"]
    with pytest.raises(UserError, match="has no 9/test; it has: 11/test"):
        load(MAZE, 9, data=tmp_path)
    assert drawn(mazes(tmp_path, splits=["test"])) == [0]


def test_a_full_disk_is_said_and_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"the disk is full while writing .*part-000000000000.parquet"):
        mazes(tmp_path)
    assert files(tmp_path) == {}


def test_a_file_in_the_place_of_the_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(UserError, match=r"out/maze cannot be written .* choose another folder with --out"):
        mazes(tmp_path / "out")


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    mazes(tmp_path, rows=2)
    with FileLock(tmp_path / ".maze.lock"), pytest.raises(UserError, match="another run is writing"):
        mazes(tmp_path, rows=2)


def test_a_failing_thread_ends_the_run_with_its_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise UserError("this maze is broken")

    monkeypatch.setattr(Maze, "summary", fail)
    with pytest.raises(UserError, match="this maze is broken"):
        mazes(tmp_path)
    assert not (tmp_path / "maze" / "manifest.json").exists()


# Reading what is not there


def test_load_names_what_exists_and_the_command_that_makes_the_rest(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no data of maze; make it with: easy2hard generate maze"):
        load(MAZE, 9, data=tmp_path)
    mazes(tmp_path, splits=["test"])
    with pytest.raises(UserError, match=r"it has: 9/test. Make it with: easy2hard generate maze --levels 11"):
        load(MAZE, 11, data=tmp_path)
    with pytest.raises(UserError, match=r"35 rows; .* got 40. Draw more with: .* --rows 40 --out"):
        load(MAZE, 9, data=tmp_path, rows=40)
    with pytest.raises(UserError, match="there are: train, validation, test"):
        load(MAZE, 9, "dev", data=tmp_path)  # type: ignore[arg-type]


@pytest.mark.parametrize("damage", [truncate, edit, empty, Path.unlink])
def test_load_refuses_a_damaged_file(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    mazes(tmp_path)
    damage(tmp_path / "maze/009/test/part-000000000000.parquet")
    with pytest.raises(UserError, match="is damaged or missing"):
        load(MAZE, 9, data=tmp_path)


def test_load_refuses_the_data_of_another_definition(tmp_path: Path) -> None:
    mazes(tmp_path, rows=2)
    with pytest.raises(UserError, match=r"holds maze version 1 .* not version 1"):
        load(MAZE.model_copy(update={"seed": 7}), 9, data=tmp_path)
    with pytest.raises(UserError, match="holds the suite maze, not labyrinth"):
        load(MAZE.model_copy(update={"name": "labyrinth"}), 9, data=tmp_path / "maze")


@pytest.mark.parametrize("rows", [0, -1])
def test_load_refuses_no_rows(tmp_path: Path, rows: int) -> None:
    mazes(tmp_path, rows=2)
    for data in (None, tmp_path):
        with pytest.raises(UserError, match="rows"):
            load(MAZE, 9, data=data, rows=rows)


# The overlap certificate and the report


def test_the_certificate_counts_repeats_and_what_splits_share() -> None:
    hashes = {
        Side("9", "train"): {"exact": np.array([1, 2, 2, 3, 3, 3], np.uint64)},
        Side("9", "test"): {"exact": np.array([3, 3, 4, 2], np.uint64)},
    }
    train, test = hashes
    found = [certificate.certify(pair, hashes.__getitem__)[0] for pair in ((train, train), (train, test))]
    assert [overlap.shared for overlap in found] == [3, 2]
    assert found[1].rows == (6, 4)


def test_training_rows_are_compared_with_the_tests_of_levels_of_the_same_shape(tmp_path: Path) -> None:
    generate(SALT, tmp_path, levels=["0.1", "0.3"], rows=5)
    pairs = {(overlap["first"], overlap["second"]) for overlap in manifest(tmp_path, "sp")["overlaps"]}
    assert {("0.1/train", "0.1/test"), ("0.1/train", "0.3/test"), ("0.3/test", "0.3/test")} <= pairs
    assert ("0.1/test", "0.3/test") not in pairs  # the same images by design


def test_the_splits_of_mazes_share_none(tmp_path: Path) -> None:
    report = mazes(tmp_path, rows=2000)
    across = [overlap for overlap in report.overlaps if overlap.first != overlap.second]
    assert {overlap.notion for overlap in across} == {"exact", "layout", "symmetric"}
    assert [overlap.shared for overlap in across] == [0] * 9
    within = {o.notion: o.shared for o in report.overlaps if o.first == o.second == "9/train"}
    assert within["exact"] <= within["layout"] < within["symmetric"]  # of this size layouts do repeat


@pytest.mark.usefixtures("tens")
def test_the_certificate_looks_at_a_bounded_number_of_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "FINGERPRINTED", 20)
    assert {overlap.rows for overlap in mazes(tmp_path).overlaps} == {(20, 20)}


def test_progress_is_told_after_every_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "_PIXELS", PIXELS_OF_TEN_MAZES)
    steps: list[Any] = []
    mazes(tmp_path, splits=["train"], listen=steps.append)
    assert [step.total for step in steps] == [35] * 4
    assert steps[-1].done == 35
    assert {step.stage for step in steps} == {"maze 9/train"}


def test_generating_loads_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from easy2hard import suite, data; "
        f"data.generate(suite.read('maze'), {str(tmp_path)!r}, levels=[9], rows=2); "
        "assert not {'torch', 'datasets'} & set(sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
