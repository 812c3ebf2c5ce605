"""Entries without a framework, entries that train themselves, and entries that are told the level."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from records import make
from safetensors.numpy import load_file

from easy2hard import entry as entries, evaluation
from easy2hard.board import tables
from easy2hard.check import check
from easy2hard.data import stream
from easy2hard.errors import UserError
from easy2hard.evaluation import carrying_out, evaluate
from easy2hard.models.recurrent import adapt
from easy2hard.progress import Step
from easy2hard.record import Record
from easy2hard.suite import Suite
from easy2hard.tasks import I64, Batch, open_task
from easy2hard.weights import sha256_of

Write = Callable[..., Path]

SCALE = '''
"""Multiply the image by the number that brings it closest to its target."""
import numpy as np
from safetensors.numpy import load_file, save_file
from easy2hard import Recipe

class Scale:
    parameters, macs = 1, (768, 0)

    def __init__(self):
        self.by = np.ones(1, np.float32)

    def __call__(self, x):
        return x * self.by

    def fit(self, batches, seed):
        self.by = self.by * np.random.default_rng(seed).uniform(1, 1.0001)
        up = down = 0.0
        for x, target in batches:
            up, down = up + (x * target).sum(), down + (x * x).sum()
        self.by = np.float32(self.by * up / down)

    def save(self, path):
        save_file({"by": np.atleast_1d(self.by)}, path)

    def load(self, path):
        self.by = load_file(path)["by"]

def build(task):
    return Scale()

recipe = Recipe(epochs=1.5, batch_size=8)
'''

TOLD = """
import numpy as np
needs = ("level",)
def answer(x, task, level):
    return np.full_like(x, level)
"""

OWN = """
from torch import nn, optim
from easy2hard import Recipe

def build(task):
    return nn.Conv2d(task.in_channels, task.out_channels, 1)

def train(model, task, batches, seed):
    assert model.training and task.name == "denoise" and seed == 0
    optimizer = optim.SGD(model.parameters(), 0.1)
    for x, target in batches:
        optimizer.zero_grad()
        (model(x) - target).square().mean().backward()
        optimizer.step()

recipe = Recipe(epochs=1, batch_size=8)
"""


class Spy:
    """A task that writes down what is drawn of it."""

    def __init__(self, task: Any, drawn: list[tuple[str, str]]) -> None:
        self.task, self.drawn = task, drawn

    def __getattr__(self, name: str) -> Any:
        return getattr(self.task, name)

    def draw(self, split: str, level: str, indices: I64, stream: int = 0) -> Batch:
        self.drawn.append((split, level))
        batch: Batch = self.task.draw(split, level, indices, stream)
        return batch


@pytest.fixture
def run(tmp_path: Path, tiny: Suite, write_entry: Write) -> Callable[..., Record]:
    """Evaluate code, with some of its text replaced, on the tiny suite."""

    def run(code: str, *changes: tuple[str, str], **asked: Any) -> Record:
        entry = write_entry(*changes, code=code, name=asked.pop("name", "own.py"))
        return evaluate(entry, tiny, out=tmp_path / "runs", **asked).record

    return run


def weights_of(tmp_path: Path) -> Path:
    return next((tmp_path / "runs").rglob("weights.safetensors"))


def test_what_learns_without_a_framework_is_trained_scored_and_recorded(
    run: Callable[..., Record], tmp_path: Path
) -> None:
    record = run(SCALE)
    assert record.status == "ok"
    assert record.ranks
    assert record.train is not None
    assert (record.train.own, record.train.steps, record.train.samples) == (
        True,
        8,
        64,
    )  # round(1.5 * 40 / 8)
    assert (record.model.params_total, record.model.params_trained, record.model.macs_fixed) == (1, 1, 768)
    assert record.model.weights is not None
    assert record.model.weights.sha256 == sha256_of(weights_of(tmp_path))


def test_it_sees_the_easy_training_split_alone_before_its_weights_are_hashed(
    run: Callable[..., Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[str, str]] = []
    before: list[tuple[str, str]] = []
    hashed = carrying_out._hashed
    monkeypatch.setattr(evaluation, "open_task", lambda *args: Spy(open_task(*args), drawn))
    monkeypatch.setattr(carrying_out, "_hashed", lambda *args: (before.extend(drawn), hashed(*args))[1])
    run(SCALE)
    assert set(before) == {("train", "0.1"), ("validation", "0.1")}


def test_it_learns_from_the_batches_of_the_recipe_in_their_order(
    run: Callable[..., Record], tiny: Suite, tmp_path: Path
) -> None:
    run(SCALE, seeds=(3,))
    batches = [stream(tiny, "0.1", batch_size=8, seed=3).batch(step) for step in range(8)]
    up, down = (sum(float((x * y).sum()) for x, y in pairs) for pairs in
                (batches, [(x, x) for x, _ in batches]))  # fmt: skip
    wanted = np.random.default_rng(3).uniform(1, 1.0001) * up / down
    assert load_file(weights_of(tmp_path))["by"] == pytest.approx(wanted, rel=1e-5)


def test_with_noise2noise_its_targets_are_the_second_draws(
    run: Callable[..., Record], tiny: Suite, tmp_path: Path
) -> None:
    pairs = ("batch_size=8", 'batch_size=40, fresh=False, losses={"noise2noise": 1.0}')
    run(SCALE, pairs, ("uniform(1, 1.0001)", "uniform(1, 1)"))
    x, second = stream(tiny, "0.1", batch_size=40, pairs=True).batch(0)
    wanted = float((x * second).sum() / (x * x).sum())
    assert load_file(weights_of(tmp_path))["by"] == pytest.approx(wanted, rel=1e-5)


def test_a_finished_training_is_not_repeated(run: Callable[..., Record], tmp_path: Path) -> None:
    first = run(SCALE)
    next((tmp_path / "runs").rglob("record.json")).unlink()
    steps: list[Step] = []
    again = run(SCALE, listen=steps.append)
    assert again.cells == first.cells
    assert "training" not in {step.stage for step in steps}
    assert again.train == first.train


def test_its_weights_score_as_the_run_did(run: Callable[..., Record], tmp_path: Path) -> None:
    trained = run(SCALE)
    scored = run(SCALE, weights=weights_of(tmp_path))
    assert scored.cells == trained.cells
    assert scored.train is None


FAILURES = {
    "an exception": ("up / down)", "up / down); raise ValueError('no luck')", "ValueError: no luck"),
    "a second pass": ("up / down)", "up / down); list(batches)", "batches are there once"),
    "weights that are no numbers": ("up / down)", "np.nan)", "answers with NaN or infinity at level 0.1"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_training_that_fails_is_a_failed_record_and_no_hard_split_is_drawn(
    name: str, run: Callable[..., Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[str, str]] = []
    monkeypatch.setattr(evaluation, "open_task", lambda *args: Spy(open_task(*args), drawn))
    monkeypatch.setattr("easy2hard.data.level_digest", lambda *args: "")  # draws 64 samples of each level
    old, new, reason = FAILURES[name]
    record = run(SCALE, (old, new))
    assert record.status == "failed"
    assert reason in (record.reason or "")
    assert not record.cells
    assert all(split != "test" for split, _ in drawn)


def test_a_failed_training_is_not_tried_again(run: Callable[..., Record], tmp_path: Path) -> None:
    raising = ("up / down)", "up / down); raise ValueError('no luck')")
    first = run(SCALE, raising)
    next((tmp_path / "runs").rglob("record.json")).unlink()
    assert run(SCALE, raising).train == first.train


def test_what_goes_wrong_outside_the_entry_is_no_failure_of_it(
    run: Callable[..., Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: object, number: int) -> None:
        raise UserError("the images are gone")

    monkeypatch.setattr("easy2hard.data.streaming.Stream.batch", full)
    with pytest.raises(UserError, match="the images are gone"):
        run(SCALE)


@pytest.mark.parametrize(
    "save",
    [
        "import pickle; path.write_bytes(pickle.dumps(self.by))",
        "np.savez(path, by=self.by)",
        "pass",
    ],
)
def test_weights_that_are_no_safetensors_are_refused(save: str, run: Callable[..., Record]) -> None:
    with pytest.raises(UserError, match=r"safetensors\.numpy\.save_file"):
        run(SCALE, ('save_file({"by": np.atleast_1d(self.by)}, path)', save))


REFUSED = {
    "fit without a recipe": ([("recipe =", "unused =")], "add recipe = Recipe"),
    "fit without save": ([("def save", "def store")], r"needs save\(path\) and load\(path\) too"),
    "a loss of the harness": (
        [("batch_size=8", 'batch_size=8, losses={"progressive": 1.0}')],
        "trains itself.*got progressive",
    ),
    "a selection by the harness": (
        [("batch_size=8", 'batch_size=8, select="best"')],
        "cannot select the 'best'",
    ),
    "parameters that are no number": (
        [("parameters, macs = 1,", "parameters, macs = 'many',")],
        "whole number",
    ),
    "macs that are no pair": ([("(768, 0)", "768")], r"macs is two whole numbers"),
    "a need that nobody can fill": ([("recipe =", 'needs = ("mask",)\nrecipe =')], r'needs is \("level",\)'),
}


@pytest.mark.parametrize("name", REFUSED)
def test_half_a_contract_is_refused_with_what_to_add(name: str, run: Callable[..., Record]) -> None:
    changes, message = REFUSED[name]
    with pytest.raises(UserError, match=message):
        run(SCALE, *changes)


def test_a_function_that_needs_the_level_is_told_it_at_every_level(
    run: Callable[..., Record], tiny: Suite
) -> None:
    record, task = run(TOLD), open_task(tiny)
    assert record.model.needs == ("level",)
    for level in record.task.levels:
        _, target = task.tensors(task.draw("test", level, np.arange(6)))
        mse = (target - float(level)).square().mean(dim=(1, 2, 3))
        cell = record.answer_cell(level, "psnr")
        assert cell is not None
        assert cell.value == pytest.approx(float((-10 * mse.log10()).mean()), abs=1e-3)


MODULE = """
import torch
from torch import nn
from easy2hard import Recipe
needs = ("level",)
class Shift(nn.Module):
    def __init__(self):
        super().__init__()
        self.by = nn.Parameter(torch.zeros(1))
    def forward(self, x, level):
        return x + self.by * level
def build(task):
    return Shift()
recipe = Recipe(epochs=1, batch_size=8)
"""
RECURRENT = MODULE.replace("(nn.Module)", "(Recurrent)").replace(
    "    def forward(self, x, level):\n        return x + self.by * level\n",
    "    def encode(self, x):\n        return x\n"
    "    def step(self, state, x, t):\n        return state + self.by * self.level\n"
    "    def decode(self, state, x):\n        return state\n",
).replace("import Recipe", "import Recipe, Recurrent")  # fmt: skip


@pytest.mark.parametrize("code", [MODULE, RECURRENT])
def test_a_net_that_needs_the_level_is_told_it_in_training_and_in_scoring(
    code: str, run: Callable[..., Record]
) -> None:
    record = run(code)
    assert record.status == "ok"
    assert record.model.needs == ("level",)


OWN_TOLD = (
    RECURRENT
    + """
def train(model, task, batches, seed):
    levels = set()
    for x, target, level in batches:
        assert model.level == level, f"at {model.level}, its images are of {level}"
        levels.add(level)
    assert levels == {0.05, 0.1}
"""
)


def test_a_net_that_trains_itself_is_told_the_level_of_each_batch(
    tiny: Suite, tmp_path: Path, write_entry: Write
) -> None:
    two = tiny.model_copy(update={"easy": ("0.05", "0.1")})
    record = evaluate(write_entry(code=OWN_TOLD), two, out=tmp_path / "runs").record
    assert (record.status, record.reason) == ("ok", None)


def test_boards_say_who_is_told_the_level() -> None:
    record = make(model__needs=("level",)).record
    assert "(is told the level)" in tables.name(record, "submissions")


def test_a_torch_entry_may_train_itself(run: Callable[..., Record], tmp_path: Path) -> None:
    record = run(OWN)
    assert record.train is not None
    assert (record.train.own, record.train.steps) == (True, 5)
    again = run(OWN, resume=False)
    assert again.model.weights == record.model.weights
    assert set(load_file(weights_of(tmp_path))) == {"weight", "bias"}


def test_a_torch_entry_that_trains_itself_is_given_its_seed_and_random_numbers_that_follow_from_it(
    run: Callable[..., Record], tmp_path: Path
) -> None:
    code = OWN.replace("and seed == 0", "").replace(
        "        optimizer.step()",
        "        model.weight.data.fill_(seed)\n        model.bias.data.uniform_()",
    )
    found = []
    for seed in (0, 3, 3):
        torch.manual_seed(len(found))
        run(code, seeds=(seed,), resume=False)
        (path,) = (tmp_path / "runs").rglob(f"*-s{seed}-*/weights.safetensors")
        found.append(load_file(path))
    assert [float(held["weight"].mean()) for held in found] == [0, 3, 3]
    assert found[1]["bias"].tolist() == found[2]["bias"].tolist() != found[0]["bias"].tolist()


def test_own_training_that_diverges_fails(run: Callable[..., Record]) -> None:
    record = run(OWN, ("optimizer.step()", "optimizer.step(); model.weight.data.fill_(float('nan'))"))
    assert record.status == "failed"
    assert "not all finite" in (record.reason or "")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("train(model, task, batches, seed)", "train(model)", r"got train\(model\)\. Give another function"),
        ("recipe =", "unused =", r"has train\(\.\.\.\) and no recipe"),
    ],
)
def test_a_train_that_is_no_training_of_ours_is_refused(
    old: str, new: str, message: str, write_entry: Write
) -> None:
    with pytest.raises(UserError, match=message):
        entries.load(write_entry((old, new), code=OWN))


@pytest.mark.parametrize("code", [SCALE, TOLD, MODULE, RECURRENT])
def test_the_checks_pass(code: str, tiny: Suite, write_entry: Write) -> None:
    findings = list(check(entries.load(write_entry(code=code)), tiny))
    assert [finding for finding in findings if not finding.passed] == []


CHECKED = {
    "luck": (
        "np.random.default_rng(seed).uniform(1, 1.0001)", "np.random.default_rng().uniform(1, 2)",
        "gradients reach every parameter", "from one seed",
    ),
    "a forgetful save": (
        'self.by = load_file(path)["by"]', "pass",
        "weights survive saving and loading", "other answers",
    ),
    "luck in building": (
        "self.by = np.ones(1, np.float32)", "self.by = np.random.default_rng().random(1, np.float32)",
        "the same seed and input give the same answer", "building twice",
    ),
    "the mean of the batch": (
        "return x * self.by", "return x * self.by + x.mean()",
        "samples do not depend on their batch", "company",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHECKED)
def test_the_checks_find_what_is_wrong(name: str, tiny: Suite, write_entry: Write) -> None:
    old, new, at, message = CHECKED[name]
    findings = {f.name: f for f in check(entries.load(write_entry((old, new), code=SCALE)), tiny)}
    assert not findings[at].passed
    assert message in findings[at].detail


def test_the_card_says_that_an_entry_trains_itself(tiny: Suite, tmp_path: Path, write_entry: Write) -> None:
    path = write_entry(code=SCALE, name="scale/model.py")
    card = "title: Scale\nsummary: one number\nsource: own\ntask: denoise\nparameters: 1\nmacs_fixed: 768"
    (tmp_path / "scale" / "README.md").write_text(f"---\n{card}\n---\n")
    findings = {f.name: f for f in check(entries.load(path.parent), tiny)}
    assert "own_training: False, the code True" in findings["the card tells the truth"].detail
    (tmp_path / "scale" / "README.md").write_text(f"---\n{card}\nown_training: true\n---\n")
    assert all(finding.passed for finding in check(entries.load(path.parent), tiny))


def test_a_model_that_needs_nothing_is_told_nothing() -> None:
    model = adapt(lambda x: x)
    model.tell("0.3")
    assert model.level is None
    assert torch.equal(model(torch.ones(1, 3, 2, 2), 1), torch.ones(1, 3, 2, 2))
