"""`push model`, `hf:…` and `push page`: an entry goes to the Hub whole, and comes back without running unasked."""

import ast
import json
from collections.abc import Callable
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import records
import torch
import yaml
from hubclient import Client
from minihub import Blob, Hub, Repo
from safetensors.torch import load_file

import easy2hard
from easy2hard import data as datas, entry as entries, suite as suites
from easy2hard.entry import TaskSpec
from easy2hard.hub import page
from easy2hard.models.recurrent import adapt
from easy2hard.record import LevelData, Record, Weights
from easy2hard.tasks import open_task
from easy2hard.weights import save_weights

CARD = "---\ntitle: Small\nsummary: A small net.\nsource: own work\ntask: denoise\n---\n\n# Small\n"
REPO = "lab/small-sp"
PACKAGE = Path(easy2hard.__file__).parent


def model(hub: Hub, repo: str = REPO) -> Repo:
    return hub.repos["models", repo]


@pytest.fixture
def submissions(tmp_path: Path, write_entry: Callable[..., Path]) -> Path:
    """A folder of submissions in which `small` has weights and records of two training seeds on `sp`."""
    code = write_entry(name="submissions/small/model.py")
    (code.parent / "README.md").write_text(CARD)
    for seed in (0, 1):
        lay(tmp_path / "submissions", seed)
    return tmp_path / "submissions"


def lay(folder: Path, seed: int) -> None:
    """A record of `small` that fits its code, its weights and the data."""
    code = folder / "small" / "model.py"
    beside = folder / "small" / "records" / f"sp-quick-s{seed}.safetensors"
    beside.parent.mkdir(exist_ok=True)
    torch.manual_seed(seed)
    net = adapt(entries.load(code).build(TaskSpec("denoise", 3, 3, "sp")))
    save_weights(net, beside)
    made = records.make("small", seed=seed, skill=10.0 + seed)
    weights = Weights(uri=beside.name, sha256=sha256(beside.read_bytes()).hexdigest())
    task, suite = open_task(suites.read("sp")), suites.read("sp")
    levels = {
        level: LevelData(n=held.n, kind=held.kind, digest=datas.level_digest(task, suite, level))
        for level, held in made.record.task.levels.items()
    }
    fields: dict[str, Any] = {
        "model__weights": weights,
        "model__sha256": sha256(code.read_bytes()).hexdigest(),
    }
    made = records.Made(records.change(made.record, task__levels=levels, **fields), made.table)
    made.lay(folder)


@pytest.fixture
def pushed(hub: Hub, client: Client, submissions: Path) -> Hub:
    done = client("push", "model", "small", "--repo", REPO, "--submissions", submissions)
    assert done.code == 0, done.err
    return hub


def test_a_model_lands_with_weights_config_card_and_the_entry_itself(pushed: Hub, submissions: Path) -> None:
    files = model(pushed).files
    held = [f"small/{p.relative_to(submissions / 'small')}" for p in (submissions / "small").rglob("*.*")]
    wanted = [path for path in held if path.endswith((".py", ".md", ".json"))]
    assert sorted(files) == sorted(["README.md", "config.json", "model.safetensors", *wanted])
    assert files["model.safetensors"] == (submissions / "small/records/sp-quick-s0.safetensors").read_bytes()
    assert json.loads(files["config.json"])["suite"] == "sp"


def test_the_model_index_has_the_grid_with_means_over_seeds(pushed: Hub, submissions: Path) -> None:
    header = yaml.safe_load(model(pushed).files["README.md"].decode().split("---\n")[1])
    assert (header["license"], header["library_name"]) == ("mit", "easy2hard")
    metrics = {
        (result["dataset"]["name"][-3:], metric["args"]["budget"]): metric["value"]
        for result in header["model-index"][0]["results"]
        for metric in result["metrics"]
        if "exit" not in metric["args"]
    }
    both = [Record.model_validate_json(p.read_text()) for p in submissions.glob("small/records/*.json")]
    values = [cell.value for one in both for cell in one.cells
              if (cell.level, cell.budget, cell.exit, cell.metric) == ("0.3", 5, None, "psnr")]  # fmt: skip
    assert metrics["0.3", 5] == pytest.approx(sum(values) / 2, abs=1e-4)
    assert len(metrics) == 5 * len(suites.read("sp").level_budgets("0.3"))


def test_a_second_push_of_a_model_sends_nothing(pushed: Hub, client: Client, submissions: Path) -> None:
    pushed.log.clear()
    assert client("push", "model", "small", "--repo", REPO, "--submissions", submissions).code == 0
    assert pushed.uploads() == pushed.commits() == []


@pytest.mark.skipif(version("huggingface_hub").startswith("0."), reason="it cannot write .eval_results")
def test_scores_go_to_the_datasets_leaderboard(
    hub: Hub, client: Client, submissions: Path, tmp_path: Path
) -> None:
    suite = suites.read("sp")
    datas.generate(suite, tmp_path / "data", levels=suite.hard, splits=["test"], rows=5)
    assert client("push", "data", "sp", "--repo", "lab/graded", "--data", tmp_path / "data").code == 0
    ask = ("push", "model", "small", "--repo", REPO, "--submissions", submissions, "--dataset", "lab/graded")
    done = client(*ask)
    assert done.code == 0, done.err
    results = yaml.safe_load(model(hub).files[".eval_results/easy2hard_sp.yaml"])
    tasks = yaml.safe_load(hub.dataset("lab/graded").files["eval.yaml"])["tasks"]
    assert [entry["dataset"]["task_id"] for entry in results] == [task["id"] for task in tasks]
    assert results[0]["dataset"]["revision"] == hub.dataset("lab/graded").tags["sp-v1"]
    assert "2 training seeds, sd" in results[0]["notes"]


def test_scores_on_other_samples_stay_off_the_leaderboard(
    hub: Hub, client: Client, submissions: Path, tmp_path: Path
) -> None:
    suite = suites.read("sp").model_copy(update={"seed": 9})
    datas.generate(suite, tmp_path / "data", levels=["0.3"], splits=["test"], rows=5)
    content = (tmp_path / "data/sp/manifest.json").read_bytes()
    repo = hub.repos["datasets", "lab/graded"] = Repo("datasets", "lab/graded")
    repo.tags["sp-v1"] = repo.add("main", "other data", {"sp/manifest.json": Blob(content, False)}).oid
    ask = ("push", "model", "small", "--repo", REPO, "--submissions", submissions, "--dataset", "lab/graded")
    done = client(*ask)
    assert done.code == 2
    assert "does not hold the samples of level 0.2, 0.3, 0.4, 0.5" in done.line
    assert ("models", REPO) not in hub.repos


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("nobody",), "easy2hard submit nobody"),
        (("small", "--suite", "maze"), "easy2hard evaluate small"),
        (("small", "--dataset", "lab/nothing"), "there is no repo lab/nothing"),
    ],
)
def test_what_cannot_be_pushed_is_one_line(
    hub: Hub, client: Client, submissions: Path, options: tuple[str, ...], said: str
) -> None:
    done = client("push", "model", *options, "--repo", REPO, "--submissions", submissions)
    assert done.code == 2
    assert said in done.line
    assert hub.repos == {}


def test_code_that_was_not_scored_is_not_pushed(hub: Hub, client: Client, submissions: Path) -> None:
    with open(submissions / "small" / "model.py", "a") as file:
        file.write("# better now\n")
    done = client("push", "model", "small", "--repo", REPO, "--submissions", submissions)
    assert "is not the code that was scored" in done.line
    assert hub.repos == {}


# And back


def test_a_pulled_model_is_scored_with_its_weights(pushed: Hub, client: Client, tmp_path: Path) -> None:
    ask = (
        "evaluate",
        f"hf:{REPO}",
        "--suite",
        "sp",
        "--levels",
        "0.1",
        "--limit",
        "4",
        "--out",
        tmp_path,
        "--json",
    )
    done = client(*ask, "--trust-code")
    assert done.code == 0, done.err
    (record,) = json.loads(done.out)
    assert record["model"]["id"] == "small"
    assert record["train"] is None
    (weights,) = tmp_path.rglob("weights.safetensors")
    (tmp_path / "model.safetensors").write_bytes(model(pushed).files["model.safetensors"])
    ours, theirs = load_file(weights), load_file(tmp_path / "model.safetensors")
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_code_from_the_hub_does_not_run_unless_it_is_trusted(
    hub: Hub, client: Client, submissions: Path, tmp_path: Path
) -> None:
    code = f"open({str(tmp_path / 'ran')!r}, 'w')\ndef build(task): ...\n"
    repo = hub.repos["models", REPO] = Repo("models", REPO)
    config = {
        "easy2hard": "0", "entry": "evil", "task": "denoise", "suite": "sp", "track": "quick", "recipe": None,
        "seed": 0, "train_iterations": None, "parameters": 0, "hparams": {}, "sha256": {},
    }  # fmt: skip
    files = {"config.json": json.dumps(config), "evil/model.py": code, "evil/README.md": CARD}
    repo.add("main", "evil", {path: Blob(text.encode(), False) for path, text in files.items()})
    done = client("evaluate", f"hf:{REPO}", "--suite", "sp", "--limit", "4", "--out", tmp_path)
    assert done.code == 2
    assert "add --trust-code" in done.line
    assert not (tmp_path / "ran").exists()


TAMPERED: dict[str, tuple[str, bytes | None, str]] = {
    "other code": ("small/model.py", b"print('other')", "not the file that its config.json names"),
    "other weights": ("model.safetensors", b"other", "not the file that its config.json names"),
    "no config": ("config.json", None, "only models sent by `easy2hard push model`"),
    "a config of another library": ("config.json", b'{"model_type": "bert"}', "is another's, or newer"),
    "no code": ("small/model.py", None, "lacks small/model.py"),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_tampered_model_is_refused(pushed: Hub, client: Client, tmp_path: Path, name: str) -> None:
    path, content, said = TAMPERED[name]
    files = {held: Blob(text, False) for held, text in model(pushed).files.items() if held != path}
    model(pushed).add("main", "tampered", files | ({path: Blob(content, False)} if content else {}))
    done = client("evaluate", f"hf:{REPO}", "--limit", "4", "--out", tmp_path, "--trust-code")
    assert done.code == 2
    assert said in done.line


def test_an_entrys_name_from_the_hub_cannot_leave_its_folder(
    pushed: Hub, client: Client, tmp_path: Path
) -> None:
    files = {path: Blob(text, False) for path, text in model(pushed).files.items()}
    config = files["config.json"].content.replace(b'"entry": "small"', b'"entry": "../../small"')
    model(pushed).add("main", "escaping", {**files, "config.json": Blob(config, False)})
    done = client("evaluate", f"hf:{REPO}", "--limit", "4", "--out", tmp_path, "--trust-code")
    assert "is another's, or newer" in done.line


def test_a_missing_model_is_one_line(hub: Hub, client: Client) -> None:
    done = client("evaluate", "hf:lab/nothing")
    assert done.code == 2
    assert "there is no repo lab/nothing" in done.line


# The page


@pytest.fixture
def boards(tmp_path: Path, client: Client) -> Path:
    """Boards rendered from two records."""
    for made in (
        records.make("dt"),
        records.identity(),
        records.make("evil", model__title="<script>x</script>"),
    ):
        made.lay(tmp_path / "subs")
    done = client("leaderboard", "--submissions", tmp_path / "subs", "--out", tmp_path / "boards")
    assert done.code == 0, done.err
    return tmp_path / "boards"


def test_the_page_lands_as_a_static_space(hub: Hub, client: Client, boards: Path) -> None:
    done = client("push", "page", "--repo", "lab/boards", "--leaderboard", boards)
    assert done.code == 0, done.err
    files = hub.repos["spaces", "lab/boards"].files
    header = yaml.safe_load(files["README.md"].decode().split("---\n")[1])
    assert (header["sdk"], header["app_file"]) == ("static", "index.html")
    assert files["sp.csv"] == (boards / "sp.csv").read_bytes()
    assert ">DT" in files["index.html"].decode()


def test_the_page_needs_nothing_from_elsewhere_and_runs_no_script_of_an_entry(boards: Path) -> None:
    text = page.render((boards / "README.md").read_text(), {"sp.csv"})
    assert text.count("<script>") == 1
    assert "<script>x" not in text
    assert not [word for word in ('src="http', "@import", "<link ") if word in text]
    assert 'href="sp.csv"' in text
    assert 'href="#how-to-read-the-tables"' in text
    assert 'id="how-to-read-the-tables"' in text
    assert 'href="../subs' not in text


def test_a_page_that_was_never_rendered_is_one_line(client: Client, tmp_path: Path) -> None:
    done = client("push", "page", "--repo", "lab/boards", "--leaderboard", tmp_path)
    assert done.code == 2
    assert "easy2hard leaderboard" in done.line


# No pickle


def calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_no_module_writes_or_loads_a_pickle(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
        )
    }
    reads_cifar = path == PACKAGE / "images" / "cifar10.py"  # through an unpickler that allows arrays alone
    assert not imported & {"pickle", "dill", "cloudpickle", "joblib", "shelve"} or reads_cifar
    for call in calls(tree):
        name = ast.unparse(call.func)
        assert name not in ("torch.save", "pickle.load", "pickle.loads")
        if name == "torch.load":
            assert "weights_only=True" in [ast.unparse(keyword) for keyword in call.keywords]
        if name in ("np.load", "numpy.load"):
            assert "allow_pickle=True" not in [ast.unparse(keyword) for keyword in call.keywords]
