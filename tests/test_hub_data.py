"""`push data` against a small Hub: what lands there, and what the tools that people use read back."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from hubclient import Client, environment
from minihub import Hub, State

from easy2hard import data as datas, suite as suites

REPO = "lab/graded"


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two levels of `sp` and one of `maze`, of 20 rows a split."""
    out = tmp_path_factory.mktemp("data")
    datas.generate(suites.read("sp"), out, levels=["0.1", "0.3"], rows=20)
    datas.generate(suites.read("sp"), out, levels=["0.3"], splits=["test"], rows=20)
    datas.generate(suites.read("maze"), out, levels=["9"], splits=["test"], rows=20)
    return out


@pytest.fixture(scope="module")
def states() -> list[State]:
    """The Hub after the first push of the tests below, where there has been one."""
    return []


@pytest.fixture
def pushed(hub: Hub, client: Client, data: Path, states: list[State]) -> Hub:
    """A Hub to which `sp` was pushed."""
    if not states:
        done = client("push", "data", "sp", "--repo", REPO, "--data", data)
        assert done.code == 0, done.err
        states.append(hub.save())
        hub.clear()
    hub.restore(states[0])
    return hub


def card(hub: Hub) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(hub.dataset(REPO).files["README.md"].decode().split("---\n")[1])
    return content


def again(client: Client, data: Path, *options: str) -> dict[str, Any]:
    """Push `sp` once more, and hand out what the command says."""
    done = client("push", "data", "sp", "--repo", REPO, "--data", data, "--json", *options)
    assert done.code == 0, done.err
    report: dict[str, Any] = json.loads(done.out)
    return report


# What lands


def test_a_push_lands_the_files_of_the_folder_with_a_card_and_pictures(pushed: Hub, data: Path) -> None:
    files = pushed.dataset(REPO).files
    for shard in (data / "sp").rglob("*.parquet"):
        assert files[f"sp/{shard.relative_to(data / 'sp')}"] == shard.read_bytes()
    others = sorted(path for path in files if not path.endswith(".parquet"))
    assert others == [
        "README.md",
        "eval.yaml",
        "pictures/sp/0.1.png",
        "pictures/sp/0.3.png",
        "sp/manifest.json",
    ]


def test_eval_yaml_has_a_commit_of_its_own(pushed: Hub) -> None:
    assert pushed.dataset(REPO).titles == ["Add sp: data and card", "Say what is scored: eval.yaml"]
    tasks = yaml.safe_load(pushed.dataset(REPO).files["eval.yaml"])["tasks"]
    assert tasks == [{"id": "sp_0_3", "config": "sp-0.3", "split": "test"}]


def test_the_version_is_tagged_where_the_data_stand(pushed: Hub) -> None:
    repo = pushed.dataset(REPO)
    tagged = repo.commits[repo.tags["sp-v1"]].files
    assert "sp/manifest.json" in tagged


def test_the_card_shows_a_picture_of_each_level_at_its_head(pushed: Hub) -> None:
    files = pushed.dataset(REPO).files
    head = files["README.md"].decode().split("---\n")[2][:600]
    for path in ("pictures/sp/0.1.png", "pictures/sp/0.3.png"):
        assert f"({path})" in head
        assert files[path].startswith(b"\x89PNG")


@pytest.mark.parametrize("said", [
    "## How it was drawn", "## Overlap certificate", "## Intended use", "## Licence and source", "CC0-1.0",
    "dead-leaves", "@software{easy2hard", "not Easy2Hard-Bench", "no sample is shared", "Philox", "whole pixels",
])  # fmt: skip
def test_the_card_says(pushed: Hub, said: str) -> None:
    assert said in " ".join(pushed.dataset(REPO).files["README.md"].decode().split())


def test_the_card_has_every_digest_of_the_manifest(pushed: Hub) -> None:
    files = pushed.dataset(REPO).files
    for level in json.loads(files["sp/manifest.json"])["levels"].values():
        assert level["digest"] in files["README.md"].decode()
        assert all(split["digest"] in files["README.md"].decode() for split in level["splits"].values())


def test_the_head_of_the_card_counts_rows_and_bytes_of_every_config(pushed: Hub) -> None:
    header = card(pushed)
    assert [config["config_name"] for config in header["configs"]] == ["sp", "sp-0.1", "sp-0.3"]
    assert [config for config in header["configs"] if config.get("default")] == header["configs"][:1]
    info = {entry["config_name"]: entry for entry in header["dataset_info"]}
    counted = {split["name"]: split["num_examples"] for split in info["sp"]["splits"]}
    assert counted == {"train": 20, "validation": 20, "test_0.1": 20, "test_0.3": 20}
    assert info["sp"]["dataset_size"] > 4 * 20 * 2 * 3 * 32 * 32
    assert {"name": "input", "dtype": {"image": {"mode": "RGB"}}} in info["sp"]["features"]


# What is read back

LOAD = """
import numpy as np
from datasets import load_dataset
from easy2hard import load
def pictures(rows): return np.stack([np.asarray(row["input"]) for row in rows])
drawn = load("sp", "0.3", rows=20).input.permute(0, 2, 3, 1).numpy()
level = load_dataset(repo, "sp-0.3", split="test")
assert level.column_names == ["id", "level", "index", "input", "target"], level
assert np.array_equal(pictures(level), drawn)
assert np.array_equal(pictures(load_dataset(repo, "sp", split="test_0.3")), drawn)
assert np.array_equal(pictures(load_dataset(repo, split="test_0.3")), drawn)
assert np.array_equal(pictures(load_dataset(repo, "sp-0.3", split="test", streaming=True)), drawn)
assert np.array_equal(pictures(load_dataset(repo, "sp-0.3", split="test", revision="sp-v1")), drawn)
"""


def test_load_dataset_reads_the_pixels_that_anybody_draws(pushed: Hub, client: Client) -> None:
    done = client.python(LOAD, repo=REPO)
    assert done.code == 0, done.err


def test_the_commands_of_the_card_work_as_they_stand(pushed: Hub, client: Client) -> None:
    text = pushed.dataset(REPO).files["README.md"].decode()
    done = client.python(text.split("```python\n")[1].split("```")[0])
    assert done.code == 0, done.err


def test_a_process_with_datasets_alone_loads_it(pushed: Hub, client: Client) -> None:
    code = (
        "import sys; from datasets import load_dataset\n"
        f"row = load_dataset('{REPO}', 'sp-0.1', split='test')[0]\n"
        "print(row['id'], row['input'].size, 'easy2hard' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(client.url, client.home), capture_output=True, text=True
    )
    assert done.stdout == "sp-0.1-test-000000 (32, 32) False\n", done.stderr


@pytest.mark.parametrize("tool", ["pandas", "polars", "duckdb"])
def test_other_tools_read_the_parquet_files(pushed: Hub, tmp_path: Path, tool: str) -> None:
    (path,) = (path for path in pushed.dataset(REPO).files if path.startswith("sp/0.3/test/"))
    file = tmp_path / "part.parquet"
    file.write_bytes(pushed.dataset(REPO).files[path])
    module = pytest.importorskip(tool)
    if tool == "duckdb":
        rows = module.sql(f"select \"index\" i, input.bytes b from '{file}' order by i").fetchall()
        assert rows[3][0] == 3
        assert rows[3][1].startswith(b"\x89PNG")
        return
    frame = module.read_parquet(file)
    assert list(frame["index"]) == list(range(20))
    assert frame["input"][3]["bytes"].startswith(b"\x89PNG")


def test_easy2hard_reads_a_snapshot_of_the_repo(pushed: Hub, client: Client) -> None:
    done = client.python(
        "from huggingface_hub import snapshot_download\nimport torch\nfrom easy2hard import load\n"
        "folder = snapshot_download(repo, repo_type='dataset')\n"
        "assert torch.equal(load('sp', '0.3', data=folder).input, load('sp', '0.3', rows=20).input)",
        repo=REPO,
    )
    assert done.code == 0, done.err


# Once more, and more of it


def test_a_second_push_of_the_same_sends_nothing(pushed: Hub, client: Client, data: Path) -> None:
    pushed.log.clear()
    assert again(client, data)["changes"] == []
    assert pushed.uploads() == []
    assert pushed.commits() == []


def test_a_dry_run_says_byte_for_byte_what_the_push_then_sends(hub: Hub, client: Client, data: Path) -> None:
    planned = again(client, data, "--dry-run")["changes"]
    assert hub.repos == {}
    assert {request.method for request in hub.log} <= {"GET", "HEAD"}
    assert again(client, data)["changes"] == planned
    sizes = {path: len(content) for path, content in hub.dataset(REPO).files.items()}
    assert {change["path"]: change["size"] for change in planned} == sizes


def test_another_suite_joins_the_card_and_eval_yaml(pushed: Hub, client: Client, data: Path) -> None:
    before = {entry["config_name"]: entry for entry in card(pushed)["dataset_info"]}
    done = client("push", "data", "maze", "--repo", REPO, "--data", data)
    assert done.code == 0, done.err
    header = card(pushed)
    assert [config["config_name"] for config in header["configs"]] == [
        "maze",
        "maze-009",
        "sp",
        "sp-0.1",
        "sp-0.3",
    ]
    assert [c["config_name"] for c in header["configs"] if c.get("default")] == ["maze"]
    assert [entry for entry in header["dataset_info"] if entry["config_name"] in before] == list(
        before.values()
    )
    assert set(pushed.dataset(REPO).tags) == {"sp-v1", "maze-v1"}


def test_a_damaged_file_is_refused_before_anything_is_sent(hub: Hub, client: Client, tmp_path: Path) -> None:
    datas.generate(suites.read("sp"), tmp_path, levels=["0.3"], splits=["test"], rows=5)
    (shard,) = tmp_path.rglob("*.parquet")
    shard.write_bytes(shard.read_bytes()[:-1])
    done = client("push", "data", "sp", "--repo", REPO, "--data", tmp_path)
    assert done.code == 2
    assert "not the file that the manifest lists" in done.line
    assert hub.log == []


def test_a_push_of_less_is_refused_unless_it_is_meant(pushed: Hub, client: Client, tmp_path: Path) -> None:
    datas.generate(suites.read("sp"), tmp_path, levels=["0.3"], splits=["test"], rows=5)
    less = ("push", "data", "sp", "--repo", REPO, "--data", tmp_path)
    done = client(*less)
    assert done.code == 2
    assert "0.1/train, 0.1/validation, 0.1/test, 0.3/test" in done.line
    assert client(*less, "--replace").code == 0
    assert not any(path.startswith("sp/0.1") for path in pushed.dataset(REPO).files)
    assert "pictures/sp/0.1.png" not in pushed.dataset(REPO).files


# Ways to push


def test_a_private_repo_is_read_by_those_who_may(hub: Hub, client: Client, data: Path) -> None:
    secret = "lab/secret"  # of which nothing lies in a cache
    assert client("push", "data", "sp", "--repo", secret, "--data", data, "--private").code == 0
    load = f"from datasets import load_dataset; load_dataset('{secret}', 'sp-0.3', split='test')"
    assert "DatasetNotFoundError" in client.python(load, token="").err
    assert client.python(load).code == 0


def test_private_is_refused_for_a_repo_that_is_public(pushed: Hub, client: Client, data: Path) -> None:
    done = client("push", "data", "sp", "--repo", REPO, "--data", data, "--private")
    assert done.code == 2
    assert "exists and is public" in done.line


def test_a_pull_request_holds_both_commits_and_leaves_main_alone(
    hub: Hub, client: Client, data: Path
) -> None:
    report = again(client, data, "--create-pr")
    repo = hub.dataset(REPO)
    assert report["pull"] == f"{hub.url}/datasets/{REPO}/discussions/1"
    assert repo.files == {}
    assert {"README.md", "eval.yaml"} <= set(repo.commits[repo.history["refs/pr/1"][-1]].files)
    assert repo.tags == {}
    load = f"from datasets import load_dataset; load_dataset('{REPO}', 'sp-0.3', revision='refs/pr/1')"
    assert client.python(load).code == 0


def test_the_same_pull_request_is_not_opened_twice(hub: Hub, client: Client, data: Path) -> None:
    first = again(client, data, "--create-pr")
    second = again(client, data, "--create-pr")
    assert second["pull"] == first["pull"]
    assert list(hub.dataset(REPO).pulls) == [1]


def test_a_branch_is_made_where_it_is_missing(pushed: Hub, client: Client, data: Path) -> None:
    done = client("push", "data", "maze", "--repo", REPO, "--data", data, "--revision", "next")
    assert done.code == 0, done.err
    repo = pushed.dataset(REPO)
    assert "maze/manifest.json" not in repo.files
    assert {"maze/manifest.json", "sp/manifest.json"} <= set(repo.commits[repo.history["next"][-1]].files)


def test_a_tree_in_pages_and_objects_in_parts_work_too(hub: Hub, client: Client, data: Path) -> None:
    hub.part_size, hub.page = 10_000, 3
    again(client, data)
    assert sum("/1" in request.path[-3:] for request in hub.uploads()) > 1
    hub.log.clear()
    assert again(client, data)["changes"] == []


@pytest.mark.skipif(
    version("huggingface_hub").startswith("0."), reason="it asks the Hub whether a repo has Xet"
)
def test_the_xet_lane_lands_the_same_files_without_plain_uploads(tmp_path: Path, data: Path) -> None:
    pytest.importorskip("hf_xet")
    hub = Hub(tmp_path / "store")
    client = Client(hub.url, tmp_path / "home", HF_HUB_DISABLE_XET="0")
    load = f"from datasets import load_dataset; print(len(load_dataset('{REPO}', 'sp-0.3', split='test')))"
    first, second = again(client, data), again(client, data)
    loaded = client.python(load)
    client.close()
    hub.close()
    assert hub.uploads() == []
    assert (len(first["changes"]), second["changes"]) == (9, [])
    for shard in (data / "sp").rglob("*.parquet"):
        assert hub.dataset(REPO).files[f"sp/{shard.relative_to(data / 'sp')}"] == shard.read_bytes()
    assert any("xet-read-token" in request.path for request in hub.log)
    assert loaded.out == "20\n", loaded.err
