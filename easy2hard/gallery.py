"""All pictures of a suite: its samples, the scores of its entries, and what the entries think on the way."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import torch

from easy2hard import archive, entry as entries, figures
from easy2hard.archive import Filed
from easy2hard.entry import TaskSpec
from easy2hard.errors import UserError
from easy2hard.models.recurrent import adapt
from easy2hard.record import Record
from easy2hard.suite import Suite, Track
from easy2hard.tasks import I64, U8, Task, open_task
from easy2hard.units import show, unit
from easy2hard.weights import load_weights

_SHOWN = 6  # thoughts in a strip


def draw(
    suite: Suite,
    track: Track,
    folders: Sequence[Path],
    out: Path,
    *,
    images: Path | None = None,
    sample: int = 0,
    shown: Sequence[str] = (),
) -> list[Path]:
    """Write the pictures of a suite into `out` and return their paths.

    `folders` are searched for records; where there is none, only the samples are drawn. Test sample `sample` is shown.
    `shown` names the entries to show (`dt*` for all that begin with dt); none: all.
    """
    task = open_task(suite, images)
    written = [graded(suite, task, out / f"{suite.name}-samples.png", sample)]
    found = [archive.read(path) for folder in folders for path in archive.paths(folder)]
    every = [f for f in found if (f.record.task.suite, f.record.track) == (suite.name, track)]
    filed = chosen(every, shown) if shown else every
    records = [f.record for f in filed if f.record.task.limit is None]
    if not records:
        return written
    written.append(figures.curves(records, out / f"{suite.name}-curves.png"))
    written.append(figures.levels(records, out / f"{suite.name}-levels.png"))
    for one in filed:
        if _has_thoughts(one.record) and _has_weights(one):
            written.append(thinking(one, suite, task, out, sample))
    return written


def chosen(filed: Sequence[Filed], shown: Sequence[str]) -> list[Filed]:
    """The records of the entries that are named; `UserError` for a name that none has."""
    names = sorted({f.record.model.id for f in filed})
    for pattern in shown:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise UserError(
                f"no entry with records here is called '{pattern}'; there are: {', '.join(names)}."
            )
    return [f for f in filed if any(fnmatchcase(f.record.model.id, pattern) for pattern in shown)]


def graded(suite: Suite, task: Task, path: Path, sample: int = 0) -> Path:
    """One sample of each level beside the others: for images the same one under more and more noise."""
    index: I64 = np.array([sample])
    batches = {level: task.draw("test", level, index) for level in suite.levels}
    shown = {level: (batch.input[0], batch.target[0]) for level, batch in batches.items()}
    return figures.samples(shown, path, title=f"{suite.name}: test sample {sample} at each level")


@torch.inference_mode()
def thinking(filed: Filed, suite: Suite, task: Task, out: Path, sample: int) -> Path:
    """What an entry answers after more and more iterations, on one sample of a hard level."""
    record = filed.record
    level = _typical(suite)
    found = entries.load(str(filed.path.parent.parent))
    spec = TaskSpec(task.name, task.in_channels, task.out_channels, suite.name)
    model = adapt(found.build(spec), found.needs).eval()
    model.tell(level)
    load_weights(model, _weights(filed))
    batch = task.draw("test", level, np.array([sample]))
    x, _ = task.tensors(batch)
    budgets = _spread_out(record, level)
    answers: dict[int, U8] = {}
    notes: dict[int, str] = {}
    state, seen = model.encode(x), model.recall(x)
    for iteration in range(1, budgets[-1] + 1):
        state = model.step(state, seen, iteration - 1)
        if iteration in budgets:
            decided = task.decide(task.final(model.decode(state, x), x))[0]
            answers[iteration] = (decided.permute(1, 2, 0) if decided.ndim == 3 else decided).numpy()
            notes[iteration] = _note(record, level, iteration)
    name = f"{record.model.id}-{record.variant}" if record.variant else record.model.id
    path = out / f"{suite.name}-thoughts-{name}.png"
    title = f"{record.title} on {suite.name}, level {level}: test sample {sample}"
    return figures.thoughts(batch.input[0], answers, batch.target[0], path, title=title, notes=notes)


def _has_thoughts(record: Record) -> bool:
    """One strip an entry: of its first seed, trained on the easy level and so scored at every one."""
    return record.model.iterative and record.training_seed == 0 and record.model.band != "ceiling"


def _typical(suite: Suite) -> str:
    """The hard level in the middle: hard enough to show, easy enough to see."""
    return suite.headline[len(suite.headline) // 2]


def _spread_out(record: Record, level: str) -> list[int]:
    """A handful of the budgets that were scored, the first and the last among them."""
    metric = record.task.metric
    cells = [c for c in record.cells if (c.level, c.metric, c.exit) == (level, metric, None)]
    budgets = sorted({cell.budget for cell in cells})
    if not budgets:
        raise UserError(f"{record.run_id} was not scored at level {level}; evaluate it at every level.")
    places = np.linspace(0, len(budgets) - 1, min(_SHOWN, len(budgets))).round().astype(int)
    return [budgets[place] for place in places]


def _note(record: Record, level: str, budget: int) -> str:
    """The entry's mean score at this budget over the whole level, to stand under the picture."""
    metric = record.task.metric
    cells = (
        c for c in record.cells if (c.level, c.metric, c.exit, c.budget) == (level, metric, None, budget)
    )
    cell = next(cells, None)
    return f"level mean {show(metric, cell.value)} {unit(metric)}" if cell else ""


def _weights(filed: Filed) -> Path:
    weights = filed.record.model.weights
    return filed.path.parent / weights.uri if weights else Path()


def _has_weights(filed: Filed) -> bool:
    return filed.record.model.weights is not None and _weights(filed).is_file()
