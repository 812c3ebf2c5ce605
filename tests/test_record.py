"""Records: what is read is what was written, and what is not valid is refused with the field at fault."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError
from records import change, make

from easy2hard import record
from easy2hard.errors import UserError
from easy2hard.record import Record
from easy2hard.suite import Track


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    made = make().record
    record.write(made, tmp_path / "record.json")
    assert record.read(tmp_path / "record.json") == made


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        record.write(make().record, tmp_path / name)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_an_unknown_key_is_refused_by_name(tmp_path: Path) -> None:
    content = json.loads(make().record.model_dump_json()) | {"comment": "best one yet"}
    (tmp_path / "r.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match="comment: unknown key"):
        record.read(tmp_path / "r.json")


def test_a_missing_record_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no record"):
        record.read(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"status": "failed"}, "says why"),
        ({"reason": "bad luck"}, "says why"),
        ({"task__levels": {}}, "does not list"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(changes: dict[str, object], message: str) -> None:
    content = change(make().record, **changes).model_dump()
    with pytest.raises(ValidationError, match=message):
        Record.model_validate(content)


def test_a_cell_over_other_samples_than_its_level_is_refused() -> None:
    made = make().record
    cell = made.cells[0].model_copy(update={"n": 3})
    with pytest.raises(ValidationError, match="3 samples"):
        Record.model_validate(change(made, cells=(cell,)).model_dump())


@pytest.mark.parametrize(
    ("asked", "budget", "exit"),
    [("train", 5, None), ("last", 50, None), ("8", 8, None), ("convergence", 50, "x")],
)
def test_the_answer_that_ranks_is_the_declared_one(asked: str, budget: int, exit: str | None) -> None:
    cell = make(task__answer=asked).record.answer_cell("0.3")
    assert cell is not None
    assert (cell.budget, cell.exit is None) == (budget, exit is None)


def test_an_answer_that_the_entry_cannot_give_is_none() -> None:
    assert make(iterations=None, task__answer="8").record.answer_cell("0.3") is None


def test_the_training_budget_of_a_net_that_does_not_iterate_is_one() -> None:
    assert make(iterations=None).record.declared_answer == "1"


def test_a_run_cut_short_does_not_rank() -> None:
    assert make().record.ranks
    assert not make(task__limit=10).record.ranks


def test_the_file_of_a_ceiling_names_the_level_it_was_trained_on() -> None:
    assert make(seed=2).record.filename == "sp-quick-s2.json"
    assert make(band="ceiling", trained_on="0.3").record.filename == "sp-quick-ceiling-0.3-s0.json"


@pytest.mark.parametrize(
    ("track", "recipe", "name"),
    [
        ("quick", "quick", "sp-quick-s0.json"),
        ("quick", "default", "sp-quick-s0.json"),
        ("full", "paper", "sp-full-s0.json"),
        ("full", "quick", "sp-full-quick-s0.json"),
        ("quick", "clean", "sp-quick-clean-s0.json"),
    ],
)
def test_the_file_names_a_recipe_that_is_not_the_tracks_own(track: Track, recipe: str, name: str) -> None:
    assert make(track=track, model__recipe=recipe).record.filename == name


def test_the_title_names_a_recipe_that_is_not_the_tracks_own() -> None:
    assert make(model__recipe="quick").record.title == "DT"
    assert make(model__recipe="clean").record.title == "DT (clean)"


def test_the_file_of_a_ceiling_names_recipe_and_level() -> None:
    made = make(band="ceiling", trained_on="0.3", model__recipe="clean")
    assert made.record.filename == "sp-quick-clean-ceiling-0.3-s0.json"


def test_the_schema_knows_every_field() -> None:
    assert set(json.loads(record.schema())["properties"]) == set(Record.model_fields)
