"""Definitions: those that come with the package, what a wrong one is told, and what its digests depend on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from easy2hard import shelf, suite as suites
from easy2hard.errors import UserError
from easy2hard.suite import Suite, by_noise, canonical, read, with_images
from easy2hard.tasks import open_task

NAMES = suites.names()


@pytest.mark.parametrize("name", NAMES)
def test_a_definition_that_comes_with_the_package_loads_under_its_own_name(name: str) -> None:
    suite = read(name)
    assert suite.name == name
    assert suite.summary.endswith(".")
    assert set(suite.metrics) <= set(shelf.names("metrics"))
    assert suite.task in shelf.names("tasks")
    assert all(suite.level_budgets(level) and suite.scored_rows(level, "quick") for level in suite.levels)
    assert suite.headline


@pytest.mark.parametrize("name", NAMES)
def test_the_levels_of_a_definition_are_in_the_range_of_its_task(name: str) -> None:
    suite = read(name)
    if suite.images in (None, "dead_leaves"):  # the others need their images
        task = open_task(suite)
        assert [task.normalise(level) for level in suite.levels] == list(suite.levels)


@pytest.mark.parametrize("name", NAMES)
def test_hard_training_rows_are_drawn_by_nobody_by_default(name: str) -> None:
    suite = read(name)
    for level in suite.levels:
        expected = ("train", "validation", "test") if level in suite.easy else ("test",)
        assert suite.splits(level) == expected


@pytest.mark.parametrize(
    ("given", "level"),
    [
        ("0.10", "0.1"),
        (0.1, "0.1"),
        (9.0, "9"),
        (" 0.3 ", "0.3"),
        ("1e-1", "0.1"),
        (100, "100"),
        ("1E+2", "100"),
    ],
)
def test_a_level_has_one_form(given: str | float, level: str) -> None:
    assert canonical(given) == level


@pytest.mark.parametrize("given", ["hard", "", "nan", "inf", "0,1"])
def test_what_is_no_number_is_no_level(given: str) -> None:
    with pytest.raises(UserError, match=f"such as 0.1 or 9; got '{given}'"):
        canonical(given)


@pytest.mark.parametrize(
    "changes",
    [
        {"hard": ("0.2", "0.3", "0.9")},
        {"budgets": (1, 1000)},
        {"easier": ("0.05",)},
        {"rows": {"train": 9, "validation": 9, "test": 9, "quick": 9}},
        {"summary": "Other words."},
        {"licence": "MIT"},
        {"hub": "somebody/else", "revision": "1"},
        {"metrics": ("psnr",)},
    ],
    ids=str,
)
def test_what_is_added_beside_the_protocol_makes_no_row_stale(changes: dict[str, Any], tiny: Suite) -> None:
    assert changed(tiny, **changes).protocol_digest == tiny.protocol_digest


@pytest.mark.parametrize(
    "changes",
    [
        {"metric": "ssim"},
        {"answer": "last"},
        {"answer": 5},
        {"seed": 1},
        {"version": 2},
        {"easy": ("0.05", "0.1")},
        {"noise": "gaussian"},
        {"images": "cifar10"},
        {"size": 32},
        {"name": "other"},
    ],
    ids=str,
)
def test_what_is_asked_and_how_it_is_scored_is_the_protocol(changes: dict[str, Any], tiny: Suite) -> None:
    assert changed(tiny, **changes).protocol_digest != tiny.protocol_digest


@pytest.mark.parametrize("field", ["metric", "answer", "name", "easy"])
def test_how_samples_are_scored_does_not_determine_their_bits(field: str, tiny: Suite) -> None:
    other = {"metric": "ssim", "answer": 3, "name": "other", "easy": ("0.05",)}[field]
    assert changed(tiny, **{field: other}).definition_digest == tiny.definition_digest


def changed(suite: Suite, **changes: Any) -> Suite:
    return Suite.model_validate({**suite.model_dump(), **changes})


def test_a_copy_has_a_digest_of_its_own(tiny: Suite) -> None:
    before = tiny.protocol_digest, tiny.definition_digest
    copy = tiny.model_copy(update={"seed": 1})
    assert copy.protocol_digest != before[0]
    assert copy.definition_digest != before[1]


def test_the_published_protocols_do_not_move() -> None:
    """A change here makes every record stale: raise the suite's version and say so in the changelog."""
    assert {name: read(name).protocol_digest for name in ("sp", "maze")} == {
        "sp": PROTOCOLS[0],
        "maze": PROTOCOLS[1],
    }


PROTOCOLS = ("dbcfd061efa2cbe9dac09894e1f0717b", "acbaeaf390ff052c20189040d639f32e")

Rewrite = Callable[[str, str], Path]


@pytest.fixture
def rewrite(definitions: Path, tmp_path: Path) -> Rewrite:
    """The tiny definition with some of its text replaced."""

    def rewrite(old: str, new: str) -> Path:
        text = (definitions / "tiny.toml").read_text()
        assert old in text
        (tmp_path / "mine.toml").write_text(text.replace(old, new, 1))
        return tmp_path / "mine.toml"

    return rewrite


WRONG = {
    "an unknown key": ('size = 16', "sice = 16", r"sice: unknown key; there are: name, version, .*size"),
    "an unknown key with a dash": ("size = 16", "image-size = 16", r"image-size: unknown key"),
    "an answer of a wrong type": ('answer = "train"', "answer = [1]", r"toml: answer: Input should be a valid"),
    "an unknown key in a table": ("quick = 6", "fast = 6", r"rows\.fast: unknown key; there are: train, vali"),
    "a key that is missing": ("version = 1", "", r"version: Field required"),
    "text that is no TOML": ('size = 16', "size: 16", r"is not valid TOML"),
    "a name with capitals": ('name = "tiny"', 'name = "Tiny"', r"name: String should match"),
    "a hard level below an easy one": ('hard = ["0.2"', 'hard = ["0.02"', r"must lie above every easy one"),
    "a level in two lists": ('hard = ["0.2"', 'hard = ["0.10"', r"in one list only; got 0\.1, 0\.1, 0\.3"),
    "a level that is no number": ('hard = ["0.2"', 'hard = ["much"', r"a level is a number .*got 'much'"),
    "no easy level": ('easy = ["0.1"]', "easy = []", r"easy: Tuple should have at least 1 item"),
    "a named level that is not hard": ("seed = 0", 'seed = 0\nnamed = ["0.7"]', r"in `named` must be hard ones"),
    "a ranking metric that is not measured": ('metric = "psnr"', 'metric = "solved"', r"'solved' must stand"),
    "an answer that nobody can give": ('answer = "train"', 'answer = "best"', r'"train", or an exit rule.*; got .best'),
    "an answer after no iteration": ('answer = "train"', "answer = 0", r"at least 1"),
    "a budget of none": ("budgets = [1,", "budgets = [0,", r"budgets.*greater than or equal to 1"),
    "a table that begins too high": ("test = 12", 'test = { "0.2" = 12 }', r"must begin at or below the lowest level"),
    "a table whose keys TOML splits at the point": ("test = 12", "test = { 0.1 = 12 }", r"rows\.test: Input should"),
    "a negative seed": ("seed = 0", "seed = -1", r"seed: Input should be greater than or equal to 0"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_definition_is_told_its_fault_in_one_line(case: str, rewrite: Rewrite) -> None:
    old, new, message = WRONG[case]
    with pytest.raises(UserError, match=message) as refused:
        read(rewrite(old, new))
    assert "mine.toml" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b'name = "\xff"')
    with pytest.raises(UserError, match=r"mine\.toml is not valid TOML"):
        read(tmp_path / "mine.toml")


def test_a_suite_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(UserError, match=r"no suite 'saltpepper'; there are: .*maze.*sp"):
        read("saltpepper")
    with pytest.raises(UserError, match=r"no file \./none\.toml; the suites of the package are: .*sp"):
        read("./none.toml")


def test_a_suite_that_lacks_keys_points_to_where_they_are_explained(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('name = "mine"\n')
    with pytest.raises(UserError, match=r"seed: Field required; .*explained in .*generators.README\.md"):
        read(tmp_path / "mine.toml")


def test_a_table_by_level_holds_from_its_level_upwards(rewrite: Rewrite) -> None:
    suite = read(rewrite("test = 12", 'test = { "0.1" = 12, "0.25" = 3 }'))
    rows = [suite.split_rows(level, "test") for level in ("0.05", "0.1", "0.2", "0.25", "0.3", "1")]
    assert rows == [12, 12, 12, 3, 3, 3]


def test_levels_in_a_table_are_compared_as_numbers() -> None:
    maze = read("maze")
    assert maze.level_budgets("9") == maze.level_budgets("17") != maze.level_budgets("33")
    assert maze.scored_rows("801", "quick") == 1
    assert maze.scored_rows("9", "full") == 10_000


def test_a_level_that_only_names_call_up_is_no_default_and_no_headline() -> None:
    maze = read("maze")
    assert "801" in maze.hard
    assert "801" not in maze.levels
    assert "801" not in maze.headline
    assert maze.kind("801") == "hard"


@pytest.mark.parametrize(
    ("level", "kind"),
    [("0.10", "easy"), ("0.2", "hard"), ("0.15", "hard"), ("0.05", "easier"), ("0.9", "hard")],
)
def test_a_level_that_the_suite_does_not_list_is_judged_by_its_size(
    level: str, kind: str, tiny: Suite
) -> None:
    assert tiny.kind(level) == kind


def test_configs_of_mazes_sort_by_size() -> None:
    assert [read("maze").config(level) for level in ("9", "59", "201")] == [
        "maze-009",
        "maze-059",
        "maze-201",
    ]
    assert read("sp").config("0.1") == "sp-0.1"


@pytest.mark.parametrize("noise", ["sp", "salt_and_pepper"])
@pytest.mark.parametrize(("images", "name"), [(None, "sp"), ("cifar10", "sp-cifar10")])
def test_a_suite_is_found_by_its_noise_and_images(noise: str, images: str | None, name: str) -> None:
    assert by_noise(noise, images).name == name


def test_a_noise_or_image_source_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(UserError, match=r"no suite has the noise 'rain'; there are: .*salt_and_pepper"):
        by_noise("rain")
    with pytest.raises(UserError, match=r"no image source 'imagenet'; there are: .*cifar10"):
        by_noise("sp", "imagenet")
    with pytest.raises(UserError, match="maze draws no images"):
        with_images(read("maze"), "cifar10")


def test_other_images_under_a_users_suite_keep_all_else_of_it() -> None:
    mine = changed(read("sp"), name="mine", hard=("0.7",))
    other = with_images(mine, "cifar10")
    assert (other.name, other.images, other.hard) == ("mine-cifar10", "cifar10", ("0.7",))
    assert with_images(read("sp-cifar10"), "folder").name == "sp-folder"


def test_other_images_work_under_a_noise_of_the_users_own(rewrite: Rewrite, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("")
    suite = read(rewrite('"salt_and_pepper"', '"./mine.py"'))
    assert with_images(suite, "cifar10").noise == suite.noise == str(tmp_path / "mine.py")


def test_a_noise_file_that_is_not_there_is_named(rewrite: Rewrite) -> None:
    with pytest.raises(UserError, match=r"no file .*mine\.py"):
        _ = read(rewrite('"salt_and_pepper"', '"./mine.py"')).protocol_digest
