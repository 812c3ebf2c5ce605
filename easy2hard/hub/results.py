"""`push results` and `pull results`: records as a dataset that only ever grows, and boards rendered from it.

Each record lies under a name that holds its hash, so nobody's push ever touches somebody else's file: the record
itself (JSON), its per-sample scores, and its figures as rows of the table that `load_dataset` gives.
"""

import io
import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from easy2hard import archive, atomic
from easy2hard.archive import Filed
from easy2hard.errors import UserError
from easy2hard.hub.client import connect, insist
from easy2hard.hub.sending import File, Remote, Sent, Target, Wanted, file_of, look, send
from easy2hard.progress import Listener, Step, silent
from easy2hard.record import Record

_CARD = "README.md"
_RECORD = re.compile(r"records/(?P<entry>[A-Za-z0-9][\w.-]*)/(?P<stem>[\w.-]+)-(?P<hash>[0-9a-f]{12})\.json")
_COLUMNS: dict[str, Any] = {
    "entry": pa.string(),
    "title": pa.string(),
    "band": pa.string(),
    "recipe": pa.string(),
    "suite": pa.string(),
    "protocol": pa.string(),
    "track": pa.string(),
    "seed": pa.int64(),
    "status": pa.string(),
    "created_at": pa.string(),
    "parameters": pa.int64(),
    "level": pa.string(),
    "kind": pa.string(),
    "data": pa.string(),  # digest
    "budget": pa.int64(),
    "exit": pa.string(),
    "declared": pa.bool_(),
    "metric": pa.string(),
    "value": pa.float64(),
    "ci_low": pa.float64(),
    "ci_high": pa.float64(),
    "n": pa.int64(),
    "iterations": pa.float64(),
    "macs": pa.float64(),
    "record": pa.string(),  # path in the repo
}


class _Found(NamedTuple):
    """A record in the repo."""

    record: Record
    path: str
    content: bytes


class Pulled(NamedTuple):
    """What a pull laid down."""

    files: tuple[Path, ...]
    notes: tuple[str, ...]


def push_results(
    submissions: Path, entries: Sequence[str], target: Target, *, listen: Listener = silent
) -> Sent:
    """Add the records of `submissions` (of `entries`, or all) to a results repo; nothing there is ever changed.

    Raises `UserError` for records that are not valid, and for whatever the Hub or the network does.
    """
    paths = [path for entry in entries or ["*"] for path in archive.paths(submissions, entry)]
    if not paths:
        named = f" of {', '.join(entries)}" if entries else ""
        raise UserError(
            f"{submissions} holds no records{named}; run `easy2hard evaluate` and `easy2hard submit` first."
        )
    filed = [archive.read(path) for path in paths]
    files: dict[str, File] = {}
    for done, one in enumerate(filed, start=1):
        files |= _files(one)
        listen(Step("read records", done, len(filed), {}))
    files[_CARD] = file_of(_card(target.repo))
    names = ", ".join(sorted({one.record.model.id for one in filed}))
    return send(
        connect(), target, "dataset", lambda remote: Wanted(files), f"Add results of {names}"[:150], listen
    )


def _files(one: Filed) -> dict[str, File]:
    """The files of one record, by path in the repo."""
    archive.verify(one)
    content = one.path.read_bytes()
    entry = one.record.model.id
    name = f"{one.path.stem}-{sha256(content).hexdigest()[:12]}"
    files = {f"records/{entry}/{name}.json": file_of(content)}
    files[f"cells/{entry}/{name}.parquet"] = file_of(_table(one.record, f"records/{entry}/{name}.json"))
    if one.table is not None and one.table.is_file():
        files[f"samples/{entry}/{name}.parquet"] = file_of(one.table)
    return files


def _table(record: Record, path: str) -> bytes:
    """The figures of a record as Parquet, a row for each; a failed record has none."""
    model, task = record.model, record.task
    common = {
        "entry": model.id, "title": model.title, "band": model.band, "recipe": model.recipe,
        "suite": task.suite, "protocol": task.protocol, "track": record.track, "seed": record.training_seed,
        "status": record.status, "created_at": record.created_at.isoformat(), "parameters": model.params_total,
        "record": path,
    }  # fmt: skip
    rows = []
    for cell in record.cells:
        low, high = cell.ci95 or (None, None)
        held = task.levels[cell.level]
        rows.append({
            **common, "level": cell.level, "kind": held.kind, "data": held.digest, "budget": cell.budget,
            "exit": cell.exit, "declared": cell == record.answer_cell(cell.level, cell.metric),
            "metric": cell.metric, "value": cell.value, "ci_low": low, "ci_high": high, "n": cell.n,
            "iterations": cell.iterations, "macs": cell.macs,
        })  # fmt: skip
    sink = io.BytesIO()
    pq.write_table(
        pa.Table.from_pylist(rows, schema=pa.schema(list(_COLUMNS.items()))), sink, compression="zstd"
    )
    return sink.getvalue()


def pull_results(repo: str, into: Path, *, revision: str = "main", listen: Listener = silent) -> Pulled:
    """Lay the records of a results repo in `into`, as `submissions/` has them, so that boards can be rendered.

    Where several records would have one name (an entry that was evaluated again), the newest is laid down, and a note
    names the others. A record on disk that is newer stays. Raises `UserError`, as `push_results` does.
    """
    api = connect()
    target = Target(repo, revision, dry_run=True)
    remote = insist(lambda: look(api, target, "dataset", strict=True), repo, listen)
    paths = sorted(path for path in remote.files if _RECORD.fullmatch(path))
    if not paths:
        raise UserError(f"{repo} holds no records of easy2hard; was it made by `easy2hard push results`?")
    found = []
    for done, path in enumerate(paths, start=1):
        content = _read(remote, path, listen)
        found.append(_Found(_parse(repo, path, content), path, content))
        listen(Step(f"fetch from {repo}", done, len(paths), {}))
    files: list[Path] = []
    notes: list[str] = []
    for place, newest, others in _by_place(found, into):
        notes += [
            f"{other.path} is older than another record of that name, and was not laid down."
            for other in others
        ]
        if newest is not None:
            files += _lay(remote, newest, place, listen)
    return Pulled(tuple(files), tuple(notes))


def _by_place(found: Sequence[_Found], into: Path) -> Iterator[tuple[Path, _Found | None, list[_Found]]]:
    """For each place the newest record (None where the one on disk is newer), and the others."""
    places: dict[Path, list[_Found]] = {}
    for one in found:
        places.setdefault(into / one.record.model.id / "records" / one.record.filename, []).append(one)
    for place, same in places.items():
        same.sort(key=lambda one: (one.record.created_at, one.path), reverse=True)
        newer = place.is_file() and archive.read(place).record.created_at > same[0].record.created_at
        yield (place, None, same) if newer else (place, same[0], same[1:])


def _lay(remote: Remote, one: _Found, place: Path, listen: Listener) -> list[Path]:
    """Write a record, and its per-sample scores where the repo holds them; the record last."""
    laid = [place]
    scores = one.path.replace("records/", "samples/", 1).removesuffix(".json") + ".parquet"
    if one.record.samples is not None and scores in remote.files:
        laid.append(place.with_suffix(".parquet"))
        atomic.write_bytes(laid[1], _read(remote, scores, listen))
    atomic.write_bytes(place, one.content)
    return laid


def _read(remote: Remote, path: str, listen: Listener) -> bytes:
    return insist(lambda: remote.read(path), remote.repo, listen)


def _parse(repo: str, path: str, content: bytes) -> Record:
    """A record of the repo, which must be the one that its path says: paths of strangers name files here."""
    match = _RECORD.fullmatch(path)
    try:
        record = Record.model_validate_json(content)
    except ValueError as error:
        raise UserError(
            f"{repo} holds {path}, which this version of easy2hard cannot read; update it."
        ) from error
    if match is None or (record.model.id, record.filename) != (match["entry"], f"{match['stem']}.json"):
        raise UserError(
            f"{repo}: {path} is not the record that its name says; ask the repo's owners to remove it."
        )
    if record.samples is not None and record.samples.path != f"{match['stem']}.parquet":
        raise UserError(
            f"{repo}: {path} names scores that are not its own; ask the repo's owners to remove it."
        )
    if sha256(content).hexdigest()[:12] != match["hash"]:
        raise UserError(f"{repo}: {path} is not what its hash says; ask the repo's owners to remove it.")
    return record


def _card(repo: str) -> str:
    header = {
        "license": "mit",
        "pretty_name": "easy2hard: results",
        "tags": ["easy2hard", "benchmark", "results"],
        "configs": [{"config_name": "cells", "default": True,
                     "data_files": [{"split": "train", "path": "cells/*/*.parquet"}]}],
    }  # fmt: skip
    return f"---\n{yaml.safe_dump(header, sort_keys=False)}---\n\n{_TEXT.replace('REPO', repo)}"


_TEXT = """\
# easy2hard: results

Every figure of every record, as a table with a row for each entry, suite, seed, level, budget or exit rule, and metric.

```python
from datasets import load_dataset
cells = load_dataset("REPO", split="train").to_pandas()
cells[cells.declared]  # the answers that rank
```

Boards are rendered from the records themselves, which lie in `records/`, with their per-sample scores in `samples/`:

```
easy2hard pull results REPO --into submissions
easy2hard leaderboard --submissions submissions
```

A record is never changed or removed here: each file's name holds the hash of its record. Add yours with
`easy2hard push results --repo REPO --create-pr`.
"""
