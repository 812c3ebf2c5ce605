"""Lay an entry and its records in `submissions/`, after checking that they belong together."""

import ast
from pathlib import Path

import yaml

from easy2hard import atomic, suite as suites
from easy2hard.card import read_card
from easy2hard.entry import Entry, load
from easy2hard.errors import UserError
from easy2hard.record import Record, Samples, Weights, read, write
from easy2hard.weights import sha256_of

_LARGEST_WEIGHTS = 512 * 1024  # bytes that are laid beside a record without being asked for


def submit(name: str | Path, *, runs: Path, into: Path, weights: bool = False) -> list[Path]:
    """Lay the entry `name` and its finished records under `runs` in `into/<entry>/`; the files written.

    Records that cannot rank (a limit, another protocol, other code) are refused; a card is started where there is
    none. Weights up to half a megabyte are laid beside their record, larger ones with `weights`.
    """
    entry = load(name)
    records = _finished(entry, runs)
    folder = into / entry.name
    task = suites.read(records[0][1].task.suite).task
    written = [_lay_code(entry, folder), _lay_card(entry, folder, task)]
    for path, record in records:
        written += _lay_record(path, record, folder / "records", weights=weights)
    return written


def _finished(entry: Entry, runs: Path) -> list[tuple[Path, Record]]:
    """The newest record of every (suite, track, seed) of an entry."""
    newest: dict[str, tuple[Path, Record]] = {}
    for path in sorted((runs / entry.name).glob("*/record.json")):
        record = read(path)
        _refuse(entry, path, record)
        known = newest.get(record.filename)
        if known is None or known[1].created_at <= record.created_at:
            newest[record.filename] = (path, record)
    if not newest:
        raise UserError(
            f"there is no finished run in {runs / entry.name}; run `easy2hard evaluate {entry.path}` first."
        )
    return list(newest.values())


def _refuse(entry: Entry, path: Path, record: Record) -> None:
    suite = suites.read(record.task.suite)
    if record.model.sha256 != entry.sha256:
        raise UserError(
            f"{path} was made by another version of {entry.path}; evaluate again, or remove that run."
        )
    if record.task.limit is not None or (record.model.band != "ceiling" and not record.ranks):
        raise UserError(f"{path} was cut short (--limit or --levels) and never ranks; remove that run.")
    if record.task.seed != suite.seed:
        raise UserError(
            f"{path} was scored on data of seed {record.task.seed}, not {suite.seed}; remove that run."
        )
    if record.task.protocol != suite.protocol_digest:
        raise UserError(f"{path} was scored by another protocol of {suite.name}; evaluate again.")


def _lay_code(entry: Entry, folder: Path) -> Path:
    target = folder / "model.py"
    if target.resolve() != entry.path.resolve():
        atomic.write_bytes(target, entry.path.read_bytes())
    return target


def _lay_card(entry: Entry, folder: Path, task: str) -> Path:
    """Keep the card that is there, or start one from the file's docstring."""
    target = folder / "README.md"
    if target.is_file():
        read_card(target)
        return target
    docstring = ast.get_docstring(ast.parse(entry.path.read_text(encoding="utf-8"))) or entry.name
    card = {
        "title": entry.name,
        "summary": docstring.splitlines()[0],
        "source": "own work",
        "task": task,
    }
    head = yaml.safe_dump(card, sort_keys=False, allow_unicode=True)
    atomic.write_text(target, f"---\n{head}---\n\n# {entry.name}\n\n{docstring}\n")
    return target


def _lay_record(path: Path, record: Record, folder: Path, *, weights: bool) -> list[Path]:
    """The record, with its per-sample scores and (where small) its weights beside it, under names of their own."""
    target = folder / record.filename
    written = [target]
    changes: dict[str, object] = {}
    if record.samples is not None:
        scores = target.with_suffix(".parquet")
        _copy(path.parent / record.samples.path, scores, record.samples.sha256)
        changes["samples"] = Samples(path=scores.name, sha256=record.samples.sha256)
        written.append(scores)
    held = record.model.weights
    if held is not None:
        source = path.parent / held.uri
        if weights or source.stat().st_size <= _LARGEST_WEIGHTS:
            beside = target.with_suffix(".safetensors")
            _copy(source, beside, held.sha256)
            uri = Weights(uri=beside.name, sha256=held.sha256)
            changes["model"] = record.model.model_copy(update={"weights": uri})
            written.append(beside)
    write(record.model_copy(update=changes), target)
    return written


def _copy(source: Path, target: Path, sha256: str) -> None:
    if sha256_of(source) != sha256:
        raise UserError(f"{source} is not the file that the record names (its hash differs); evaluate again.")
    atomic.write_bytes(target, source.read_bytes())
