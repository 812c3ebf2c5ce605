"""The command line as a user meets it: bad input is one line and exit code 2, good input says where things lie."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from easy2hard import cli, entry as entries, screen, suite as suites
from easy2hard.cli import options
from easy2hard.tasks import open_task

MODEL = """
from torch import nn
def build(task):
    return nn.Identity()
"""


PLAIN = (
    r"--budgets <str> .{,60}default: the suite's",
    r"--exit <str> .{,60}agreement, convergence, halt, last, max_confidence",
    r"--fast bfloat16 and torch\.compile, each where a short trial shows that it is faster",
    r"--threads <int> .{,60}default: torch's own, one per core",
)


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run easy2hard in an empty folder, in this process: torch is loaded once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("EASY2HARD_IMAGES", raising=False)

    def call(*arguments: str) -> Done:
        monkeypatch.setattr("sys.argv", ["easy2hard", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        code = ended.value.code
        return Done(code if isinstance(code, int) else 0, *capsys.readouterr())

    return call


@pytest.mark.parametrize("said", PLAIN)
def test_help_says_what_an_option_takes_and_what_holds_without_it(said: str, run: Run) -> None:
    assert re.search(said, " ".join(run("evaluate", "--help").stdout.split()))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("list nonsense", "there are: suites, models"),
        ("generate", "name a suite"),
        ("generate pepper", "there are: gaussian"),
        ("generate --noise pepper", "no suite has the noise 'pepper'"),
        ("generate --noise sp --images moon", "there is no image source 'moon'"),
        ("generate maze --images cifar10", "draws no images"),
        ("generate sp --rows 0", "1 or more"),
        ("generate sp --levels 1.5", "1.5"),
        ("generate sp --levels loud", "a level is a number"),
        ("generate gaussian --levels -0.1", "-0.1"),
        ("generate maze --levels 8", "odd whole number from 7 upwards"),
        ("generate maze --levels 5", "odd whole number from 7 upwards"),
        ("generate sp --splits exam", "train, validation, test"),
        ("generate sp --levels 0.1 --rows 5 --out /proc/nowhere", "--out"),
        ("generate sp-cifar10 --images-dir /nowhere --rows 5", "/nowhere"),
        ("generate missing.toml", "missing.toml"),
        ("check nobody", "there is no entry 'nobody'"),
        ("check nobody.py", "there is no file"),
        ("evaluate identity --suite moon", "there is no suite 'moon'"),
        ("evaluate identity --track slow", "quick or full"),
        ("evaluate identity --seeds a,b", "--seeds takes whole numbers"),
        ("evaluate identity --budgets 0", "at least 1"),
        ("evaluate identity --limit 0", "--limit"),
        ("evaluate identity --exits soon", "there is no 'soon' in easy2hard/exits/"),
        ("evaluate identity --recipe quick", "has no recipes"),
        ("evaluate dt --recipe slow", "no recipe 'slow'; it has: quick, paper"),
        ("evaluate dt --weights none.safetensors --limit 2", "none.safetensors"),
        ("evaluate bfs --suite sp", "is for the task maze"),
        ("evaluate detect-interpolate --suite gaussian", "is for the suites sp"),
        ("evaluate identity --device tpu", "--device is cpu, cuda"),
        ("evaluate identity --data nothing --limit 2", "easy2hard generate"),
        ("verify nothing.json", "there is no record"),
        ("generate sp --threads -1 --rows 5", "--threads must be at least 1; got -1"),
        (
            "generate maze --levels 100001 --rows 1",
            "200,008 x 200,008 pixels, 111.8 GiB. Name a smaller size.",
        ),
        ("evaluate identity --limit 2 --out /proc/zz", "/proc/zz"),
        ("evaluate identity --threads 0", "--threads must be at least 1; got 0"),
        ("evaluate identity --threads -2", "--threads must be at least 1; got -2"),
        ("evaluate dt --ceiling --levels 0.1", "a hard level (0.2, 0.3, 0.4, 0.5), and --levels names none"),
        ("leaderboard --submissions nowhere", "nowhere holds no record, or is not there"),
        ("submit identity", "easy2hard evaluate"),
        ("compare nobody dt", "nobody"),
        ("figures moon", "there is no suite 'moon'"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(run: Run, arguments: str, said: str) -> None:
    done = run(*arguments.split())
    assert done.returncode == 2, done.stderr
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_generate_prints_a_table_and_where_it_lies(run: Run, tmp_path: Path) -> None:
    done = run("generate", "--noise", "sp", "--levels", "0.1,0.3", "--splits", "test", "--rows", "20")
    assert done.returncode == 0, done.stderr
    assert "noisy psnr" in done.stdout
    assert (tmp_path / "data" / "sp" / "manifest.json").is_file()


def test_generate_answers_a_script_in_json(run: Run) -> None:
    done = run("generate", "maze", "--levels", "9", "--splits", "test", "--rows", "20", "--json")
    report = json.loads(done.stdout)
    assert report["splits"][0]["rows"] == 20
    assert set(report["levels"]) == {"9"}


def test_evaluate_shows_a_users_file_among_the_reference_rows(run: Run, tmp_path: Path) -> None:
    (tmp_path / "my_model.py").write_text(MODEL)
    done = run("evaluate", "my_model.py", "--limit", "4")
    assert done.returncode == 0, done.stderr
    assert "my_model" in done.stdout
    assert "does not rank" in done.stderr
    (record,) = tmp_path.glob("runs/my_model/*/record.json")
    assert json.loads(record.read_text())["task"]["limit"] == 4


def test_a_sweep_over_recipes_is_one_command_and_a_record_for_each(
    run: Run, write_entry: Callable[..., Path], definitions: Path, tmp_path: Path
) -> None:
    sweep = (
        "recipes = {f'alpha-{a:g}': Recipe(rows=5, epochs=1, losses={'fixed': 1 - a, 'progressive': a})"
        " for a in (0, 0.5, 1)}"
    )
    write_entry(("recipe = Recipe(epochs=1, batch_size=5, lr=3e-3, train_iterations=3)", sweep))
    ask = ("--suite", str(definitions / "tiny.toml"), "--levels", "0.1", "--limit", "2", "--json")
    done = run("evaluate", str(tmp_path / "small.py"), "--recipe", "alpha-0,alpha-0.5,alpha-1", *ask)
    models = [record["model"] for record in json.loads(done.stdout)]
    assert [model["recipe"] for model in models] == ["alpha-0", "alpha-0.5", "alpha-1"]
    assert [model["hparams"]["losses"]["progressive"] for model in models] == [0, 0.5, 1]


def test_several_models_are_one_command_and_a_name_that_is_unknown_is_said_before_the_first_runs(
    run: Run, tmp_path: Path
) -> None:
    ask = ("--levels", "0.1", "--limit", "2", "--json")
    done = run("evaluate", "identity", "median-3", *ask)
    assert [record["model"]["id"] for record in json.loads(done.stdout)] == ["identity", "median-3"]
    refused = run("evaluate", "identity", "median-4", *ask, "--out", "other")
    assert refused.returncode == 2
    assert "median-4" in refused.stderr
    assert not (tmp_path / "other").exists()
    (tmp_path / "norecipe.py").write_text(MODEL.replace("Identity()", "Conv2d(3, 3, 1)"))
    assert (
        "norecipe has 12 parameters and no recipe"
        in run("evaluate", "dt", "norecipe.py", *ask, "--out", "o").stderr
    )
    assert not (tmp_path / "o").exists()
    assert run("evaluate", "dt", "cnn", "--weights", "w.safetensors").returncode == 2


def test_evaluate_ends_with_an_error_where_every_seed_failed(
    run: Run, write_entry: Callable[..., Path], definitions: Path, tmp_path: Path
) -> None:
    late = ("return self.last(state)", "return self.last(state) * (float('nan') if self.training else 1)")
    write_entry(late)
    done = run("evaluate", str(tmp_path / "small.py"), "--suite", str(definitions / "tiny.toml"))
    assert done.returncode == 1
    assert "training diverged" in done.stderr


def tiny(definitions: Path, name: str = "mine") -> Path:
    """A user's own suite of that name, in a file that the package does not know."""
    path = definitions.parent / f"{name}.toml"
    path.write_text((definitions / "tiny.toml").read_text().replace('name = "tiny"', f'name = "{name}"'))
    return path


def test_runs_cannot_be_laid_where_a_file_stands(run: Run, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    done = run("evaluate", "identity", "--limit", "2", "--out", "taken")
    assert done.returncode == 2
    assert "cannot be written (not a directory); choose another folder with --out" in done.stderr


def test_a_model_that_raises_is_one_line_with_its_place_and_the_next_step(run: Run, tmp_path: Path) -> None:
    (tmp_path / "raises.py").write_text("def answer(x, task):\n    return x[:, [7]]\n")
    done = run("evaluate", "raises.py", "--limit", "2")
    assert done.returncode == 2
    assert "raises raised IndexError: index 7 is out of bounds" in done.stderr
    assert "(raises.py:2) on images (4, 3, 32, 32); run `easy2hard check raises.py`." in done.stderr


def test_ceilings_are_of_the_levels_named_their_cost_is_said_first_and_the_gap_last(
    run: Run, write_entry: Callable[..., Path], definitions: Path, tmp_path: Path
) -> None:
    write_entry()
    ask = ("--suite", str(tiny(definitions)), "--ceiling", "--levels", "0.1,0.3", "--seeds", "0,1")
    done = run("evaluate", str(tmp_path / "small.py"), *ask)
    assert done.returncode == 0, done.stderr
    assert re.match(r"4 trainings, about \d+ s together", done.stderr)
    assert "small, ceiling, trained at 0.3, seed 1: PSNR" in done.stdout
    assert "trained at 0.2" not in done.stdout
    gap = done.stdout[done.stdout.index("the extrapolation gap") :].splitlines()
    assert gap[2].split()[:2] == ["small", "0.3"]
    assert not re.match(r"\d+ trainings", run("evaluate", str(tmp_path / "small.py"), *ask).stderr)


def test_what_does_not_learn_has_no_ceiling_and_is_told_so(run: Run) -> None:
    done = run("evaluate", "identity", "--ceiling", "--limit", "2", "--json")
    assert "identity is not trained here, so it has no ceilings" in done.stderr
    assert len(json.loads(done.stdout)) == 1


def test_the_next_step_of_a_limited_run_names_the_files_that_were_given(
    run: Run, definitions: Path, tmp_path: Path
) -> None:
    (tmp_path / "my_model.py").write_text(MODEL)
    mine = str(tiny(definitions))
    done = run("evaluate", "./my_model.py", "--suite", mine, "--limit", "2")
    assert (
        f"run `easy2hard evaluate ./my_model.py --suite {mine} --track quick` without a limit" in done.stderr
    )


def test_a_folder_of_images_that_a_suite_does_not_read_is_not_passed_over(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = ("--levels", "0.1", "--splits", "test", "--rows", "5", "--images-dir", "pictures")
    assert (
        "--images-dir pictures is not read; suites that read images: sp-"
        in run("generate", "sp", *ask).stderr
    )
    maze = run("generate", "maze", "--levels", "9", *ask[2:])
    assert "maze draws its samples itself, so --images-dir pictures is not read." in maze.stderr
    done = run("evaluate", "identity", "--limit", "2", "--levels", "0.1", "--images-dir", "pictures")
    assert "is not read" in done.stderr
    monkeypatch.setenv("EASY2HARD_IMAGES", "pictures")  # set for whatever suite reads it
    assert "is not read" not in run("generate", "sp", *ask[:-2]).stderr


def test_evaluate_reads_the_test_samples_from_files_to_the_same_scores(run: Run, tmp_path: Path) -> None:
    run("generate", "sp", "--levels", "0.1", "--splits", "test", "--rows", "8")
    ask = ("evaluate", "identity", "--levels", "0.1", "--limit", "8", "--json")
    drawn = json.loads(run(*ask, "--out", "a").stdout)
    stored = json.loads(run(*ask, "--out", "b", "--data", "data").stdout)
    assert drawn[0]["cells"] == stored[0]["cells"]


def test_check_fails_with_code_1_and_says_what_to_change(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("def build(task):\n    return lambda x: x[:, :1]\n")
    done = run("check", "bad.py")
    assert done.returncode == 1
    assert "must give answers" in " ".join(done.stdout.split())


@pytest.mark.parametrize("columns", [60, 100, 120])
def test_a_table_breaks_neither_its_figures_nor_its_title(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    levels = ["0.1", "0.2", "0.3", "0.4", "0.5", "0.6"]
    row = ["1=", "a model with a name that is far too long for its column", "3", *["32.98 ± 0.04"] * 6, "n/a"]
    screen.table("a title of several words", ["rank", "model", "seeds", *levels, "mean of hard"], [row])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "a title of several words"
    assert [line.count("32.98 ± 0.04") for line in lines if "32.98" in line] == [6]
    assert max(map(len, lines)) <= 120
    assert len(lines) > 3


def test_list_models_gives_scripts_the_counts(run: Run) -> None:
    models = {row["model"]: row for row in json.loads(run("list", "models", "--json").stdout)["models"]}
    assert models["dt"]["parameters"] == 27_360
    assert models["cnn"]["parameters"] == 84_960
    assert models["dncnn"]["parameters"] == 669_312
    assert models["dt-maze"]["parameters"] == 783_504
    assert models["dt"]["source"].startswith("Raman et al.")
    assert {"macs_fixed", "macs_per_iteration"} <= set(models["dt"])
    assert all(row["name"] == name for name, row in models.items())


def test_list_models_gives_scripts_the_macs_of_an_answer_or_of_each_part_where_it_iterates(run: Run) -> None:
    models = {row["name"]: row for row in json.loads(run("list", "models", "--json").stdout)["models"]}
    assert models["dncnn"]["macs"] == 683_016_192
    assert models["dt"]["macs"] == {"fixed": 9_584_640, "per_iteration": 18_432_000}
    assert models["identity"]["macs"] == 0  # none, where those of BM3D are not counted
    assert models["bm3d"]["macs"] is None


def test_list_models_fits_80_columns_with_the_counts_of_a_model_on_its_line(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = run("list", "models").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    shown = {line.split()[0]: line for line in lines if line.strip() and not line.startswith(" ")}
    assert set(entries.names()) <= set(shown)
    assert re.match(r"median-cnn +3,563,011 +3\.63 G +0  Liang et al\.", shown["median-cnn"])
    assert re.match(r"bm3d +0 +– +–  Dabov et al\.", shown["bm3d"])
    assert re.match(r"identity +0 +0 +0  baseline", shown["identity"])


def test_list_models_shows_entries_before_floors_and_ceilings_task_by_task_with_what_is_counted(
    run: Run,
) -> None:
    lines = run("list", "models").stdout
    titles = re.findall(r"^models: (\w+), ([\w ]+) \(MACs on .* (\w+)\)$", lines, re.MULTILINE)
    assert [(task, band) for task, band, _ in titles] == [
        *(("denoise", band) for band in ("entries", "augmented entries", "floors")),
        *(("maze", band) for band in ("entries", "floors", "ceilings")),
    ]
    for task, _, counted in titles:
        suite = suites.read({"denoise": "sp", "maze": "maze"}[task])
        opened = open_task(suite)
        assert counted == "x".join(map(str, (opened.in_channels, *opened.shape(suite.easy[0]))))


def test_a_list_takes_what_it_is_given_twice_once() -> None:
    assert options.numbers("0,1,0", "--seeds") == (0, 1)
    assert options.split("quick, paper,quick") == ("quick", "paper")
