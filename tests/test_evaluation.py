"""An entry on a suite, from its file to the record: whole, cut short, killed, and asked wrongly."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

import easy2hard
from easy2hard import data, entry as entries, evaluation, provenance, record as records, suite as suites
from easy2hard.errors import UserError
from easy2hard.evaluation import carrying_out, evaluate
from easy2hard.models.dt import DT
from easy2hard.progress import Step
from easy2hard.record import Record
from easy2hard.suite import Suite
from easy2hard.tasks import I64, Batch, open_task
from easy2hard.weights import sha256_of

Write = Callable[..., Path]
RULES = ("agreement", "convergence")

MEAN = """
\"\"\"One thought, no weights: the mean of the image and its mirror.\"\"\"
def answer(x, task):
    return (x + x[..., ::-1]) / 2
"""

BATCHED = """
from torch import nn
from easy2hard import Recipe

def build(task):
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 3, 1))

recipe = Recipe(epochs=1, batch_size=5, train_iterations=1)
"""


@pytest.fixture
def run(tmp_path: Path, tiny: Suite) -> Callable[..., Record]:
    """Evaluate on the tiny suite, under a folder of the test's own."""

    def run(model: Any, **asked: Any) -> Record:
        return evaluate(
            model, asked.pop("suite", tiny), out=asked.pop("out", tmp_path / "runs"), **asked
        ).record

    return run


def folder_of(record: Record, runs: Path) -> Path:
    return next(path.parent for path in runs.rglob("record.json") if records.read(path) == record)


def figures(record: Record) -> dict[tuple[str, int, str | None, str], float]:
    return {(cell.level, cell.budget, cell.exit, cell.metric): cell.value for cell in record.cells}


def test_every_level_budget_rule_and_metric_has_its_figure(
    run: Callable[..., Record], write_entry: Write
) -> None:
    record = run(write_entry())
    assert set(figures(record)) == {
        (level, budget, exit, metric)
        for level in ("0.1", "0.2", "0.3")
        for budget in (1, 2, 3, 5)
        for exit in (None, *RULES)
        for metric in ("psnr", "psnr_pooled", "ssim")
    }
    assert record.status == "ok"
    assert record.ranks
    assert {level: (seen.n, seen.kind) for level, seen in record.task.levels.items()} == {
        "0.1": (6, "easy"), "0.2": (6, "hard"), "0.3": (6, "hard"),
    }  # fmt: skip


def test_every_figure_is_the_mean_of_the_samples_beside_it(
    run: Callable[..., Record], write_entry: Write, tmp_path: Path
) -> None:
    record = run(write_entry())
    folder = folder_of(record, tmp_path / "runs")
    assert record.samples is not None
    assert sha256_of(folder / record.samples.path) == record.samples.sha256
    table = pd.read_parquet(folder / record.samples.path)
    for cell in record.cells:
        at = table[
            (table.level == cell.level) & (table.budget == cell.budget) & (table.rule == (cell.exit or ""))
        ]
        assert at["index"].tolist() == list(range(6))
        assert cell.iterations == pytest.approx(at.iterations.mean())
        if cell.metric != "psnr_pooled":
            assert cell.value == pytest.approx(at[cell.metric].mean())


def test_a_figure_says_what_it_cost(run: Callable[..., Record], write_entry: Write) -> None:
    record = run(write_entry())
    pixels, model = 16 * 16, record.model
    assert model.macs_fixed == (3 * 4 + 4 * 3) * 9 * pixels
    assert model.macs_per_iteration == 7 * 4 * 9 * pixels
    for cell in record.cells:
        assert cell.macs == pytest.approx(model.macs_fixed + cell.iterations * model.macs_per_iteration)
    assert all(cell.iterations == cell.budget for cell in record.cells if cell.exit is None)


def test_the_full_track_scores_all_rows(run: Callable[..., Record], write_entry: Write) -> None:
    quick, full = run(write_entry()), run(write_entry(), track="full")
    assert {cell.n for cell in full.cells} == {12}
    assert quick.model.weights == full.model.weights


def test_a_frame_has_one_row_per_figure_of_every_seed(
    tmp_path: Path, tiny: Suite, write_entry: Write
) -> None:
    done = evaluate(write_entry(), tiny, seeds=(0, 1), out=tmp_path)
    frame = done.frame()
    assert len(frame) == sum(len(record.cells) for record in done.records)
    assert set(frame.seed) == {0, 1}
    assert {"entry", "level", "budget", "exit", "metric", "value", "ci95"} <= set(frame.columns)
    assert len({record.model.weights.sha256 for record in done.records if record.model.weights}) == 2


class Stop(Exception):
    """The run ends here."""


def stop_at(stage: str) -> Callable[[Step], None]:
    def listen(step: Step) -> None:
        if step.stage == stage:
            raise Stop

    return listen


def test_a_run_killed_between_levels_goes_on_to_the_same_figures(
    run: Callable[..., Record], write_entry: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry, a = write_entry(), tmp_path / "a"
    with pytest.raises(Stop):
        run(entry, out=a, listen=stop_at("scoring level 0.3"))
    drawn: list[tuple[str, str]] = []
    monkeypatch.setattr(evaluation, "open_task", lambda *args: Spy(open_task(*args), drawn))
    resumed = run(entry, out=a)
    scored = [step for step in drawn if step[0] == "test"]
    assert ("train", "0.1") not in drawn  # trained before
    assert scored[0] == ("test", "0.3")  # scored before; what follows are the digests
    whole = run(entry, out=tmp_path / "b")
    assert resumed.cells == whole.cells
    assert resumed.samples == whole.samples
    assert resumed.model == whole.model


class Spy:
    """A task that writes down what is drawn of it."""

    def __init__(self, task: Any, drawn: list[tuple[str, str]]) -> None:
        self.task, self.drawn = task, drawn

    def __getattr__(self, name: str) -> Any:
        return getattr(self.task, name)

    def draw(self, split: str, level: str, indices: I64, stream: int = 0) -> Batch:
        self.drawn.append((split, level))
        return self.task.draw(split, level, indices, stream)


def test_no_test_split_is_opened_before_the_weights_are_hashed(
    run: Callable[..., Record], write_entry: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[str, str]] = []
    before: set[tuple[str, str]] = set()
    hash_weights = carrying_out._hashed

    def hashed(*args: Any) -> Any:
        before.update(drawn)
        return hash_weights(*args)

    monkeypatch.setattr(evaluation, "open_task", lambda *args: Spy(open_task(*args), drawn))
    monkeypatch.setattr(carrying_out, "_hashed", hashed)
    run(write_entry())
    assert before == {("train", "0.1"), ("validation", "0.1")}


def test_a_finished_run_is_read_and_not_repeated(run: Callable[..., Record], write_entry: Write) -> None:
    steps: list[Step] = []
    first = run(write_entry())
    assert run(write_entry(), listen=steps.append) == first
    assert steps == []


def test_without_resume_all_is_done_anew(run: Callable[..., Record], write_entry: Write) -> None:
    steps: list[Step] = []
    first = run(write_entry())
    again = run(write_entry(), resume=False, listen=steps.append)
    assert {"training", "scoring level 0.1"} <= {step.stage for step in steps}
    assert again.cells == first.cells


@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_a_run_cut_short_never_ranks(limit: int, run: Callable[..., Record]) -> None:
    record = run(nn.Identity(), limit=limit)
    assert {cell.n for cell in record.cells} == {min(limit, 6)}
    assert record.task.limit == limit
    assert not record.ranks


def test_a_run_on_some_levels_does_not_rank(run: Callable[..., Record]) -> None:
    record = run(nn.Identity(), levels=("0.3", "0.10"))
    assert list(record.task.levels) == ["0.3", "0.1"]
    assert not record.ranks


@pytest.mark.parametrize("levels", ["0.3", 0.3, (0.3,)])
def test_levels_may_be_given_as_they_come_to_mind(levels: Any, run: Callable[..., Record]) -> None:
    assert list(run(nn.Identity(), levels=levels).task.levels) == ["0.3"]


def test_a_single_level_budget_or_exit_rule_need_not_be_a_tuple(
    tmp_path: Path, tiny_maze: Suite, run: Callable[..., Record], write_entry: Write
) -> None:
    record = evaluate("identity-maze", tiny_maze, levels=9, out=tmp_path).record
    assert list(record.task.levels) == ["9"]
    cells = run(write_entry(), budgets=3, exits="agreement", levels=0.2, limit=2).cells
    assert {(cell.budget, cell.exit) for cell in cells} == {(3, None), (3, "agreement")}


def test_a_ceiling_trains_on_its_hard_level_and_is_scored_there_alone(
    run: Callable[..., Record], write_entry: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[str, str]] = []
    monkeypatch.setattr(evaluation, "open_task", lambda *args: Spy(open_task(*args), drawn))
    record = run(write_entry(), ceiling="0.30")
    assert record.model.band == "ceiling"
    assert record.train is not None
    assert record.train.levels == ("0.3",) == tuple(record.task.levels)
    assert {level for split, level in drawn if split == "train"} == {"0.3"}
    assert record.filename == "tiny-quick-ceiling-0.3-s0.json"


@pytest.mark.parametrize("rule", [*RULES, "last"])
def test_one_exit_rule_alone_gives_the_figures_of_the_whole_pass(
    rule: str, run: Callable[..., Record], write_entry: Write
) -> None:
    alone, whole = run(write_entry(), exit=rule), run(write_entry())
    name = None if rule == "last" else rule
    assert {(cell.budget, cell.exit) for cell in alone.cells} == {(5, name)}
    for at, value in figures(alone).items():
        assert value == pytest.approx(figures(whole)[at], abs=1e-3)
    assert alone.task.answer == rule
    assert alone.answer_cell("0.3") in alone.cells


def test_an_unknown_keyword_is_answered_with_those_that_there_are(tiny: Suite) -> None:
    with pytest.raises(UserError, match=r"takes no budget; there are: .*budgets"):
        evaluate(nn.Identity(), tiny, budget=3)


def test_the_weights_of_a_run_score_as_the_run_did(
    run: Callable[..., Record], write_entry: Write, tmp_path: Path
) -> None:
    trained = run(write_entry())
    path = folder_of(trained, tmp_path / "runs") / "weights.safetensors"
    scored = run(write_entry(), weights=str(path))
    assert scored.cells == trained.cells
    assert scored.train is None
    assert scored.model.recipe is None
    assert scored.model.weights == trained.model.weights


def test_weights_are_scored_at_the_answer_that_the_recipe_declares(
    run: Callable[..., Record], write_entry: Write, tmp_path: Path
) -> None:
    trained = run(write_entry())
    path = folder_of(trained, tmp_path / "runs") / "weights.safetensors"
    scored = run(write_entry(), weights=path)
    assert scored.declared_answer == trained.declared_answer == "3"


def test_a_plain_module_is_scored_with_its_own_state_dict(
    run: Callable[..., Record], write_entry: Write, tmp_path: Path
) -> None:
    torch.manual_seed(3)
    own = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 3, 1))
    torch.save(own.state_dict(), tmp_path / "own.pt")
    loaded = run(write_entry(name="batched.py", code=BATCHED), weights=tmp_path / "own.pt")
    assert loaded.cells == run(own).cells


def test_what_a_plain_module_learnt_loads_into_it_again(
    run: Callable[..., Record], write_entry: Write, tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    record = run(write_entry(name="batched.py", code=BATCHED))
    own = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 3, 1))
    own.load_state_dict(load_file(folder_of(record, tmp_path / "runs") / "weights.safetensors"))
    assert figures(run(own)) == pytest.approx(figures(record))


class Command:
    """What a pickle of somebody else may hold."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("taken-over",)


def test_a_pickle_that_would_run_code_is_refused(
    run: Callable[..., Record], write_entry: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"first.weight": Command()}, "evil.pt")
    with pytest.raises(UserError, match=r"evil\.pt does not hold weights of this model"):
        run(write_entry(), weights="evil.pt")
    assert not Path("taken-over").exists()


def test_weights_of_another_model_are_refused_by_name(
    run: Callable[..., Record], write_entry: Write, tmp_path: Path
) -> None:
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "other.pt")
    with pytest.raises(UserError, match=r"other\.pt does not hold weights of this model.*[Mm]issing key"):
        run(write_entry(), weights=tmp_path / "other.pt")
    with pytest.raises(UserError, match=r"there are no weights .*none\.pt"):
        run(write_entry(), weights=tmp_path / "none.pt")


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model"])
def test_a_state_dict_in_a_checkpoint_of_a_script_is_taken_out(
    key: str, run: Callable[..., Record], write_entry: Write, tmp_path: Path
) -> None:
    plain = run(write_entry())
    tensors = load_file(folder_of(plain, tmp_path / "runs") / "weights.safetensors")
    torch.save({key: tensors, "epoch": 3}, tmp_path / "checkpoint.pt")
    assert figures(run(write_entry(), weights=tmp_path / "checkpoint.pt")) == figures(plain)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is neither safetensors nor a state dict of torch; save"),
        (b"no weights at all", "it is neither safetensors nor a state dict of torch; save"),
        ([1, 2], "it holds a list; a state dict has names and tensors"),
        ({"net": {}, "epoch": 3}, "it holds a dict of net, epoch; a state dict has"),
        (
            nn.Conv2d(3, 3, 1),
            r"it holds more than tensors, such as a whole module; save model\.state_dict\(\) alone",
        ),
    ],
)
def test_a_file_that_holds_no_state_dict_is_told_what_it_should_hold(
    content: Any, said: str, run: Callable[..., Record], write_entry: Write, tmp_path: Path
) -> None:
    path = tmp_path / "w.pt"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(UserError, match=said) as raised:
        run(write_entry(), weights=path)
    assert "weights_only" not in str(raised.value)


def test_what_evaluate_returns_shows_its_headline_in_a_line(tiny: Suite, tmp_path: Path) -> None:
    done = evaluate(nn.Identity(), tiny, out=tmp_path)
    mean = np.mean([done.record.answer_cell(level).value for level in ("0.2", "0.3")])  # type: ignore[union-attr]  # all there
    assert repr(done) == (
        "<Evaluation of identity on tiny, quick track; mean PSNR (dB) of the hard levels: "
        f"seed 0: {mean:.2f}>"
    )
    part = evaluate(nn.Identity(), tiny, levels=("0.2",), out=tmp_path)
    assert repr(part).endswith("seed 0: n/a>")


def test_what_is_no_model_is_answered_with_what_evaluate_takes(tiny: Suite, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"takes the name of an entry.*an nn\.Module.*; got 3 \(int\)"):
        evaluate(3, tiny, out=tmp_path)  # type: ignore[arg-type]  # what a user may do


def test_a_model_object_is_scored_as_it_is(tiny: Suite, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = DT(3, 3, width=4)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    done = easy2hard.evaluate(model, suite=tiny, out=tmp_path)
    assert done.record.model.id == "dt"
    assert done.record.train is None
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    x, target = (t[:6] for t in open_task(tiny).tensors(open_task(tiny).draw("test", "0.2", np.arange(6))))
    with torch.no_grad():
        error = (model(x, 5).clamp(0, 1) - target).square().mean(dim=(1, 2, 3))
    assert figures(done.record)["0.2", 5, None, "psnr"] == pytest.approx(
        float(-10 * error.log10().mean()), abs=1e-3
    )


def test_a_model_object_that_has_changed_is_scored_anew(run: Callable[..., Record]) -> None:
    model = nn.Conv2d(3, 3, 1)
    first = run(model)
    nn.init.zeros_(model.weight)
    assert figures(run(model)) != figures(first)


def test_a_function_is_an_entry(run: Callable[..., Record], write_entry: Write) -> None:
    record = run(write_entry(name="mean.py", code=MEAN))
    assert {cell.budget for cell in record.cells} == {1}
    assert (record.model.params_total, record.model.weights, record.model.iterative) == (0, None, False)
    flipped = run(lambda x: (x + x[..., ::-1]) / 2)
    assert figures(flipped) == figures(record)


def test_breadth_first_search_solves_every_maze(tmp_path: Path, tiny_maze: Suite) -> None:
    record = evaluate("bfs", tiny_maze, out=tmp_path).record
    assert {cell.value for cell in record.cells} == {1.0}
    assert record.model.band == "ceiling"


NOISE = """
import numpy as np

def normalise(level):
    return str(float(level))

def apply(clean, level, key, indices, stream=0):
    return (clean * (1 - float(level))).astype(np.uint8)

def stamp(level):
    return {"what": "dimmed"}
"""


def user_suite(folder: Path, definitions: Path) -> Suite:
    folder.mkdir(exist_ok=True)
    (folder / "mine.py").write_text(NOISE)
    text = (definitions / "tiny.toml").read_text().replace('"salt_and_pepper"', '"./mine.py"')
    (folder / "mine.toml").write_text(text.replace('name = "tiny"', 'name = "mine"'))
    return suites.read(folder / "mine.toml")


def test_a_suite_with_a_noise_of_the_users_own_needs_no_fork(
    run: Callable[..., Record], definitions: Path, tmp_path: Path
) -> None:
    record = run(nn.Identity(), suite=user_suite(tmp_path / "a", definitions))
    assert record.task.stamp == {"what": "dimmed"}
    values = [record.answer_cell(level).value for level in record.task.levels]  # type: ignore[union-attr]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            NOISE.replace("def stamp", "def stmp"),
            r"mine\.py lacks stamp; a file for noise has the functions normalise",
        ),
        ("normalise = apply = 3", r"mine\.py lacks normalise, apply, stamp"),
        ("import nothing_of_that_name", r"mine\.py cannot be imported: ModuleNotFoundError"),
    ],
)
def test_a_noise_that_lacks_a_function_is_told_on_opening(
    code: str, said: str, definitions: Path, tmp_path: Path
) -> None:
    suite = user_suite(tmp_path / "a", definitions)
    (tmp_path / "a" / "mine.py").write_text(code)
    with pytest.raises(UserError, match=said):
        open_task(suite)


def test_a_file_of_images_needs_the_function_open(tiny: Suite, tmp_path: Path) -> None:
    (tmp_path / "pictures.py").write_text("")
    with pytest.raises(UserError, match=r"pictures\.py lacks open; a file for images has the function open"):
        open_task(tiny.model_copy(update={"images": str(tmp_path / "pictures.py")}))


LATE = "        if {when}:\n            raise KeyError('late')\n        return self.last(state)"


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("self.training", r"KeyError: 'late' \(small\.py:\d+\) in its first steps of training at level 0\.1"),
        ("len(x) == 6", r"KeyError: 'late' \(small\.py:\d+\) on images \(6, 3, 16, 16\) of level 0\.1"),
    ],
)
def test_a_model_that_raises_later_is_told_what_it_was_doing(
    when: str, said: str, run: Callable[..., Record], write_entry: Write
) -> None:
    with pytest.raises(UserError, match=said) as raised:
        run(write_entry(("        return self.last(state)", LATE.format(when=when))))
    assert isinstance(raised.value.__cause__, KeyError)


def test_an_object_that_raises_keeps_its_exception(run: Callable[..., Record]) -> None:
    with pytest.raises(RuntimeError, match="channels"):
        run(nn.Conv2d(4, 3, 1))


def test_a_noise_that_was_edited_is_another_protocol_and_run_anew(
    run: Callable[..., Record], write_entry: Write, definitions: Path, tmp_path: Path
) -> None:
    suite, entry = user_suite(tmp_path / "a", definitions), write_entry(name="mean.py", code=MEAN)
    first = run(entry, suite=suite)
    (tmp_path / "a" / "mine.py").write_text(NOISE.replace("1 - float", "1 - 0.5 * float"))
    second = run(entry, suite=suite)
    assert figures(first) != figures(second)
    assert first.task.protocol != second.task.protocol


def test_the_folder_of_a_noise_is_no_part_of_the_protocol(definitions: Path, tmp_path: Path) -> None:
    a, b = (user_suite(tmp_path / name, definitions) for name in "ab")
    assert a.protocol_digest == b.protocol_digest
    assert a.definition_digest == b.definition_digest


def test_an_entry_that_was_edited_is_run_as_it_is_now(run: Callable[..., Record], write_entry: Write) -> None:
    first = run(write_entry(name="mean.py", code=MEAN))
    second = run(write_entry(("/ 2", "/ 4"), name="mean.py", code=MEAN))
    assert first.model.sha256 != second.model.sha256
    assert figures(first) != figures(second)


def test_a_run_is_done_anew_when_code_beside_the_entry_was_edited(
    run: Callable[..., Record], write_entry: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = MEAN.replace("/ 2", "/ share_of_the_mean.SHARE").replace(
        "def ", "import share_of_the_mean\n\ndef ", 1
    )
    entry = write_entry(name="mean.py", code=code)
    monkeypatch.syspath_prepend(str(entry.parent))
    scores = []
    for share in ("2", "4"):
        (entry.parent / "share_of_the_mean.py").write_text(f"SHARE = {share} + 0\n" + "#" * int(share))
        for name in [name for name in sys.modules if "_mean" in name]:  # as in a new process
            monkeypatch.delitem(sys.modules, name)
        scores.append(figures(run(entry)))
    assert scores[0] != scores[1]


def test_a_run_is_done_anew_when_the_package_was_edited(
    run: Callable[..., Record], write_entry: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = write_entry(name="mean.py", code=MEAN)
    first, again = run(entry), run(entry)
    monkeypatch.setattr(provenance, "_package", lambda: b"edited")
    assert first.run_id == again.run_id != run(entry).run_id


def test_a_record_holds_the_hash_of_the_code_that_ran_not_of_a_later_edit(
    run: Callable[..., Record], write_entry: Write
) -> None:
    path = write_entry()
    before = sha256_of(path)

    def edit(step: Step) -> None:
        path.write_text("# edited while it ran\n")

    assert run(path, listen=edit).model.sha256 == before


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a limit of none": ({"limit": 0}, "at least 1; got 0"),
    "a budget of none": ({"budgets": (3, 0)}, "at least 1; got 0"),
    "a budget in words": ({"budgets": "five"}, "a whole number of iterations, at least 1; got 'five'"),
    "half a budget": ({"budgets": (1, 2.5)}, "got 2.5"),
    "an unknown exit rule": ({"exits": ("soon",)}, "no 'soon' in easy2hard/exits/"),
    "a lone unknown exit rule": ({"exit": "soon"}, "no 'soon' in easy2hard/exits/"),
    "a rule that images cannot follow": ({"exit": "max_confidence"}, "needs answers that say how sure"),
    "a rule that the model does not follow": ({"exit": "halt"}, r"by halt\(state, x\); small has none"),
    "a level beyond the noise": ({"levels": ("7",)}, "7"),
    "a level that is no number": ({"levels": ("hard",)}, "got 'hard'"),
    "an unknown track": ({"track": "slow"}, "quick or full; got 'slow'"),
    "an easy ceiling": ({"ceiling": "0.1"}, "a hard level; got 0.1"),
    "a recipe that is not there": ({"recipe": "paper"}, "no recipe 'paper'; it has: default"),
    "no seed": ({"seeds": ()}, "at least one training seed"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_question_that_cannot_be_asked_is_refused_before_anything_is_trained(
    case: str, run: Callable[..., Record], write_entry: Write, tmp_path: Path
) -> None:
    asked, message = WRONG[case]
    with pytest.raises(UserError, match=message):
        run(write_entry(), **asked)
    assert not (tmp_path / "runs").exists()


def test_an_unknown_metric_is_refused_before_anything_is_trained(
    run: Callable[..., Record], tiny: Suite, write_entry: Write, tmp_path: Path
) -> None:
    wrong = tiny.model_copy(update={"metrics": ("psnr", "beauty")})
    with pytest.raises(UserError, match=r"no 'beauty' in easy2hard/metrics/"):
        run(write_entry(), suite=wrong)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("size", [8, 10])
def test_images_too_small_for_a_metric_are_refused_before_anything_is_trained(
    size: int, run: Callable[..., Record], tiny: Suite, write_entry: Write, tmp_path: Path
) -> None:
    small = tiny.model_copy(update={"size": size})
    with pytest.raises(
        UserError, match=rf"11x11 .* have {size}x{size}; drop ssim from `metrics`, or take a size of 11"
    ):
        run(write_entry(), suite=small)
    assert not (tmp_path / "runs").exists()
    without = small.model_copy(update={"metrics": ("psnr",)})
    just_fits = tiny.model_copy(update={"size": 11})
    assert run(write_entry(), suite=without).status == run(write_entry(), suite=just_fits).status == "ok"


def test_an_entry_of_some_suites_takes_a_users_own_of_the_same_noise(tmp_path: Path) -> None:
    mine = suites.read("gaussian").model_copy(update={"name": "mine", "easy": ("0.1",), "hard": ("0.2",)})
    ask: dict[str, Any] = {"limit": 1, "levels": ("0.1",), "out": tmp_path}
    assert evaluate("shrink", mine, **ask).record.task.suite == "mine"
    with pytest.raises(
        UserError, match=r"shrink is for the suites gaussian.*others of the same noise; got sp"
    ):
        evaluate("shrink", "sp", **ask)


def test_an_entry_is_not_asked_what_it_is_not_for(tiny_maze: Suite, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="median-3 is for the task denoise; suite tiny-maze asks maze"):
        evaluate("median-3", tiny_maze, out=tmp_path)


def test_a_maze_too_large_to_train_on_makes_no_ceiling(tiny_maze: Suite, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="hard level up to size 17; got 33"):
        evaluate("dt-maze-lattice", tiny_maze, ceiling="33", out=tmp_path)


def test_what_has_no_recipe_makes_no_ceiling(run: Callable[..., Record], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="identity has no recipe, so it cannot be trained at a hard level"):
        run(nn.Identity(), ceiling="0.3")


DIVERGES = (("lr=3e-3", 'lr=1e30, clip=None, optimizer="sgd"'),)


def test_a_run_that_diverges_is_a_record_that_says_so(run: Callable[..., Record], write_entry: Write) -> None:
    record = run(write_entry(*DIVERGES))
    assert record.status == "failed"
    assert "diverged" in str(record.reason)
    assert (record.cells, record.samples) == ((), None)
    assert list(record.task.levels) == ["0.1", "0.2", "0.3"]


NAN = "return self.last(state) / 0"
UNTAUGHT = (
    ("recipe =", "unused ="),
    ("return Net(task.in_channels, task.out_channels)",
     "return Net(task.in_channels, task.out_channels).requires_grad_(False)"),
)  # fmt: skip


def test_a_model_that_answers_no_numbers_is_refused_before_a_hard_level_is_opened(
    run: Callable[..., Record], write_entry: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[str, str]] = []
    monkeypatch.setattr(evaluation, "open_task", lambda *args: Spy(open_task(*args), drawn))
    untrained = write_entry(("return self.last(state)", NAN), *UNTAUGHT)
    with pytest.raises(UserError, match=r"small answers with NaN or infinity at level 0\.1"):
        run(untrained)
    assert set(drawn) == {("validation", "0.1")}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("[:, :1]", "answers with shape"),
        (".long()", "answers in torch.int64"),
        (".tolist()", "answers with a list"),
        (" * float('nan')", "answers with NaN before it is trained"),
    ],
)
def test_an_answer_of_another_form_is_refused_before_anything_is_trained(
    wrong: str, said: str, run: Callable[..., Record], write_entry: Write, tmp_path: Path
) -> None:
    model = write_entry(
        ("return nn.Sequential(", "return Wrong("),
        (
            "def build",
            f"class Wrong(nn.Sequential):\n    def forward(self, x):\n        return super().forward(x){wrong}\n\n"
            "def build",
        ),
        code=BATCHED,
    )
    with pytest.raises(UserError, match=said):
        run(model)
    assert not list((tmp_path / "runs").rglob("trained.json"))


def test_answers_that_hold_nan_at_a_hard_level_are_counted_in_the_record(
    run: Callable[..., Record], write_entry: Write
) -> None:
    at_hard = "return self.last(state) * (float('nan') if (x == 1).float().mean() > 0.12 else 1)"
    record = run(write_entry(("return self.last(state)", at_hard)))
    counted = {cell.level: (cell.nan, cell.n) for cell in record.cells if cell.budget == 1}
    assert record.status == "ok"
    assert counted["0.1"][0] == 0
    hardest = max(counted)
    assert counted[hardest][0] == counted[hardest][1] > 0


def test_a_seed_that_answers_no_numbers_after_training_has_failed(
    run: Callable[..., Record], write_entry: Write
) -> None:
    late = ("return self.last(state)", "return self.last(state) if self.training else self.last(state) / 0")
    record = run(write_entry(late))
    assert record.status == "failed"
    assert "NaN or infinity" in str(record.reason)


def test_a_later_thought_that_is_no_number_scores_low_and_stays_in_the_record(
    run: Callable[..., Record], write_entry: Write, tmp_path: Path
) -> None:
    late = (
        (
            "return self.again(torch.cat([state, x], dim=1)).relu()",
            "return state * (1 if t < 2 else torch.nan)",
        ),
    )
    record = run(write_entry(*late, *UNTAUGHT))
    assert all(np.isfinite(cell.value) for cell in record.cells)
    assert records.read(folder_of(record, tmp_path / "runs") / "record.json") == record


def test_the_budget_that_ranks_is_scored_though_the_suite_does_not_list_it(
    run: Callable[..., Record], write_entry: Write
) -> None:
    record = run(write_entry(("train_iterations=3", "train_iterations=4")))
    cell = record.answer_cell("0.3")
    assert cell is not None
    assert (cell.budget, cell.exit) == (4, None)


def test_the_rule_that_ranks_is_scored_though_nobody_asked_for_it(
    run: Callable[..., Record], write_entry: Write
) -> None:
    entry = write_entry(("train_iterations=3", 'train_iterations=3, answer={"tiny": "convergence"}'))
    record = run(entry, exits=())
    cell = record.answer_cell("0.3")
    assert cell is not None
    assert (cell.budget, cell.exit) == (5, "convergence")
    assert {cell.exit for cell in record.cells} == {None, "convergence"}


@pytest.mark.parametrize(("limit", "most"), [("", "unbounded"), ("    max_iterations = 4\n", 4)])
def test_a_record_says_how_many_iterations_its_model_can_run(
    run: Callable[..., Record], write_entry: Write, limit: str, most: object
) -> None:
    entry = write_entry(("class Net(Recurrent):", f"class Net(Recurrent):\n{limit}"))
    assert run(entry, budgets=(1, 2)).model.max_iterations == most


def test_a_model_that_can_run_none_of_the_budgets_is_scored_at_all_that_it_has(
    run: Callable[..., Record], write_entry: Write
) -> None:
    entry = write_entry(("class Net(Recurrent):", "class Net(Recurrent):\n    max_iterations = 2\n"))
    assert {cell.budget for cell in run(entry, budgets=(10, 20)).cells} == {2}
    assert {cell.budget for cell in run(nn.Identity(), budgets=(10,)).cells} == {1}


@pytest.mark.parametrize("answer", ["convergence", "last", "train"])
def test_a_single_thought_is_the_answer_under_every_rule(
    answer: str, run: Callable[..., Record], tiny: Suite
) -> None:
    record = run(nn.Identity(), suite=tiny.model_copy(update={"answer": answer}))
    cell = record.answer_cell("0.3")
    assert cell is not None
    assert (cell.budget, cell.exit) == (1, None)
    assert {cell.exit for cell in record.cells} == {None}


@pytest.mark.parametrize(("select", "said"), [("last", "last"), ("best", "easy validation")])
def test_a_record_says_on_what_its_weights_were_selected(
    select: str, said: str, run: Callable[..., Record], write_entry: Write
) -> None:
    record = run(write_entry(("lr=3e-3", f'lr=3e-3, select="{select}"')))
    assert record.train is not None
    assert record.train.selected_on == said


def test_samples_read_from_files_score_as_those_drawn(
    run: Callable[..., Record], tiny: Suite, write_entry: Write, tmp_path: Path
) -> None:
    data.generate(tiny, tmp_path / "data", splits=("test",))
    drawn, read = run(write_entry()), run(write_entry(), data=str(tmp_path / "data"))
    assert figures(read) == figures(drawn)


def test_mazes_read_from_files_score_as_those_drawn(tiny_maze: Suite, tmp_path: Path) -> None:
    data.generate(tiny_maze, tmp_path / "data", splits=("test",))
    record = evaluate("bfs", tiny_maze, out=tmp_path, data=tmp_path / "data").record
    assert {cell.value for cell in record.cells} == {1.0}


def test_a_fresh_seed_asks_other_samples(run: Callable[..., Record]) -> None:
    own, fresh = run(nn.Identity()), run(nn.Identity(), fresh_seed=7)
    assert fresh.task.seed == 7
    assert fresh.task.levels["0.3"].digest != own.task.levels["0.3"].digest
    assert figures(fresh) != figures(own)


def test_what_does_not_learn_is_scored_once_for_all_seeds(tiny: Suite, tmp_path: Path) -> None:
    assert len(evaluate(nn.Identity(), tiny, seeds=(0, 1, 2), out=tmp_path).records) == 1


def test_a_recipe_for_what_cannot_learn_is_refused(run: Callable[..., Record], write_entry: Write) -> None:
    code = MEAN + "\nfrom easy2hard import Recipe\nrecipe = Recipe()\n"
    with pytest.raises(UserError, match="no parameter that requires a gradient"):
        run(write_entry(name="mean.py", code=code))


def test_a_build_that_raises_is_told_with_its_reason(run: Callable[..., Record], write_entry: Write) -> None:
    said = r"small: build\(task\) failed: ZeroDivisionError: division by zero; run `easy2hard check .*small\.py`\.$"
    with pytest.raises(UserError, match=said):
        run(write_entry(("return Net(task.in_channels", "1 / 0; return Net(task.in_channels")))


NO_LUCK = "raise UserError('no luck.')"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("return Net(", f"{NO_LUCK}; Net(", r"^small: no luck\.$"),
        (
            "return self.last(state)",
            f"if self.training: {NO_LUCK}\n        return self.last(state)",
            r"^small: no luck\.$",
        ),
        (
            "return self.last(state)",
            "return self.last(state)[:, :1]",
            r"^small: .*answers with shape \(4, 1, 16, 16\); .* needs .*; run `easy2hard check .*small\.py`\.$",
        ),
        (
            "return self.last(state)",
            "return self.last(state)[:, : 3 if len(x) == 4 or self.training else 1]",
            r"^small: .*answers with shape \(8, 1, 16, 16\)",
        ),
        (
            "return self.last(state)",
            "return self.last(state) * float('nan')",
            r"^small answers with NaN before it is trained; .* run `easy2hard check .*small\.py`\.$",
        ),
    ],
    ids=["in build", "in training", "another shape", "another shape later", "NaN"],
)
def test_an_error_in_a_run_says_whose_it_is_once(
    old: str, new: str, said: str, run: Callable[..., Record], write_entry: Write
) -> None:
    imported = ("import Recipe", "import UserError, Recipe")
    with pytest.raises(UserError, match=said):
        run(write_entry(imported, (old, new)))


def test_what_an_entry_will_cost_is_refused_under_its_name(
    tiny: Suite, tmp_path: Path, write_entry: Write
) -> None:
    entry = write_entry(("import Recipe", "import UserError, Recipe"), ("return Net(", f"{NO_LUCK}; Net("))
    with pytest.raises(UserError, match=r"^small: no luck\.$"):
        evaluation.foretell(entry, tiny, seeds=(0, 1), out=tmp_path)


def test_a_file_called_model_is_named_after_its_folder(
    tiny: Suite, tmp_path: Path, write_entry: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_entry(name="my-net/model.py", code=MEAN)
    monkeypatch.chdir(path.parent)
    assert evaluate("model.py", tiny, out=tmp_path).record.model.id == "my-net"
    assert evaluate(".", tiny, out=tmp_path).record.model.id == "my-net"


def test_a_tensor_in_evaluation_holds_no_gradient(run: Callable[..., Record]) -> None:
    seen: list[bool] = []

    class Looking(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(torch.is_grad_enabled())
            return x

    run(Looking())
    assert not any(seen)


UNTRAINED = """
from torch import nn

def build(task):
    return nn.Conv2d(3, 3, 3, padding=1)
"""


def test_a_file_with_parameters_and_no_recipe_is_refused_before_anything_runs(
    run: Callable[..., Record], write_entry: Write, tmp_path: Path
) -> None:
    path = write_entry(name="norecipe.py", code=UNTRAINED)
    with pytest.raises(
        UserError, match=r"norecipe has 84 parameters and no recipe.*recipe = Recipe\(.*--weights"
    ):
        run(path)
    assert not (tmp_path / "runs").exists()
    torch.save(nn.Conv2d(3, 3, 3).state_dict(), tmp_path / "w.pt")
    assert run(path, weights=tmp_path / "w.pt").status == "ok"
    frozen = ("padding=1)", "padding=1).requires_grad_(False)")
    assert run(write_entry(frozen, name="frozen.py", code=UNTRAINED)).status == "ok"


HALT = "def halt(self, state, x):\n        return {}\n\n    def decode"


@pytest.mark.parametrize(
    "said", ["state.mean()", "state.sigmoid()[:, 0, 0, :1]", "2 + state.mean((1, 2, 3))"]
)
def test_a_chance_of_another_form_is_refused_before_anything_is_trained(
    said: str, run: Callable[..., Record], write_entry: Write, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"small: halt\(state, x\) gives"):
        run(write_entry(("def decode", HALT.format(said))))
    assert not (tmp_path / "runs").exists()


def test_a_recipe_that_is_refused_leaves_no_folder(
    run: Callable[..., Record], write_entry: Write, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="needs a model that says when it is done"):
        run(write_entry(("train_iterations=3", 'train_iterations=3, losses={"ponder": 1.0}')))
    assert not (tmp_path / "runs").exists()


def test_a_run_is_the_same_whether_another_entry_of_its_folder_was_loaded_before(
    tiny: Suite, write_entry: Write, tmp_path: Path
) -> None:
    mine = write_entry()
    first = evaluate(mine, tiny, out=tmp_path / "runs", limit=4).filed[0].path
    other = mine.with_name("other.py")
    other.write_text(mine.read_text() + "\n")
    entries.load(other)
    assert evaluate(mine, tiny, out=tmp_path / "runs", limit=4).filed[0].path == first
