"""Which records a board may show together, and which it refuses, and why."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from easy2hard import archive
from easy2hard.archive import Filed, Seeds, again
from easy2hard.errors import UserError
from easy2hard.suite import Suite, Track


class Refused(NamedTuple):
    """A record that is not shown."""

    path: Path
    reason: str


class Collected(NamedTuple):
    """The records of one suite and track."""

    accepted: list[Seeds]
    refused: list[Refused]


def read_all(submissions: Path) -> tuple[list[Filed], list[Refused]]:
    """All records of a folder, and the files that are none."""
    found, refused = [], []
    for path in archive.paths(submissions):
        try:
            found.append(archive.read(path))
        except UserError as error:
            refused.append(Refused(path, str(error).replace(str(path), path.name)))
    return found, refused


def collect(found: Iterable[Filed], asked: Suite, track: Track) -> Collected:
    """The records of a suite and track by entry and recipe; those that may not stand beside the rest are refused."""
    of_track = [
        filed for filed in found if (filed.record.task.suite, filed.record.track) == (asked.name, track)
    ]
    refused: list[Refused] = []
    kept = _keep(of_track, lambda filed: _unfit(filed, asked), refused)
    kept = _keep(kept, _stranger(kept, "source images", _source), refused)
    for level in asked.levels:
        kept = _keep(kept, _stranger(kept, f"samples of level {level}", partial(_samples, level)), refused)
    kept = _keep(kept, _outdated(kept), refused)
    identity = archive.find_identity(kept)
    groups: dict[tuple[str, ...], list[Filed]] = {}
    for filed in kept:
        groups.setdefault(_group(filed), []).append(filed)
    by_seed = [sorted(group, key=lambda filed: filed.record.training_seed) for group in groups.values()]
    return Collected([Seeds(tuple(group), identity) for group in by_seed], sorted(refused))


def trained_on(filed: Filed) -> tuple[str, ...]:
    """The levels that a ceiling was trained on; empty for everything else."""
    record = filed.record
    return record.train.levels if record.model.band == "ceiling" and record.train else ()


def _group(filed: Filed) -> tuple[str, ...]:
    model = filed.record.model
    return (model.id, model.band, model.recipe or "", *trained_on(filed))


def _keep(
    found: Sequence[Filed], fault: Callable[[Filed], str | None], refused: list[Refused]
) -> list[Filed]:
    """Those without a fault; the others go to `refused`."""
    kept = []
    for filed in found:
        reason = fault(filed)
        if reason is None:
            kept.append(filed)
        else:
            refused.append(Refused(filed.path, reason))
    return kept


def _unfit(filed: Filed, asked: Suite) -> str | None:
    """What is wrong with a record by itself."""
    record, task = filed.record, filed.record.task
    if task.protocol != asked.protocol_digest:
        return (
            f"it was measured on protocol {task.protocol[:8]} of {asked.name}, which is now "
            f"{asked.protocol_digest[:8]}; run `{again(record)}`."
        )
    if task.seed != asked.seed:
        return (
            f"its samples were drawn with seed {task.seed}, those of the board with {asked.seed}; "
            "a fresh seed verifies a result and does not rank."
        )
    if task.limit is not None:
        return f"it stopped after {task.limit} samples a level; run `{again(record)}` without a limit."
    try:
        archive.verify(filed)
    except UserError as error:
        return str(error)
    return None


def _stranger(
    found: Sequence[Filed], what: str, digest: Callable[[Filed], str | None]
) -> Callable[[Filed], str | None]:
    """Refuses the records whose digest of `what` is not that of most (of two as frequent, the older one)."""
    digests = {
        filed.path: digest(filed) for filed in sorted(found, key=lambda filed: filed.record.created_at)
    }
    counted = Counter(value for value in digests.values() if value is not None)
    usual = counted.most_common(1)[0][0] if counted else None

    def fault(filed: Filed) -> str | None:
        own = digests[filed.path]
        if own in (None, usual):
            return None
        return (
            f"its {what} are {own}, those of this board {usual}, and a board never mixes two; "
            f"run `{again(filed.record)}` on the data of this board."
        )

    return fault


def _outdated(found: Sequence[Filed]) -> Callable[[Filed], str | None]:
    """Refuses the records of an entry and recipe whose model or answer is not that of the newest of them."""
    newest: dict[tuple[str, ...], Filed] = {}
    for filed in sorted(found, key=lambda filed: filed.record.created_at):
        newest[_group(filed)] = filed

    def fault(filed: Filed) -> str | None:
        latest = newest[_group(filed)].record
        for name, own, other in (
            ("model.py", filed.record.model.sha256[:12], latest.model.sha256[:12]),
            ("answer", filed.record.declared_answer, latest.declared_answer),
        ):
            if own != other:
                return f"its {name} is {own}, in the newest record of its kind {other}; run `{again(filed.record)}`."
        return None

    return fault


def _source(filed: Filed) -> str | None:
    return filed.record.task.source and f"of digest {filed.record.task.source}"


def _samples(level: str, filed: Filed) -> str | None:
    """The samples of a level in words that differ where they do."""
    data = filed.record.task.levels.get(level)
    return f"{data.n} of digest {data.digest}" if data else None
