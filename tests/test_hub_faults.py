"""What can go wrong on the way to the Hub: it passes, or it is one clear line, exit code 2, and nothing half there."""

import json
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml
from hubclient import Client, Done
from minihub import Hub

from easy2hard import data as datas, suite as suites

REPO = "lab/faulty"
COMMIT, PREUPLOAD, BATCH, CREATE = "/commit/", "/preupload/", "/objects/batch", "/repos/create"


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A test split of one level of three suites, 10 rows each."""
    out = tmp_path_factory.mktemp("faults")
    for name, level in (("sp", "0.3"), ("gaussian", "0.2"), ("maze", "9")):
        datas.generate(suites.read(name), out, levels=[level], splits=["test"], rows=10)
    return out


@pytest.fixture
def push(hub: Hub, client: Client, data: Path) -> Any:
    """Push `sp`."""

    def call(*options: str, token: str = "hf_write", repo: str = REPO) -> Done:
        return client("push", "data", "sp", "--repo", repo, "--data", data, *options, token=token)

    return call


def whole(hub: Hub, suite: str = "sp", repo: str = REPO) -> bool:
    """Whether the repo holds all that the suite's manifest lists, the card names its configs, and a tag marks it."""
    held = hub.dataset(repo)
    manifest = json.loads(held.files[f"{suite}/manifest.json"])
    shards = [
        s
        for level in manifest["levels"].values()
        for part in level["splits"].values()
        for s in part["shards"]
    ]
    configs = yaml.safe_load(held.files["README.md"].decode().split("---\n")[1])["configs"]
    return (
        all(len(held.files[f"{suite}/{shard['path']}"]) == shard["bytes"] for shard in shards)
        and suite in [config["config_name"] for config in configs]
        and suite in held.files["eval.yaml"].decode()
        and f"{suite}-v1" in held.tags
    )


PASSING: dict[str, tuple[str, str, dict[str, Any]]] = {
    "commit 500": ("POST", COMMIT, {"status": 500}),
    "commit 503 three times": ("POST", COMMIT, {"status": 503, "times": 3}),
    "commit 429 with Retry-After": ("POST", COMMIT, {"status": 429, "headers": {"Retry-After": "3"}}),
    "commit 409": ("POST", COMMIT, {"status": 409}),
    "commit 412": ("POST", COMMIT, {"status": 412, "times": 6}),
    "commit cut before it arrived": ("POST", COMMIT, {"cut": 50}),
    "answer to the repo's creation cut": ("POST", CREATE, {"cut": 10}),
    "first look 503": ("GET", "/api/datasets/", {"status": 503}),
    "tree cut": ("GET", "/tree/", {"cut": 20}),
    "preupload 500": ("POST", PREUPLOAD, {"status": 500}),
    "batch 503": ("POST", BATCH, {"status": 503}),
    "upload 500": ("PUT", "/lfs/", {"status": 500}),
    "upload cut in the middle": ("PUT", "/lfs/", {"cut": 500}),
    "validation of the card 503": ("POST", "/validate-yaml", {"status": 503}),
    "tag 500": ("POST", "/tag/", {"status": 500}),
}


@pytest.mark.parametrize("name", PASSING)
def test_a_fault_that_passes_is_waited_out(hub: Hub, push: Any, name: str) -> None:
    method, path, what = PASSING[name]
    fault = hub.fault(method, path, **what)
    done = push()
    assert done.code == 0, done.err
    assert fault.reached.is_set()
    assert whole(hub)


def test_an_answer_cut_after_the_commit_makes_no_second_commit(hub: Hub, push: Any) -> None:
    hub.fault("POST", COMMIT, late=True)
    assert push().code == 0
    assert hub.dataset(REPO).titles == ["Add sp: data and card", "Say what is scored: eval.yaml"]


LASTING: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "commit 500 for ever": (
        "POST",
        COMMIT,
        {"status": 500},
        "a fault of its own (500, 5 attempts); later run the same",
    ),
    "commit 429 for ever": ("POST", COMMIT, {"status": 429}, "asks for patience"),
    "commit 412 for ever": ("POST", COMMIT, {"status": 412}, "others kept pushing"),
    "commit cut for ever": ("POST", COMMIT, {"cut": 10}, "cannot be reached"),
    "commit refused": (
        "POST",
        COMMIT,
        {"status": 400},
        "refused what was asked of lab/faulty (400): the server has a bad day",
    ),
    "upload 500 for ever": ("PUT", "/lfs/", {"status": 500}, "run the same command again"),
    "upload cut for ever": ("PUT", "/lfs/", {"cut": 10}, "cannot be reached"),
    "no answer to anything": ("GET", "/api/", {"cut": 0}, "cannot be reached"),
}


@pytest.mark.parametrize("name", LASTING)
def test_a_fault_that_lasts_is_one_line_and_leaves_nothing_half_there(hub: Hub, push: Any, name: str) -> None:
    method, path, what, said = LASTING[name]
    hub.fault(method, path, **what, times=-1)
    done = push()
    assert done.code == 2
    assert said in done.line
    assert not hub.repos or hub.dataset(REPO).files == {}
    hub.faults.clear()
    assert push().code == 0
    assert whole(hub)


def test_a_refused_eval_yaml_leaves_the_data_there_and_says_so(hub: Hub, push: Any) -> None:
    hub.fault("POST", COMMIT, status=400, skip=1)
    done = push()
    assert done.code == 2
    assert "the data are in lab/faulty, but not eval.yaml" in done.line
    assert "sp/manifest.json" in hub.dataset(REPO).files


WHO: dict[str, tuple[str, str, str]] = {
    "no token": ("", REPO, "you are not logged in to the Hub; run `hf auth login`"),
    "an unknown token": ("hf_wrong", REPO, "does not know your token; log in again"),
    "a token that may only read": ("hf_read", REPO, "may not write to lab/faulty; use one with write access"),
    "somebody else's organisation": ("hf_write", "theirs/graded", "an account that belongs to theirs"),
    "no name of a repo": ("hf_write", "graded", "a repo is ORGANISATION/NAME"),
    "a name that cannot be": ("hf_write", "lab/--graded--", "is not the name of a repo"),
}


@pytest.mark.parametrize("name", WHO)
def test_who_may_not_push_hears_what_to_do(hub: Hub, push: Any, name: str) -> None:
    token, repo, said = WHO[name]
    done = push(token=token, repo=repo)
    assert done.code == 2
    assert said in done.line
    assert hub.repos == {}
    assert hub.uploads() == []


def test_a_reader_of_an_existing_repo_hears_it_before_anything_is_sent(hub: Hub, push: Any) -> None:
    assert push().code == 0
    hub.dataset(REPO).add("main", "emptied", {})
    hub.log.clear()
    done = push(token="hf_read")
    assert done.code == 2
    assert "--create-pr" in done.line
    assert hub.uploads() == []


@pytest.mark.parametrize(("token", "said"), [("hf_write", "there is no repo"), ("", "there is no repo")])
def test_a_missing_repo_cannot_be_pulled_from(hub: Hub, client: Client, token: str, said: str) -> None:
    done = client("pull", "results", "lab/nothing", token=token)
    assert done.code == 2
    assert said in done.line


def test_a_server_that_is_down_is_said_in_one_line(client: Client, data: Path) -> None:
    process = client.spawn(
        "push", "data", "sp", "--repo", REPO, "--data", data, HF_ENDPOINT="http://127.0.0.1:9"
    )
    _, err = process.communicate(timeout=300)
    assert process.returncode == 2
    assert "the Hub cannot be reached" in Done(2, "", err).line


def test_offline_is_said_at_once(client: Client, data: Path) -> None:
    process = client.spawn("push", "data", "sp", "--repo", REPO, "--data", data, HF_HUB_OFFLINE="1")
    _, err = process.communicate(timeout=300)
    assert process.returncode == 2
    assert "HF_HUB_OFFLINE is set" in Done(2, "", err).line


def test_a_push_that_is_killed_goes_on_with_what_is_missing(
    hub: Hub, push: Any, client: Client, data: Path
) -> None:
    stuck = hub.fault("PUT", "/lfs/", hold=threading.Event(), skip=1)
    process = client.spawn("push", "data", "sp", "--repo", REPO, "--data", data)
    assert stuck.reached.wait(300)
    while not hub.objects:  # the other one of the two has arrived
        stuck.reached.wait(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=300)
    assert hub.dataset(REPO).files == {}
    there = set(hub.objects)
    stuck.hold.set()  # type: ignore[union-attr]
    hub.log.clear()
    assert push().code == 0
    assert whole(hub)
    assert not there & {request.path.split("/")[2] for request in hub.uploads()}


def test_four_pushes_at_once_all_land(hub: Hub, client: Client, data: Path) -> None:
    names = ["sp", "gaussian", "maze", "sp"]
    pushes = [client.spawn("push", "data", name, "--repo", REPO, "--data", data) for name in names]
    errors = [process.communicate(timeout=300)[1] for process in pushes]
    assert [process.returncode for process in pushes] == [0, 0, 0, 0], errors
    assert all(whole(hub, name) for name in ("sp", "gaussian", "maze"))


@pytest.mark.parametrize("name", [*PASSING, *LASTING, *WHO])
def test_the_document_says_what_happens_at_every_fault(name: str) -> None:
    text = (Path(__file__).parent.parent / "docs" / "hub.md").read_text(encoding="utf-8")
    assert f"| {name} |" in text
