"""A name is a file on a shelf, or a file of the user's own."""

import sys
from pathlib import Path

import pytest

from easy2hard import shelf
from easy2hard.errors import UserError


def test_a_shelf_lists_its_files_sorted_without_those_that_begin_with_an_underscore() -> None:
    names = shelf.names("tasks")
    assert names == sorted(names)
    assert {"denoise", "maze"} <= set(names)
    assert not any(name.startswith("_") for name in names)


def test_a_name_is_taken_from_its_shelf() -> None:
    assert shelf.take("metrics", "psnr").__name__ == "easy2hard.metrics.psnr"


@pytest.mark.parametrize("name", ["psn", "__init__", "_private", "../suite", ""])
def test_a_name_that_is_not_there_is_answered_with_those_that_are_and_how_to_add_one(name: str) -> None:
    with pytest.raises(
        UserError, match=rf"no '{name}' in easy2hard/metrics/; there are: .*psnr.*write easy2hard/"
    ):
        shelf.take("metrics", name)


def test_a_file_is_imported_once(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("class Thing: pass\n")
    assert shelf.take("noise", str(mine)).Thing is shelf.load_file(mine).Thing


def test_a_file_that_was_edited_is_imported_anew(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("value = 1\n")
    first = shelf.load_file(mine)
    mine.write_text("value = 2\n")
    assert (first.value, shelf.load_file(mine).value) == (1, 2)


def test_two_files_of_one_name_are_two_modules(tmp_path: Path) -> None:
    for folder in "ab":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "model.py").write_text("here = __file__\n")
    a, b = (shelf.load_file(tmp_path / folder / "model.py") for folder in "ab")
    assert a.here != b.here
    assert a.__name__ != b.__name__


def test_a_relative_path_is_that_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text("value = 3\n")
    monkeypatch.chdir(tmp_path)
    assert shelf.take("noise", "./mine.py").value == 3


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(UserError, match=r"there is no file .*/none\.py"):
        shelf.take("noise", "none.py")


def test_a_file_that_fails_to_import_leaves_nothing_behind(tmp_path: Path) -> None:
    mine = tmp_path / "broken.py"
    mine.write_text("raise RuntimeError('halfway')\n")
    for _ in range(2):  # the second time is no empty module
        with pytest.raises(RuntimeError, match="halfway"):
            shelf.load_file(mine)
    assert not [name for name in sys.modules if name.startswith("_easy2hard_broken")]
