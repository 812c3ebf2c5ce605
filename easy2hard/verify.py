"""Do a record's figures come out again? Its weights are scored anew, on its own data or on data nobody has seen."""

import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from easy2hard import entry as entries, suite as suites
from easy2hard.errors import UserError
from easy2hard.evaluation import evaluate
from easy2hard.progress import Listener, silent
from easy2hard.record import Cell, Record, read
from easy2hard.weights import sha256_of

_TOLERANCE = {"solved": 0.0}  # other metrics: float rounding between machines
_ROUNDING = 2e-3


class Difference(NamedTuple):
    """One figure of the record beside the one measured now."""

    level: str
    budget: int
    exit: str | None
    metric: str
    recorded: float
    measured: float
    agrees: bool


def verify(
    path: Path,
    *,
    entry: str | None = None,
    fresh_seed: int | None = None,
    images: Path | None = None,
    device: str = "cpu",
    listen: Listener = silent,
) -> list[Difference]:
    """Re-score the weights of a record, and set every figure beside the recorded one.

    With `fresh_seed` the same suite is drawn with that seed: a hard set that nobody has seen; figures then agree
    when each lies within three standard errors of the difference. Raises `UserError` where the code or the weights
    are not those recorded.
    """
    record = read(path)
    if record.status == "failed":
        raise UserError(f"{path} records a failed run ({record.reason}); there is nothing to score again.")
    found = entries.load(entry or _beside(path) or record.model.id)
    if found.sha256 != record.model.sha256:
        raise UserError(
            f"{found.path} is not the file that was recorded (its hash differs); give it with --entry."
        )
    suite = suites.read(record.task.suite)
    if fresh_seed == suite.seed:
        raise UserError(
            f"--fresh-seed {fresh_seed} is the seed of {suite.name} itself, whose samples everybody has seen; give "
            "another."
        )
    if suite.protocol_digest != record.task.protocol:
        raise UserError(f"{path} was scored by another protocol of {suite.name}; evaluate the entry again.")
    with TemporaryDirectory() as out:
        run = evaluate(
            found,
            suite,
            seeds=(record.training_seed,),
            out=out,
            track=record.track,
            recipe=record.model.recipe,
            levels=tuple(record.task.levels),
            limit=record.task.limit,
            weights=_weights(record, path),
            ceiling=record.train.levels[0] if record.model.band == "ceiling" and record.train else None,
            fresh_seed=fresh_seed,
            images=images,
            device=device,
            listen=listen,
            **_scored(record),
        )
    if fresh_seed is None:
        _refuse_other_data(path, record, run.record)
    measured = {_where(cell): cell for cell in run.record.cells}
    return [
        _difference(cell, measured.get(_where(cell)), fresh=fresh_seed is not None) for cell in record.cells
    ]


def _scored(record: Record) -> dict[str, Any]:
    """What a record was asked, read off its figures: budgets where they are not the suite's, and exit rules."""
    rules = sorted({cell.exit for cell in record.cells if cell.exit})
    alone = bool(rules) and all(cell.exit for cell in record.cells)
    budgets = {
        level: tuple(sorted({c.budget for c in record.cells if c.level == level and (alone or not c.exit)}))
        for level in record.task.levels
    }
    same = next(iter(budgets.values())) if len(set(budgets.values())) == 1 else ()
    return {"exits": tuple(rules), "exit": rules[0] if alone else None, "budgets": same}


def _refuse_other_data(path: Path, record: Record, measured: Record) -> None:
    other = [
        level
        for level, data in record.task.levels.items()
        if data.digest != measured.task.levels[level].digest
    ]
    if other:
        raise UserError(
            f"{path} was scored on other samples of level {', '.join(other)} (their digest differs): "
            "compare the source images and the version of easy2hard."
        )


def _beside(path: Path) -> str | None:
    """The entry's folder where the record lies in it: `<entry>/records/<record>.json`."""
    folder = path.resolve().parent.parent
    return str(folder) if (folder / "model.py").is_file() else None


def _weights(record: Record, path: Path) -> Path | None:
    if record.model.weights is None:
        return None
    weights = path.parent / record.model.weights.uri
    if not weights.is_file():
        raise UserError(
            f"the weights {weights} are not there; run `easy2hard evaluate {record.model.id} "
            f"--suite {record.task.suite} --seeds {record.training_seed}` and verify its record."
        )
    if sha256_of(weights) != record.model.weights.sha256:
        raise UserError(f"{weights} are not the weights that were recorded (their hash differs).")
    return weights


def _where(cell: Cell) -> tuple[str, int, str | None, str]:
    return cell.level, cell.budget, cell.exit, cell.metric


def _difference(cell: Cell, measured: Cell | None, *, fresh: bool) -> Difference:
    """A figure that does not come out at all is not a number, and does not agree."""
    if measured is None:
        return Difference(cell.level, cell.budget, cell.exit, cell.metric, cell.value, math.nan, False)
    gap = abs(cell.value - measured.value)
    if fresh:
        errors = ((cell.se or 0.0) ** 2 + (measured.se or 0.0) ** 2) ** 0.5
        agrees = cell.se is None or gap <= 3 * errors + _ROUNDING
    else:
        agrees = gap <= _TOLERANCE.get(cell.metric, _ROUNDING)
    return Difference(cell.level, cell.budget, cell.exit, cell.metric, cell.value, measured.value, agrees)
