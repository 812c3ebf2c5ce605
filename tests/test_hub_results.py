"""`push results` and `pull results`: records gather on the Hub, nobody's are lost, and boards come out the same."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import records
from hubclient import Client
from minihub import Blob, Hub

from easy2hard import board, record

REPO = "lab/results"


def laid(folder: Path, *made: records.Made) -> Path:
    for one in made:
        one.lay(folder)
    return folder


def push(client: Client, folder: Path, *options: str) -> None:
    done = client("push", "results", "--repo", REPO, "--submissions", folder, *options)
    assert done.code == 0, done.err


def rows(hub: Hub) -> pa.Table:
    """The table that the repo gives."""
    files = hub.dataset(REPO).files
    return pa.concat_tables(
        [pq.read_table(pa.BufferReader(files[p])) for p in files if p.startswith("cells/")]
    )


def page(submissions: Path) -> str:
    """The rendered boards."""
    (text,) = [
        text for path, text in board.rendered(board.folder(), submissions, submissions.parent).items()
        if path.name == "README.md"
    ]  # fmt: skip
    return text


def test_boards_rendered_from_what_is_pulled_are_those_of_what_was_pushed(
    hub: Hub, client: Client, tmp_path: Path
) -> None:
    mine = laid(tmp_path / "a" / "all", records.make("dt"), records.make("dt", seed=1), records.identity())
    push(client, mine)
    done = client("pull", "results", REPO, "--into", tmp_path / "b" / "all")
    assert done.code == 0, done.err
    assert page(tmp_path / "b" / "all") == page(mine)


def test_every_figure_is_a_row_that_load_dataset_gives(hub: Hub, client: Client, tmp_path: Path) -> None:
    made = records.make("dt")
    push(client, laid(tmp_path / "mine", made))
    assert rows(hub).num_rows == len(made.record.cells)
    done = client.python(
        "from datasets import load_dataset\n"
        "frame = load_dataset(repo, split='train').to_pandas()\n"
        "print(len(frame), sorted(set(frame[frame.declared].level)))",
        repo=REPO,
    )
    assert done.out == f"{len(made.record.cells)} ['0.1', '0.2', '0.3', '0.4', '0.5']\n", done.err


def test_two_people_who_push_at_once_keep_their_rows(hub: Hub, client: Client, tmp_path: Path) -> None:
    folders = [laid(tmp_path / name, records.make(name)) for name in ("dt", "cnn", "dncnn")]
    pushes = [client.spawn("push", "results", "--repo", REPO, "--submissions", folder) for folder in folders]
    errors = [process.communicate(timeout=300)[1] for process in pushes]
    assert [process.returncode for process in pushes] == [0, 0, 0], errors
    assert set(rows(hub)["entry"].to_pylist()) == {"dt", "cnn", "dncnn"}


def test_a_push_from_an_empty_folder_takes_nothing_away(hub: Hub, client: Client, tmp_path: Path) -> None:
    push(client, laid(tmp_path / "a", records.make("dt")))
    push(client, laid(tmp_path / "b", records.make("cnn")))
    assert set(rows(hub)["entry"].to_pylist()) == {"dt", "cnn"}
    assert len(hub.dataset(REPO).titles) == 2


def test_a_second_push_of_results_sends_nothing(hub: Hub, client: Client, tmp_path: Path) -> None:
    mine = laid(tmp_path / "mine", records.make("dt"))
    push(client, mine)
    hub.log.clear()
    push(client, mine)
    assert hub.uploads() == hub.commits() == []


def test_of_two_records_of_one_name_both_stay_and_the_newest_is_pulled(
    hub: Hub, client: Client, tmp_path: Path
) -> None:
    old, new = records.make("dt"), records.make("dt", skill=12.0)
    later = records.Made(records.change(new.record, created_at=record.now()), new.table)
    push(client, laid(tmp_path / "a", later))
    push(client, laid(tmp_path / "b", old))
    assert rows(hub).num_rows == 2 * len(old.record.cells)
    done = client("pull", "results", REPO, "--into", tmp_path / "pulled", "--json")
    (note,) = json.loads(done.out)["notes"]
    assert "is older than another record of that name" in note
    held = record.read(tmp_path / "pulled/dt/records/sp-quick-s0.json")
    assert held.created_at == later.record.created_at


def test_a_newer_record_on_disk_stays(hub: Hub, client: Client, tmp_path: Path) -> None:
    push(client, laid(tmp_path / "a", records.make("dt")))
    new = records.make("dt", skill=12.0)
    mine = laid(
        tmp_path / "mine", records.Made(records.change(new.record, created_at=record.now()), new.table)
    )
    before = (mine / "dt/records/sp-quick-s0.json").read_bytes()
    assert client("pull", "results", REPO, "--into", mine).code == 0
    assert (mine / "dt/records/sp-quick-s0.json").read_bytes() == before


def test_an_empty_folder_is_one_line(client: Client, tmp_path: Path) -> None:
    done = client("push", "results", "--repo", REPO, "--submissions", tmp_path)
    assert done.code == 2
    assert "holds no records" in done.line


@pytest.mark.parametrize("change", ["renamed", "edited", "no JSON"])
def test_a_record_that_is_not_what_its_name_says_is_refused(
    hub: Hub, client: Client, tmp_path: Path, change: str
) -> None:
    push(client, laid(tmp_path / "mine", records.make("dt")))
    files = {path: Blob(content, False) for path, content in hub.dataset(REPO).files.items()}
    (path,) = (path for path in files if path.startswith("records/"))
    blob = files.pop(path)
    if change == "renamed":
        files[path.replace("dt", "cnn")] = blob
    else:
        files[path] = Blob(
            blob.content.replace(b"somebody", b"nobody") if change == "edited" else b"{", False
        )
    hub.dataset(REPO).add("main", "tampered", files)
    done = client("pull", "results", REPO, "--into", tmp_path / "pulled")
    assert done.code == 2
    assert REPO in done.line
    assert not list((tmp_path / "pulled").rglob("*.json"))
