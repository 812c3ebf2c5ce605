"""Each check passes on a good model, and fails on one made to break it, saying what to change."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from easy2hard import check as checks, entry as entries
from easy2hard.check import Finding, check
from easy2hard.suite import Suite

Write = Callable[..., Path]
NAMES = ["builds", *checks._CHECKS]

NOISE = "self.last(state)"
HIDDEN = (
    ("super().__init__()", "super().__init__()\n        self.kept = 0.0"),
    ("return self.again(torch.cat([state, x], dim=1)).relu()",
     "self.kept = self.kept + state.mean().item(); return state + self.kept"),
)  # fmt: skip
UNSEEN = ("self.last = nn.Conv2d", "self.hidden = [torch.randn(1)]\n        self.last = nn.Conv2d")

HALT = "def halt(self, state, x):\n        return {}\n\n    def decode"

BROKEN: dict[str, tuple[str, str, list[tuple[str, str]]]] = {
    "build raises": ("builds", "ZeroDivisionError", [("return Net(", "1 / 0; return Net(")]),
    "build returns text": ("builds", "or a callable; got str", [("return Net(", "return 'a net' or Net(")]),
    "a border is lost": (
        "answers have the right shape at two sizes",
        r"must give answers \(4, 3, 16, 16\)",
        [("outputs, 3, padding=1)", "outputs, 3)")],
    ),
    "only one size works": (
        "answers have the right shape at two sizes",
        "RuntimeError",
        [("return self.first(x)", "return self.first(x + torch.zeros(16, 16))")],
    ),
    "classes instead of scores": (
        "answers have the right shape at two sizes",
        "must be floating point, got torch.int64",
        [(NOISE, "self.last(state).long()")],
    ),
    "a division by zero": (
        "answers have the right shape at two sizes",
        "NaN or infinity",
        [(NOISE, "self.last(state) / 0")],
    ),
    "random in evaluation": (
        "the same seed and input give the same answer",
        "remove the randomness|follow from a seed",
        [(NOISE, "self.last(state) + torch.rand(1)")],
    ),
    "weights drawn by NumPy": (
        "the same seed and input give the same answer",
        "two different 'first.weight'; draw it with torch's generator",
        [("super().__init__()", "super().__init__(); import numpy"),
         ("self.again =", "self.first.weight.data *= float(numpy.random.rand())\n        self.again =")],
    ),
    "an input that is written into": (
        "the input is left alone",
        "writes into its input; work on a copy",
        [("return self.first(x)", "return self.first(x.sub_(0.5))")],
    ),
    "memory in the module": (
        "stepping equals unrolling",
        "keep all that changes in `state`",
        list(HIDDEN),
    ),
    "a read-out that changes the state": (
        "stepping equals unrolling",
        "decode changes the state in place",
        [(NOISE, "self.last(state.mul_(2))")],
    ),
    "a state that is a list": (
        "stepping equals unrolling",
        "a tensor or a tuple of tensors; got list",
        [("return self.first(x).relu()", "return [self.first(x)]"), ("[state, x]", "[state[0], x]"),
         ("return self.again(", "return [self.again("), ("dim=1)).relu()", "dim=1))]"), (NOISE, "self.last(state[0])")],
    ),
    "a chance above 1": (
        "a model that says when it is done gives a chance",
        r"gives .* to .*; a chance lies in \[0, 1\]: end in a sigmoid",
        [("def decode", HALT.format("2 + state.mean((1, 2, 3))"))],
    ),
    "a chance for each pixel": (
        "a model that says when it is done gives a chance",
        r"torch.float32 \(4, 1, 16, 16\); it needs a float tensor \(4,\)",
        [("def decode", HALT.format("state[:, :1].sigmoid()"))],
    ),
    "a chance of NaN": (
        "a model that says when it is done gives a chance",
        "gives NaN on the first batch",
        [("def decode", HALT.format("state.mean((1, 2, 3)) / 0 * 0"))],
    ),
    "a chance that falls": (
        "a model that says when it is done gives a chance",
        "falls from .* at iteration .*: it is the chance of having stopped by now",
        [("dim=1)).relu()", "dim=1)).relu() + t"),
         ("def decode", HALT.format("1 / (1 + state.mean((1, 2, 3)))"))],
    ),
    "a chance beside others": (
        "a model that says when it is done gives a chance",
        "depends on its company",
        [("def decode", HALT.format("0 * state.mean((1, 2, 3)) + len(x) / 9"))],
    ),
    "a chance that is drawn": (
        "a model that says when it is done gives a chance",
        "two different chances for one state",
        [("def decode", HALT.format("torch.rand(len(x))"))],
    ),
    "statistics over the batch": (
        "samples do not depend on their batch",
        "take no statistics over the batch",
        [(NOISE, "self.last(state - state.mean())")],
    ),
    "a parameter that nobody uses": (
        "gradients reach every parameter",
        "no gradient reaches spare.weight, spare.bias; use them, or set requires_grad to False",
        [("self.last =", "self.spare = nn.Linear(2, 2)\n        self.last =")],
    ),
    "a gradient without end": (
        "gradients reach every parameter",
        "the gradient of first.weight.* is not finite",
        [("return self.first(x).relu()", "return (0 * self.first(x)).abs().sqrt()")],
    ),
    "a tensor that is no buffer": (
        "weights survive saving and loading",
        "register every tensor as parameter or buffer",
        [UNSEEN, (NOISE, "self.last(state) + self.hidden[0]")],
    ),
}  # fmt: skip

CARD = """---
title: Small
summary: A small net.
source: own work
task: denoise
parameters: {parameters}
macs_fixed: {fixed}
macs_per_iteration: {step}
---
"""


@pytest.fixture
def findings(tiny: Suite) -> Callable[[Path], dict[str, Finding]]:
    return lambda path: {finding.name: finding for finding in check(entries.load(path), tiny)}


def test_a_good_model_passes_every_check(
    findings: Callable[[Path], dict[str, Finding]], write_entry: Write
) -> None:
    found = findings(write_entry())
    assert list(found) == NAMES
    assert all(finding.passed for finding in found.values()), found
    assert found["builds"].detail == "479 parameters"
    assert found["the card tells the truth"].detail == "no card yet"


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_model_fails_its_check_and_is_told_what_to_change(
    case: str, findings: Callable[[Path], dict[str, Finding]], write_entry: Write
) -> None:
    name, message, changes = BROKEN[case]
    finding = findings(write_entry(*changes))[name]
    assert not finding.passed
    assert re.search(message, finding.detail), finding.detail


GROUNDS = {
    "a build that raises": ([("return Net(", "1 / 0; return Net(")], 1),
    "NaN": ([(NOISE, "self.last(state) / 0")], 2),
    "a model that raises": ([(NOISE, "self.nothing(state)")], 2),
    "a lost border": ([("outputs, 3, padding=1)", "outputs, 3)")], 2),
}


@pytest.mark.parametrize("case", GROUNDS)
def test_a_fault_under_which_no_other_check_means_anything_is_told_once(
    case: str, findings: Callable[[Path], dict[str, Finding]], write_entry: Write
) -> None:
    changes, told = GROUNDS[case]
    found = list(findings(write_entry(*changes)).values())
    assert [finding.passed for finding in found] == [True] * (told - 1) + [False]
    assert found[-1].detail.endswith(". The other checks wait until this is mended.")


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("return Net(", "raise UserError('no luck.'); Net(", "builds"),
        (NOISE, "self.say()", "answers have the right shape at two sizes"),
        (NOISE, "self.last(state) if not self.training else self.say()", "gradients reach every parameter"),
    ],
    ids=["in build", "in every answer", "in training"],
)
def test_a_user_error_is_told_in_its_own_words(
    old: str, new: str, name: str, findings: Callable[[Path], dict[str, Finding]], write_entry: Write
) -> None:
    say = "def say(self):\n        raise UserError('no luck.')\n\n    def encode"
    imported = ("import Recipe", "import UserError, Recipe")
    finding = findings(write_entry((old, new), imported, ("def encode", say)))[name]
    assert not finding.passed
    assert finding.detail.startswith("no luck.")
    assert "UserError" not in finding.detail


@pytest.mark.parametrize("name", NAMES[1:])
def test_every_check_has_a_model_that_fails_it(name: str) -> None:
    assert name in {broken[0] for broken in BROKEN.values()} | {"the card tells the truth"}


def test_a_net_that_normalises_by_its_running_statistics_passes(
    findings: Callable[[Path], dict[str, Finding]], write_entry: Write
) -> None:
    changes = (
        ("self.last =", "self.norm = nn.BatchNorm2d(4)\n        self.drop = nn.Dropout()\n        self.last ="),
        ("dim=1)).relu()", "dim=1)).relu()"), (NOISE, "self.last(self.drop(self.norm(state)))"),
    )  # fmt: skip
    found = findings(write_entry(*changes))
    assert all(finding.passed for finding in found.values()), found


@pytest.mark.parametrize("kind", ["double", "half"])
def test_answers_in_another_floating_point_pass(
    kind: str, findings: Callable[[Path], dict[str, Finding]], write_entry: Write
) -> None:
    found = findings(write_entry((NOISE, f"self.last(state).{kind}()")))
    assert all(finding.passed for finding in found.values()), found


def test_the_progressive_loss_alone_reaches_every_parameter(
    findings: Callable[[Path], dict[str, Finding]], write_entry: Write
) -> None:
    recipe = ("train_iterations=3", 'train_iterations=30, losses={"progressive": 1.0}')
    assert findings(write_entry(recipe))["gradients reach every parameter"].passed


@pytest.mark.parametrize(("trained", "passed"), [(5, True), (4, False)])
def test_every_stage_that_is_trained_must_learn(
    trained: int, passed: bool, findings: Callable[[Path], dict[str, Finding]], write_entry: Write
) -> None:
    path = write_entry(
        (
            "from torch import nn",
            "from torch import nn\nfrom easy2hard.models.feedforward import FeedForward",
        ),
        ("return Net(task.in_channels, task.out_channels)", "return FeedForward(3, 3, width=4, stages=5)"),
        ("train_iterations=3", f"train_iterations={trained}"),
    )
    assert findings(path)["gradients reach every parameter"].passed == passed


def test_a_function_passes_every_check(
    findings: Callable[[Path], dict[str, Finding]], write_entry: Write
) -> None:
    found = findings(write_entry(name="same.py", code="def answer(x, task):\n    return x * 0.5\n"))
    assert all(finding.passed for finding in found.values()), found


@pytest.mark.parametrize("wrong", [None, "parameters", "fixed", "step"])
def test_the_card_must_state_what_is_counted(
    wrong: str | None, findings: Callable[[Path], dict[str, Finding]], write_entry: Write
) -> None:
    path = write_entry(name="small/model.py")
    pixels = 16 * 16
    counts = {"parameters": 479, "fixed": 216 * pixels, "step": 252 * pixels}
    if wrong:
        counts[wrong] += 1
    (path.parent / "README.md").write_text(CARD.format(**counts))
    finding = findings(path)["the card tells the truth"]
    assert finding.passed == (wrong is None), finding.detail
    if wrong:
        assert f"{counts[wrong]}; counted were {counts[wrong] - 1}" in finding.detail


def test_a_card_is_compared_on_its_own_task_alone(tiny_maze: Suite) -> None:
    findings = {f.name: f for f in check(entries.load("dt"), tiny_maze)}
    assert findings["the card tells the truth"] == Finding(
        "the card tells the truth", True, "it is for the task denoise: not compared on tiny-maze"
    )


def test_gradients_are_checked_by_the_default_recipe_where_there_is_none(
    tiny: Suite, write_entry: Write
) -> None:
    no_recipe = ("recipe = Recipe(", "_ = Recipe(")
    findings = {f.name: f for f in check(entries.load(write_entry(no_recipe)), tiny)}
    assert findings["gradients reach every parameter"].passed
    assert "no recipe yet" in findings["gradients reach every parameter"].detail
    spare = ("self.last =", "self.spare = nn.Linear(2, 2)\n        self.last =")
    findings = {f.name: f for f in check(entries.load(write_entry(no_recipe, spare)), tiny)}
    assert "spare.weight" in findings["gradients reach every parameter"].detail
