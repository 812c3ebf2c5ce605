"""Pictures: scores against iterations and levels, the thoughts of a model, the samples of a suite.

Every function writes one PNG, whole or not at all, and returns its path. Colours are Okabe and Ito's,
which colour-blind readers can tell apart, and every line has a marker or dashes of its own besides.
matplotlib is imported on first use and without pyplot: no global state, and no display.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from easy2hard import atomic
from easy2hard.archive import Filed, Seeds, find_identity
from easy2hard.errors import UserError
from easy2hard.record import Asked, Record
from easy2hard.units import label, scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = "osD^vPX"
_DASHES = ((0, (6, 2)), (0, (2, 2)), (0, (7, 2, 1, 2)), (0, (1, 1)), (0, (12, 3)), (0, (4, 1, 1, 1, 1, 1)))
_GREY, _PALE = "#6B6B6B", "#E4E4E4"
_STYLE: Any = {
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _PALE,
    "lines.linewidth": 1.7,
    "lines.markersize": 4.5,
    "legend.frameon": False,
}


class _Line(NamedTuple):
    """An entry as it is drawn."""

    seeds: Seeds
    style: dict[str, Any]

    @property
    def iterates(self) -> bool:
        return self.seeds.record.model.iterative

    @property
    def title(self) -> str:
        return self.seeds.record.title


def curves(
    records: Sequence[Record], path: Path, *, level: str | None = None, metric: str | None = None
) -> Path:
    """Score against iterations, in one panel for `level` or one for each; bands are ± 1 standard deviation over seeds.

    A ring marks the training budget. Floors, and entries that do not iterate, are horizontal lines.
    Raises `UserError` for records of different suites or tracks, or a level that they do not have.
    """
    task = _one_task(records)
    if level is not None and level not in task.levels:
        raise UserError(f"there is no level {level} in these records; there are: {', '.join(task.levels)}.")
    metric, shown = metric or task.metric, [level] if level else list(task.levels)
    lines = _lines(records)
    with _panels(path, len(shown), f"{_heading(records)}: score against iterations") as (figure, axes):
        for panel, (axis, at) in enumerate(zip(axes, shown, strict=True)):
            budgets = {b for line in lines if line.iterates for b in _budgets(line.seeds.record, at, metric)}
            for line in lines:
                _draw_curve(axis, line, at, metric, max(budgets, default=1))
            _ticks(axis, sorted(budgets) or [1], most=8 if len(shown) > 1 else 14)
            axis.set(title=f"level {at} ({task.levels[at].kind})", xlabel="iterations")
            axis.set_ylabel("" if panel % 3 else label(metric))
        ring = {"marker": "o", "mfc": "none", "mec": "black", "ms": 9, "ls": "none"}
        _legend(figure, axes, {"training budget": ring} if any(line.iterates for line in lines) else {})
    return path


def levels(records: Sequence[Record], path: Path, *, metric: str | None = None) -> Path:
    """Score of the declared answer against level; the levels trained on are shaded.

    Floors are dashed. Hollow triangles are ceilings: the same model, trained on that level. Raises
    `UserError` for records of different suites or tracks.
    """
    task = _one_task(records)
    metric, shown = metric or task.metric, list(task.levels)
    ceilings = [record for record in records if _is_ceiling(record)]
    lines = _lines(records)
    with _panels(path, 1, f"{_heading(records)}: score of the declared answer") as (figure, axes):
        axis, moved = axes[0], sum("marker" in line.style for line in lines)
        easy = [at for at, name in enumerate(shown) if task.levels[name].kind == "easy"]
        axis.axvspan(min(easy) - 0.5, max(easy) + 0.5, color="#F1F1F1", zorder=0)
        for number, line in enumerate(lines):
            aside = 0.03 * (number - (moved - 1) / 2)  # keeps the bars of equal scores apart
            _draw_levels(axis, line, shown, metric, aside if number < moved else 0.0)
        for record in ceilings:
            _draw_ceiling(axis, record, lines, shown, metric)
        axis.set_xticks(range(len(shown)), [f"{at}\n{task.levels[at].kind}" for at in shown])
        axis.set(xlabel="level", ylabel=label(metric), xlim=(-0.5, len(shown) - 0.5))
        shade = {"marker": "s", "color": "#E4E4E4", "ms": 10, "ls": "none"}
        hollow = {"marker": "^", "mfc": "white", "mec": "black", "ms": 7, "ls": "none"}
        ceiling = {"ceiling, trained there": hollow} if ceilings else {}
        _legend(figure, axes, {"levels trained on": shade, **ceiling})
    return path


def thoughts(
    image: U8, answers: Mapping[int, U8], target: U8, path: Path, *, title: str, notes: Mapping[int, str] = {}
) -> Path:
    """One sample as a strip: the input, the answer after each iteration, and the target.

    Images are uint8 (height, width, 3), masks (height, width) of 0 and 1. `notes` stand under the answers,
    such as their PSNR.
    """
    if not answers:
        raise UserError("a strip of thoughts needs at least one iteration.")
    shown = [
        ("input", image, ""),
        *((f"iteration {i}", answers[i], notes.get(i, "")) for i in sorted(answers)),
    ]
    with _pictures(path, 1, len(shown) + 1, title) as axes:
        for axis, (name, picture, note) in zip(axes[0], [*shown, ("target", target, "")], strict=True):
            _picture(axis, picture, title=name, below=note)
    return path


def samples(graded: Mapping[str, tuple[U8, U8]], path: Path, *, title: str) -> Path:
    """A graded sample of a suite: its inputs from level to level, and the targets below them.

    `graded` holds input (height, width, 3) and target (the same, or a mask of 0 and 1) of each level.
    """
    if not graded:
        raise UserError("a picture of samples needs at least one level.")
    with _pictures(path, 2, len(graded), title) as axes:
        for column, (level, (image, target)) in enumerate(graded.items()):
            _picture(axes[0][column], image, title=f"level {level}")
            _picture(axes[1][column], target)
        for row, name in enumerate(("input", "target")):
            axes[row][0].set_ylabel(name)
    return path


def _one_task(records: Sequence[Record]) -> Asked:
    """The task of the records, with the levels of all of them from the easiest on."""
    asked = {(record.task.suite, record.track) for record in records}
    if len(asked) != 1:
        named = ", ".join(sorted(f"{suite} ({track})" for suite, track in asked)) or "none"
        raise UserError(f"a figure shows the records of one suite and track; got {named}.")
    found = {level: data for record in records for level, data in record.task.levels.items()}
    ordered = {level: found[level] for level in sorted(found, key=float)}
    return records[0].task.model_copy(update={"levels": ordered})


def _heading(records: Sequence[Record]) -> str:
    return f"{records[0].task.suite}, {records[0].track} track"


def _is_ceiling(record: Record) -> bool:
    return record.model.band == "ceiling" and record.train is not None


def _lines(records: Sequence[Record]) -> list[_Line]:
    """One line per entry and recipe, floors last; a failed seed counts as identity where that is among the records."""
    groups: dict[tuple[bool, str, str], list[Filed]] = {}
    for record in sorted(records, key=lambda record: record.training_seed):
        if not _is_ceiling(record):
            key = (record.model.band in ("floor", "ceiling"), record.model.id, record.variant)
            groups.setdefault(key, []).append(Filed(record, Path(record.filename)))
    identity = find_identity([filed for group in groups.values() for filed in group])
    lines, drawn = [], [0, 0]
    for (reference, *_), group in sorted(groups.items()):
        lines.append(_Line(Seeds(tuple(group), identity), _look(drawn[reference], reference)))
        drawn[reference] += 1
    for line in lines:
        if line.seeds.fault:
            raise UserError(line.seeds.fault)
    return lines


def _look(number: int, reference: bool) -> dict[str, Any]:
    """The colour and marker of the n-th entry, or the dashes of the n-th floor."""
    if reference:
        return {"color": _GREY, "linestyle": _DASHES[number % len(_DASHES)], "linewidth": 1.3}
    turn = number // len(_COLOURS)
    return {"color": _COLOURS[number % len(_COLOURS)], "marker": _MARKERS[(number + turn) % len(_MARKERS)]}


def _budgets(record: Record, level: str, metric: str) -> list[int]:
    """The fixed budgets that a record has at a level."""
    return sorted({c.budget for c in record.cells if (c.level, c.metric, c.exit) == (level, metric, None)})


def _mean(seeds: Seeds, level: str, metric: str, budget: int | None = None) -> tuple[float, float]:
    """Mean and standard deviation over seeds, in the metric's unit; not a number where there is none."""
    values = np.array([cell.value for cell in seeds.cells(level, metric, budget)]) * scale(metric)
    if not len(values):
        return float("nan"), float("nan")
    return float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else 0.0


def _draw_curve(axis: "Axes", line: _Line, level: str, metric: str, largest: int) -> None:
    """An entry over its budgets, or, where it does not iterate, its one answer as a horizontal line."""
    if not line.iterates:
        value, _ = _mean(line.seeds, level, metric)
        look = {"linestyle": "-."} | line.style  # its marker stands at both ends
        axis.plot([1, largest], [value, value], label=line.title, zorder=1, **look)
        return
    budgets = _budgets(line.seeds.record, level, metric)
    curve: F64 = np.array([_mean(line.seeds, level, metric, budget) for budget in budgets]).reshape(-1, 2)
    axis.plot(budgets, curve[:, 0], label=line.title, zorder=3, **line.style)
    low, high = curve[:, 0] - curve[:, 1], curve[:, 0] + curve[:, 1]
    axis.fill_between(budgets, low, high, color=line.style["color"], alpha=0.14, linewidth=0, zorder=2)
    trained = line.seeds.record.model.train_iterations
    if trained in budgets:
        at = curve[budgets.index(trained), 0]
        axis.plot(trained, at, marker="o", ms=9, mfc="none", mec=line.style["color"], mew=1.6, zorder=4)


def _draw_levels(axis: "Axes", line: _Line, shown: Sequence[str], metric: str, aside: float) -> None:
    values: F64 = np.array([_mean(line.seeds, level, metric) for level in shown])
    spread = values[:, 1] if len(line.seeds.filed) > 1 else None
    axis.errorbar(
        np.arange(len(shown)) + aside, values[:, 0], spread, label=line.title, capsize=3, **line.style
    )


def _draw_ceiling(
    axis: "Axes", record: Record, lines: Sequence[_Line], shown: Sequence[str], metric: str
) -> None:
    """A hollow triangle for each level that a ceiling was trained on, in the colour of its entry."""
    colours = {line.title: line.style["color"] for line in lines}
    for level in record.train.levels if record.train else ():
        cell = record.answer_cell(level, metric)
        if cell and level in shown:
            look = {"mfc": "white", "mec": colours.get(record.title, "black"), "ms": 7, "mew": 1.6}
            axis.plot(shown.index(level), cell.value * scale(metric), marker="^", ls="none", zorder=5, **look)


def _ticks(axis: "Axes", budgets: Sequence[int], most: int) -> None:
    """A logarithmic axis that names budgets from the largest down, at most about `most` of them."""
    apart = (budgets[-1] / budgets[0]) ** (1 / most)
    named: list[int] = []
    for budget in reversed(budgets):
        if not named or budget * max(apart, 1.3) <= named[-1]:
            named.append(budget)
    axis.set_xscale("log")
    axis.set_xticks(named, [str(budget) for budget in named])
    axis.set_xticks([], minor=True)
    axis.set_xlim(budgets[0] / 1.12, max(budgets[-1], 2) * 1.12)


@contextmanager
def _drawing(path: Path, size: tuple[float, float], title: str, **style: Any) -> Iterator["Figure"]:
    """A figure in the house's style, whatever the user's own, saved when the block ends."""
    from matplotlib import rc_context, rcdefaults, rcParams
    from matplotlib.figure import Figure

    with rc_context():
        rcdefaults()
        rcParams.update(_STYLE | style)
        figure = Figure(figsize=size, layout="constrained")
        figure.suptitle(title)
        yield figure
        with atomic.replacing(
            path
        ) as temporary:  # no version of matplotlib in the file: same picture, same bytes
            figure.savefig(temporary, format="png", dpi=150, metadata={"Software": None})


@contextmanager
def _panels(path: Path, count: int, title: str) -> Iterator[tuple["Figure", list["Axes"]]]:
    """A figure of `count` panels, at most three in a row."""
    columns = min(count, 3)
    rows = -(-count // columns)
    size = (7.2 if columns == 1 else 3.6 * columns, 3.4 if rows == 1 else 2.9 * rows)
    with _drawing(path, size, title) as figure:
        grid = figure.subplots(rows, columns, squeeze=False)
        for axis in grid.flat[count:]:
            axis.remove()
        yield figure, list(grid.flat[:count])


def _legend(figure: "Figure", axes: Sequence["Axes"], extra: Mapping[str, Mapping[str, Any]]) -> None:
    """One legend for all panels, below them, where it covers nothing; the figure grows by its height."""
    from matplotlib.lines import Line2D

    handles, labels = axes[0].get_legend_handles_labels()
    handles += [Line2D([], [], **look) for look in extra.values()]
    labels += list(extra)
    fit = int(figure.get_figwidth() / (0.6 + 0.075 * max(map(len, labels))))
    columns = min(max(fit, 1), len(labels))
    figure.set_figheight(figure.get_figheight() + 0.2 + 0.22 * -(-len(labels) // columns))
    figure.legend(handles, labels, loc="outside lower center", ncols=columns)


@contextmanager
def _pictures(path: Path, rows: int, columns: int, title: str) -> Iterator[list[list["Axes"]]]:
    """A grid of square pictures."""
    style = {"axes.grid": False, "figure.constrained_layout.hspace": 0.01}
    with _drawing(path, (1.6 * columns + 0.2, 1.58 * rows + 0.75), title, **style) as figure:
        yield [list(row) for row in figure.subplots(rows, columns, squeeze=False)]


def _picture(axis: "Axes", picture: U8, *, title: str = "", below: str = "") -> None:
    """An image, or a mask in black and white, every pixel a square."""
    mask = picture.ndim == 2
    axis.imshow(
        picture, cmap="gray" if mask else None, vmin=0, vmax=1 if mask else 255, interpolation="nearest"
    )
    axis.set(title=title, xlabel=below, xticks=[], yticks=[])
    for spine in axis.spines.values():
        spine.set(visible=True, color=_GREY, linewidth=0.6)
