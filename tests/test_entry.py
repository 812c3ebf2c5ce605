"""Entries: how they are found, and what a file, a recipe or a card with a fault is told."""

from collections.abc import Callable
from pathlib import Path

import pytest
from torch import nn

from easy2hard import entry as entries, shelf
from easy2hard.card import read_card
from easy2hard.entry import TaskSpec, load
from easy2hard.errors import UserError
from easy2hard.recipe import Recipe

Write = Callable[..., Path]
SPEC = TaskSpec("denoise", 3, 3, "sp")
BUILD = "def build(task):\n    return None\n"


def written(write_entry: Write, code: str, name: str = "mine.py") -> Path:
    return write_entry(name=name, code=code)


def test_an_entry_is_found_by_name_folder_and_file(write_entry: Write) -> None:
    path = write_entry(name="my-net/model.py")
    assert [load(where).name for where in (path, path.parent, str(path.parent))] == ["my-net"] * 3
    assert load("dt").path == entries.folder() / "dt" / "model.py"
    assert load(write_entry(name="other.py")).name == "other"


def test_an_entry_in_the_working_directory_is_named_after_it(
    write_entry: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write_entry(name="my-net/model.py").parent)
    assert [load(where).name for where in (".", "model.py", "./model.py")] == ["my-net"] * 3


def test_a_name_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(
        UserError, match=r"no entry 'td'; there are: .*dncnn.*dt.* or give the path of a \.py file"
    ):
        load("td")
    with pytest.raises(UserError, match=r"no file .*none\.py"):
        load("none.py")


FAULTS = {
    "no build": ("x = 1\n", r"needs a function build\(task\) .*or answer\(x, task\)"),
    "a build that is no function": ("build = 3\n", r"needs a function build\(task\)"),
    "a build of none": ("def build(): ...\n", r"needs a function build\(task\)"),
    "a build that states no parameters": ("build = dict\n", r"needs a function build\(task\)"),
    "a build of two": ("def build(a, b): ...\n", r"needs a function build\(task\)"),
    "a syntax error": ("def build(task:\n", r"cannot be imported: SyntaxError"),
    "an import that fails": ("import nothing_of_this_name\n", r"ModuleNotFoundError: No module"),
    "a recipe that is a table": (BUILD + "recipe = {'lr': 1}\n", r"must be an easy2hard\.Recipe; got dict"),
    "a recipe under a number": (
        f"from easy2hard import Recipe\n{BUILD}recipes = {{1: Recipe()}}\n", r"a recipe's name .*is text of .*got 1"
    ),
    "a recipe under a path": (
        f"from easy2hard import Recipe\n{BUILD}recipes = {{'a/b': Recipe()}}\n", r"a recipe's name .*got 'a/b'"
    ),
    "recipes that are one": (
        f"from easy2hard import Recipe\n{BUILD}recipes = Recipe()\n", r"recipes is a table, .*got Recipe"
    ),
    "an unknown loss": (
        f"from easy2hard import Recipe\n{BUILD}recipe = Recipe(losses={{'mse': 1}})\n",
        r"recipe 'default' has the unknown loss mse; there are: .*fixed",
    ),
    "no loss": (f"from easy2hard import Recipe\n{BUILD}recipe = Recipe(losses={{'fixed': 0}})\n", r"no loss above 0"),
    "an option of a loss that is not there": (
        f"from easy2hard import Recipe\n{BUILD}recipe = Recipe(options={{'similarity': {{'gamma': 0.5}}}})\n",
        r"has options of the loss similarity, but no such loss",
    ),
    "an unknown option": (
        "from easy2hard import Recipe\n" + BUILD
        + "recipe = Recipe(losses={'similarity': 1}, options={'similarity': {'gama': 1}})\n",
        r"recipe 'default': the loss similarity has no option gama; it has: gamma",
    ),
    "an option of a loss that has none": (
        f"from easy2hard import Recipe\n{BUILD}recipe = Recipe(options={{'fixed': {{'gamma': 1}}}})\n",
        r"the loss fixed has no option gamma; it has none",
    ),
    **{
        f"{name} of a wrong type, {value!r}": (
            "from easy2hard import Recipe\n" + BUILD
            + f"recipes = {{'mine': Recipe(losses={{{loss!r}: 1}}, options={{{loss!r}: {{{name!r}: {value!r}}}}})}}\n",
            rf"recipe 'mine': the option {name} of the loss {loss} must be {kind}; got {value!r}\.",
        )
        for loss, name, value, kind in [
            ("similarity", "gamma", "x", "float"),
            ("similarity", "gamma", True, "float"),
            ("perceptual", "weights", 5, r"str \| None"),
            ("perceptual", "layer", 3, "str"),
        ]
    },
    "an unknown setting": (
        f"from easy2hard import Recipe\n{BUILD}recipe = Recipe(learning_rate=1)\n",
        r"learning_rate: unknown key; there are: epochs, .*lr",
    ),
    "a rate below 0": (f"from easy2hard import Recipe\n{BUILD}recipe = Recipe(lr=-1)\n", r"lr: .*greater than 0"),
    "an answer that is none": (
        f"from easy2hard import Recipe\n{BUILD}recipe = Recipe(answer={{'sp': 'best'}})\n", r"not valid: .*got 'best'"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTS)
def test_a_file_with_a_fault_is_told_it_in_one_line(case: str, write_entry: Write) -> None:
    code, message = FAULTS[case]
    with pytest.raises(UserError, match=message) as refused:
        load(written(write_entry, code))
    assert "mine.py" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("gamma", [1, 0.5])
def test_a_whole_number_may_stand_where_an_option_is_a_float(gamma: float, write_entry: Write) -> None:
    recipe = f"recipe = Recipe(losses={{'similarity': 1}}, options={{'similarity': {{'gamma': {gamma}}}}})\n"
    entry = load(written(write_entry, f"from easy2hard import Recipe\n{BUILD}{recipe}"))
    assert entry.recipes["default"].options == {"similarity": {"gamma": gamma}}


def test_the_type_of_an_option_is_known_where_annotations_are_text(
    write_entry: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = tmp_path / "texts.py"
    loss.write_text(
        "from __future__ import annotations\ndef loss(lesson: object, often: int = 1, plain=2): return 0\n"
    )
    monkeypatch.setattr(shelf, "names", lambda name: ["texts"])
    monkeypatch.setattr(shelf, "take", lambda name, entry: shelf.load_file(loss))
    recipe = "recipe = Recipe(losses={'texts': 1}, options={'texts': OPTIONS})\n"
    code = f"from easy2hard import Recipe\n{BUILD}{recipe}"
    assert load(written(write_entry, code.replace("OPTIONS", "{'often': 3, 'plain': 'x'}"), "a.py")).recipes
    with pytest.raises(UserError, match=r"option often of the loss texts must be int; got 0\.5"):
        load(written(write_entry, code.replace("OPTIONS", "{'often': 0.5}"), "b.py"))


def test_a_user_error_raised_by_a_file_is_passed_on(write_entry: Write) -> None:
    code = "from easy2hard import UserError\nraise UserError('install bm3d first')\n"
    with pytest.raises(UserError, match=r"^install bm3d first$"):
        load(written(write_entry, code))


def test_a_pure_function_is_an_entry_of_its_own_kind(write_entry: Write) -> None:
    entry = load(written(write_entry, "def answer(x, task):\n    return x * task.in_channels\n"))
    function = entry.build(SPEC)
    assert callable(function)
    assert function(2) == 6
    assert entry.recipe(None) is None


@pytest.mark.parametrize("more", ["width=3", "*, width=3", "*widths", "**settings"])
def test_a_build_may_have_further_parameters_with_defaults(more: str, write_entry: Write) -> None:
    code = f"from torch import nn\ndef build(task, {more}):\n    return nn.Identity()\n"
    assert isinstance(load(written(write_entry, code)).build(SPEC), nn.Identity)


def test_a_build_goes_before_an_answer(write_entry: Write) -> None:
    code = "from torch import nn\ndef answer(x, task): ...\ndef build(task):\n    return nn.Identity()\n"
    assert isinstance(load(written(write_entry, code)).build(SPEC), nn.Identity)


def test_the_quick_recipe_or_the_only_one_is_the_default(write_entry: Write) -> None:
    assert load(write_entry()).recipe(None) == ("default", load(write_entry()).recipes["default"])
    dt = load("dt")
    assert [chosen[0] for name in (None, "paper") if (chosen := dt.recipe(name))] == ["quick", "paper"]
    first = f"from easy2hard import Recipe\n{BUILD}recipes = {{'a': Recipe(), 'b': Recipe()}}\n"
    assert load(written(write_entry, first)).recipe(None) == ("a", Recipe())


def test_a_recipe_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(UserError, match="dt has no recipe 'long'; it has: quick, paper"):
        load("dt").recipe("long")
    with pytest.raises(UserError, match="median-3 has no recipes: it does not learn"):
        load("median-3").recipe("quick")


@pytest.mark.parametrize(
    ("answer", "on_sp"),
    [(None, "train"), (7, "7"), ("agreement", "agreement"), ({"sp": 9}, "9"), ({"maze": 9}, "train")],
)
def test_a_recipe_declares_its_answer_or_leaves_it_to_the_suite(answer: object, on_sp: str) -> None:
    assert Recipe(answer=answer).answer_on("sp", "train") == on_sp  # type: ignore[arg-type]


@pytest.mark.parametrize("answer", ["never", 0, -1, "1.5", {"sp": "x"}])
def test_an_answer_that_nobody_can_give_is_refused(answer: object) -> None:
    with pytest.raises(ValueError, match="an answer is a budget"):
        Recipe(answer=answer)  # type: ignore[arg-type]


CARD = "---\ntitle: A\nsummary: B\nsource: C\ntask: denoise\n---\n\n# A\n"

CARDS = {
    "no file": (None, "must begin with a card"),
    "no head": ("# A\n", "must begin with a card"),
    "words before it": ("A\n" + CARD, "must begin with a card"),
    "an open head": ("---\ntitle: A\n", "must begin with a card"),
    "an empty head": ("---\n---\n", "the card is not valid"),
    "no title": (CARD.replace("title: A\n", ""), "the card is not valid: title: Field required"),
    "an unknown key": (
        CARD.replace("title", "tilte: x\ntitle"),
        "tilte: unknown key; there are: title, summary",
    ),
    "an unknown task": (CARD.replace("denoise", "chess"), "task: Input should be 'denoise' or 'maze'"),
    "an unknown band": (CARD.replace("task:", "band: best\ntask:"), "band: Input should be"),
    "no YAML": (CARD.replace("title: A", "title: [A"), "the card is not valid: .*line 2"),
    "text for a number": (
        CARD.replace("task:", "parameters: many\ntask:"),
        "parameters: Input should be a valid integer",
    ),
}


@pytest.mark.parametrize("case", CARDS)
def test_a_card_with_a_fault_is_told_it_in_one_line(case: str, tmp_path: Path) -> None:
    text, message = CARDS[case]
    if text is not None:
        (tmp_path / "README.md").write_text(text)
    with pytest.raises(UserError, match=message) as refused:
        read_card(tmp_path / "README.md")
    assert "README.md" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_card_is_read_with_its_defaults(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(CARD)
    card = read_card(tmp_path / "README.md")
    assert (card.title, card.band, card.suites, card.parameters) == ("A", "entry", (), None)


def test_a_card_beside_a_model_is_its_own_and_beside_another_file_is_not(write_entry: Write) -> None:
    model, other = write_entry(name="my-net/model.py"), write_entry(name="my-net/other.py")
    (model.parent / "README.md").write_text(CARD)
    card = load(model).card
    assert card is not None
    assert card.title == "A"
    assert load(other).card is None


def test_a_card_with_windows_line_ends_is_read(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(CARD.replace("\n", "\r\n").encode())
    assert read_card(tmp_path / "README.md").title == "A"


def test_the_hash_is_that_of_the_file(write_entry: Write) -> None:
    from hashlib import sha256

    path = write_entry()
    assert load(path).sha256 == sha256(path.read_bytes()).hexdigest()
