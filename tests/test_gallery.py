"""The pictures of a suite, drawn from the records of an entry that comes with the package."""

import shutil
from pathlib import Path

import pytest

from easy2hard import archive, entry as entries, gallery, suite as suites
from easy2hard.errors import UserError


def test_an_entry_has_one_strip_of_thoughts_whatever_ceilings_lie_beside_it(tmp_path: Path) -> None:
    source, folder = entries.folder() / "dt-interpolate", tmp_path / "submissions" / "dt-interpolate"
    (folder / "records").mkdir(parents=True)
    for name in ("model.py", "README.md"):
        shutil.copy(source / name, folder)
    for pattern in ("sp-quick-s0.*", "sp-quick-ceiling-0.3-s0.*"):
        held = list((source / "records").glob(pattern))
        assert len(held) == 3  # the record, its scores, its weights
        for path in held:
            shutil.copy(path, folder / "records")
    drawn = gallery.draw(suites.read("sp"), "quick", [tmp_path / "submissions"], tmp_path / "figures")
    names = ["sp-samples.png", "sp-curves.png", "sp-levels.png", "sp-thoughts-dt-interpolate.png"]
    assert [path.name for path in drawn] == names
    assert all(path.stat().st_size > 0 for path in drawn)


def test_only_the_entries_asked_for_are_drawn(tmp_path: Path) -> None:
    folder = tmp_path / "submissions"
    for name in ("identity", "median-3"):
        shutil.copytree(entries.folder() / name, folder / name)
    filed = [archive.read(path) for path in archive.paths(folder)]
    assert {one.record.model.id for one in gallery.chosen(filed, ["median-*"])} == {"median-3"}
    with pytest.raises(UserError, match="called 'median-5'; there are: identity, median-3"):
        gallery.draw(suites.read("sp"), "quick", [folder], tmp_path / "figures", shown=["median-5"])
