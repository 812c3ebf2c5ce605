"""An entry and its records are laid where they belong, or refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from easy2hard import entry as entries, record as records, submit as submitting
from easy2hard.card import read_card
from easy2hard.errors import UserError
from easy2hard.evaluation import evaluate
from easy2hard.submit import submit
from easy2hard.suite import Suite
from easy2hard.verify import verify

Write = Callable[..., Path]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "submissions"


@pytest.fixture
def done(tiny: Suite, write_entry: Write, runs: Path) -> Callable[..., Path]:
    """A finished run of the small entry; the entry's file."""

    def done(**asked: Any) -> Path:
        path = write_entry()
        evaluate(path, tiny, out=runs, **asked)
        return path

    return done


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_code_card_record_scores_and_small_weights_are_laid(
    done: Callable[..., Path], runs: Path, into: Path
) -> None:
    path = done(seeds=(0, 1))
    written = submit(path, runs=runs, into=into)
    expected = {"small/model.py", "small/README.md"} | {
        f"small/records/tiny-quick-s{seed}.{kind}"
        for seed in (0, 1)
        for kind in ("json", "parquet", "safetensors")
    }
    assert set(content(into)) == expected == {str(file.relative_to(into)) for file in written}
    assert (into / "small/model.py").read_bytes() == path.read_bytes()


def test_what_is_laid_is_whole_and_comes_out_again(done: Callable[..., Path], runs: Path, into: Path) -> None:
    submit(done(), runs=runs, into=into)
    path = into / "small/records/tiny-quick-s0.json"
    record = records.read(path)
    assert record.samples is not None
    table = pd.read_parquet(path.with_name(record.samples.path))
    assert len(table) == 6 * len({(cell.level, cell.budget, cell.exit) for cell in record.cells})
    assert entries.load(into / "small").card is not None
    assert all(difference.agrees for difference in verify(path))


def test_a_card_is_started_from_the_docstring(done: Callable[..., Path], runs: Path, into: Path) -> None:
    submit(done(), runs=runs, into=into)
    card = read_card(into / "small/README.md")
    assert (card.title, card.summary, card.task) == ("small", "A small recurrent net.", "denoise")


def test_a_card_that_is_there_is_kept(done: Callable[..., Path], runs: Path, into: Path) -> None:
    path = done()
    submit(path, runs=runs, into=into)
    card = into / "small/README.md"
    card.write_text(card.read_text().replace("title: small", "title: My own words"))
    submit(path, runs=runs, into=into)
    assert "My own words" in card.read_text()
    card.write_text("no card")
    with pytest.raises(UserError, match="must begin with a card"):
        submit(path, runs=runs, into=into)


def test_submitting_twice_changes_nothing(done: Callable[..., Path], runs: Path, into: Path) -> None:
    path = done()
    submit(path, runs=runs, into=into)
    before = content(into)
    submit(path, runs=runs, into=into)
    assert content(into) == before
    submit(into / "small", runs=runs, into=into)  # and from where it lies
    assert content(into) == before


def test_large_weights_are_laid_only_when_asked_for(
    done: Callable[..., Path], runs: Path, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submitting, "_LARGEST_WEIGHTS", 10)
    path = done()
    submit(path, runs=runs, into=into)
    assert not list(into.rglob("*.safetensors"))
    submit(path, runs=runs, into=into, weights=True)
    assert len(list(into.rglob("*.safetensors"))) == 1


@pytest.mark.parametrize(
    "asked", [{"limit": 3}, {"levels": ("0.3",)}, {"limit": 3, "ceiling": "0.3"}], ids=str
)
def test_a_run_cut_short_is_refused(
    asked: dict[str, Any], done: Callable[..., Path], runs: Path, into: Path
) -> None:
    with pytest.raises(UserError, match=r"was cut short .* remove that run"):
        submit(done(**asked), runs=runs, into=into)
    assert not into.exists()


def test_a_ceiling_is_laid_under_a_name_of_its_own(done: Callable[..., Path], runs: Path, into: Path) -> None:
    done(ceiling="0.3")
    submit(done(), runs=runs, into=into)
    assert {path.name for path in into.rglob("*.json")} == {
        "tiny-quick-s0.json",
        "tiny-quick-ceiling-0.3-s0.json",
    }


def test_a_run_of_other_code_is_refused(
    done: Callable[..., Path], write_entry: Write, runs: Path, into: Path
) -> None:
    done()
    edited = write_entry(("A small recurrent net", "A better one"))
    with pytest.raises(UserError, match="made by another version of"):
        submit(edited, runs=runs, into=into)


def test_a_run_under_a_stale_protocol_is_refused(
    done: Callable[..., Path], definitions: Path, runs: Path, into: Path
) -> None:
    path, tiny = done(), definitions / "tiny.toml"
    tiny.write_text(tiny.read_text().replace('answer = "train"', 'answer = "last"'))
    with pytest.raises(UserError, match="another protocol of tiny; evaluate again"):
        submit(path, runs=runs, into=into)


def test_a_run_on_a_fresh_seed_is_refused(done: Callable[..., Path], runs: Path, into: Path) -> None:
    with pytest.raises(UserError, match="on data of seed 5, not 0; remove that run"):
        submit(done(fresh_seed=5), runs=runs, into=into)
    assert not into.exists()


def test_scores_that_were_touched_up_are_refused(done: Callable[..., Path], runs: Path, into: Path) -> None:
    path = done()
    scores = next(runs.rglob("record.parquet"))
    pd.read_parquet(scores).assign(psnr=99.0).to_parquet(scores)
    with pytest.raises(UserError, match=r"record\.parquet is not the file that the record names"):
        submit(path, runs=runs, into=into)


def test_of_two_runs_of_one_kind_the_newer_is_laid(
    done: Callable[..., Path], write_entry: Write, runs: Path, into: Path
) -> None:
    path = done()
    done(budgets=(1, 3))  # the same suite, track and seed, asked otherwise
    newest = max(
        (records.read(file) for file in runs.rglob("record.json")), key=lambda r: (r.created_at, r.run_id)
    )
    for file in runs.rglob("record.json"):
        record = records.read(file)
        if record.run_id == newest.run_id:
            later = record.created_at.replace(year=record.created_at.year + 1)
            records.write(record.model_copy(update={"created_at": later}), file)
    submit(path, runs=runs, into=into)
    assert records.read(next(into.rglob("*.json"))).run_id == newest.run_id


def test_without_a_finished_run_the_command_that_makes_one_is_told(
    write_entry: Write, definitions: Path, runs: Path, into: Path
) -> None:
    with pytest.raises(UserError, match=r"no finished run in .*run `easy2hard evaluate .*small\.py` first"):
        submit(write_entry(), runs=runs, into=into)
