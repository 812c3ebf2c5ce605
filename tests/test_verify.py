"""A record comes out again, or the reason is told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from easy2hard import record as records
from easy2hard.errors import UserError
from easy2hard.evaluation import evaluate
from easy2hard.record import LevelData, Record
from easy2hard.suite import Suite
from easy2hard.verify import verify

Write = Callable[..., Path]
Recorded = Callable[..., Path]


@pytest.fixture
def recorded(tiny: Suite, write_entry: Write, tmp_path: Path) -> Recorded:
    """The record of a small entry, beside its weights and scores."""

    def recorded(entry: Path | str | None = None, **asked: Any) -> Path:
        done = evaluate(entry or write_entry(), asked.pop("suite", tiny), out=tmp_path / "runs", **asked)
        return done.filed[0].path

    return recorded


def rewrite(path: Path, **changes: Any) -> Path:
    record = records.read(path)
    records.write(record.model_copy(update=changes), path)
    return path


def small(path: Path) -> str:
    """The file of the entry whose record it is."""
    return str(path.parents[3] / "small.py")


ASKED: dict[str, dict[str, Any]] = {
    "as the suite asks": {},
    "cut short": {"limit": 3},
    "on one level": {"levels": ("0.3",)},
    "at budgets of its own": {"budgets": (2, 4, 7)},
    "under one rule": {"exit": "convergence"},
    "without rules": {"exits": ()},
    "as a ceiling": {"ceiling": "0.3"},
    "on all rows": {"track": "full"},
    "of another training seed": {"seeds": (3,)},
}


@pytest.mark.parametrize("case", ASKED)
def test_a_record_comes_out_again(case: str, recorded: Recorded) -> None:
    path = recorded(**ASKED[case])
    differences = verify(path, entry=small(path))
    assert len(differences) == len(records.read(path).cells)
    assert all(difference.agrees for difference in differences)
    assert all(difference.recorded == difference.measured for difference in differences)


@pytest.mark.parametrize(("entry", "suite"), [("median-3", "tiny"), ("bfs", "tiny_maze")])
def test_a_filter_and_a_function_come_out_again(
    entry: str, suite: str, recorded: Recorded, request: pytest.FixtureRequest
) -> None:
    path = recorded(entry, suite=request.getfixturevalue(suite))
    assert all(difference.agrees for difference in verify(path))


def test_a_figure_that_was_touched_up_is_found(recorded: Recorded) -> None:
    path = recorded()
    cells = list(records.read(path).cells)
    cells[4] = cells[4].model_copy(update={"value": cells[4].value + 0.01})
    agree = [difference.agrees for difference in verify(rewrite(path, cells=tuple(cells)), entry=small(path))]
    assert [number for number, agrees in enumerate(agree) if not agrees] == [4]


def test_a_figure_that_nobody_can_measure_does_not_agree(recorded: Recorded) -> None:
    path = recorded()
    cells = records.read(path).cells
    extra = cells[0].model_copy(update={"budget": 50})
    differences = verify(rewrite(path, cells=(*cells, extra)), entry=small(path))
    assert [difference.budget for difference in differences if not difference.agrees] == [50]


def test_weights_that_were_exchanged_are_refused(recorded: Recorded) -> None:
    path = recorded()
    weights = path.with_name("weights.safetensors")
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(UserError, match=r"weights\.safetensors are not the weights that were recorded"):
        verify(path, entry=small(path))


def test_weights_that_are_not_there_are_told_with_the_command_that_makes_them(recorded: Recorded) -> None:
    path = recorded()
    path.with_name("weights.safetensors").unlink()
    with pytest.raises(UserError, match="easy2hard evaluate small --suite tiny --seeds 0"):
        verify(path, entry=small(path))


def test_code_that_was_edited_is_refused(recorded: Recorded, write_entry: Write) -> None:
    path = recorded()
    write_entry(("A small recurrent net", "A better one"))
    with pytest.raises(UserError, match=r"small\.py is not the file that was recorded"):
        verify(path, entry=small(path))


def test_another_protocol_is_refused(recorded: Recorded, definitions: Path) -> None:
    path = recorded()
    tiny = definitions / "tiny.toml"
    tiny.write_text(tiny.read_text().replace('metric = "psnr"', 'metric = "ssim"'))
    with pytest.raises(UserError, match="another protocol of tiny; evaluate the entry again"):
        verify(path, entry=small(path))


def test_other_samples_are_refused_by_level(recorded: Recorded) -> None:
    path = recorded()
    task = records.read(path).task
    other = LevelData(n=6, digest="0" * 32, kind="hard")
    rewrite(path, task=task.model_copy(update={"levels": {**task.levels, "0.2": other}}))
    with pytest.raises(UserError, match=r"on other samples of level 0\.2"):
        verify(path, entry=small(path))


def test_a_failed_run_has_nothing_to_verify(recorded: Recorded) -> None:
    path = rewrite(recorded(), status="failed", reason="it diverged", cells=())
    with pytest.raises(UserError, match=r"a failed run \(it diverged\)"):
        verify(path, entry=small(path))


def test_a_fresh_seed_measures_other_figures_that_agree_within_their_errors(recorded: Recorded) -> None:
    path = recorded("median-3", track="full")
    differences = verify(path, fresh_seed=11)
    assert all(difference.agrees for difference in differences)
    assert all(difference.recorded != difference.measured for difference in differences)


def test_a_fresh_seed_finds_out_figures_that_are_too_good(recorded: Recorded) -> None:
    path = recorded("median-3", track="full")
    better = tuple(cell.model_copy(update={"value": cell.value + 20}) for cell in records.read(path).cells)
    differences = verify(rewrite(path, cells=better), fresh_seed=11)
    assert not any(difference.agrees for difference in differences if difference.metric == "psnr")


def test_a_fresh_seed_that_is_the_suites_own_is_refused(recorded: Recorded) -> None:
    with pytest.raises(UserError, match="--fresh-seed 0 is the seed of tiny itself"):
        verify(recorded("median-3"), fresh_seed=0)


def test_an_object_is_told_to_be_given_with_its_code(tiny: Suite, tmp_path: Path) -> None:
    path = evaluate(nn.Identity(), tiny, out=tmp_path).filed[0].path
    with pytest.raises(UserError, match="its hash differs"):
        verify(path)


def test_a_record_in_submissions_finds_its_entry_beside_it(
    recorded: Recorded, write_entry: Write, tmp_path: Path
) -> None:
    path = recorded(write_entry(name="small/model.py"))
    moved = tmp_path / "small" / "records" / "record.json"
    moved.parent.mkdir()
    for file in path.parent.iterdir():
        file.rename(moved.parent / file.name)
    record: Record = records.read(moved)
    assert record.model.id == "small"
    assert all(difference.agrees for difference in verify(moved))
