"""`list`: the suites, the models, and what is on each shelf."""

from itertools import product
from typing import Annotated, cast

import typer

from easy2hard import screen, shelf
from easy2hard.cli.options import Json
from easy2hard.errors import UserError
from easy2hard.units import show_count

_SHELVES = ("noise", "images", "tasks", "metrics", "exits", "losses")
_BANDS = {"entry": "entries", "augmented": "augmented entries", "floor": "floors", "ceiling": "ceilings"}
_SAMPLES = {"denoise": "an image of 3x32x32", "maze": "a maze of size 9, 3x24x24"}  # what the cards count on

_Table = tuple[list[str], list[list[object]]]


def list_(
    what: Annotated[str, typer.Argument(help="suites, models, or a shelf: noise, images, losses, …")] = "",
    as_json: Json = False,
) -> None:
    """Show the suites, the models (entries), and what is on each shelf.

    With --json a model is {name, parameters, macs, source, …}: macs are the multiply-accumulates of an answer on one
    sample of the easy level, a number, or {fixed, per_iteration} where they depend on how many iterations it runs.
    Where nobody has counted them, as those of some classical filters, they are null, on the screen a dash.

    Example: easy2hard list models
    """
    tables = _listing(what)
    if as_json:
        found = {
            name: [dict(zip(columns, row, strict=True)) for row in rows]
            for name, (columns, rows) in tables.items()
        }
        for model in found.get("models", []):
            fixed, each = model["macs_fixed"], model["macs_per_iteration"]
            macs = {"fixed": fixed, "per_iteration": each} if each else fixed  # None: not counted
            model |= {"name": model["model"], "macs": macs}
        screen.print_json(found)
        return
    if "models" in tables:
        _show_models(tables.pop("models"))
    for name, (columns, rows) in tables.items():
        screen.table(name, columns, rows)
        screen.out.print()


def _listing(what: str) -> dict[str, _Table]:
    """The tables that `list` shows, from definitions and cards alone: no model is built."""
    wanted = [what] if what else ["suites", "models", *_SHELVES]
    if what and what not in ("suites", "models", *_SHELVES):
        raise UserError(
            f"there is nothing called '{what}' to list; there are: suites, models, {', '.join(_SHELVES)}."
        )
    tables = {name: _suite_table() for name in wanted if name == "suites"}
    tables |= {name: _model_table() for name in wanted if name == "models"}
    shelves: list[list[object]] = [
        [name, ", ".join(shelf.names(name))] for name in wanted if name in _SHELVES
    ]
    return tables | ({"shelves": (["shelf", "names"], shelves)} if shelves else {})


def _suite_table() -> _Table:
    from easy2hard import suite as suites

    read = [suites.read(name) for name in suites.names()]
    rows: list[list[object]] = [
        [s.name, " ".join(s.easy), " ".join(s.hard), s.metric, s.images or "", s.summary] for s in read
    ]
    return ["suite", "easy", "hard", "metric", "images", "summary"], rows


def _model_table() -> _Table:
    from easy2hard import entry as entries

    cards = {name: entries.card(name) for name in entries.names()}
    rows: list[list[object]] = [
        [name, c.task, c.band, c.parameters or 0, c.macs_fixed, c.macs_per_iteration, c.source]
        for name, c in cards.items()
    ]
    return ["model", "task", "band", "parameters", "macs_fixed", "macs_per_iteration", "source"], rows


def _show_models(models: _Table) -> None:
    """A table for each task and band, counts in three digits, so that it fits a terminal of 80 columns."""
    groups: dict[tuple[str, str], list[list[object]]] = {(t, b): [] for t, b in product(_SAMPLES, _BANDS)}
    for name, task, band, parameters, *counts, source in models[1]:
        shown = ["–" if count is None else show_count(cast("int", count)) for count in counts]
        groups[str(task), str(band)].append([name, f"{parameters:,}", *shown, source])
    for (task, band), rows in groups.items():
        if rows:
            title = f"models: {task}, {_BANDS[band]} (MACs on {_SAMPLES[task]})"
            screen.table(title, ["model", "parameters", "MACs", "per iteration", "source"], rows, fold=True)
            screen.out.print()
