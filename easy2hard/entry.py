"""An entry: what competes. A folder of `submissions/` with a `model.py` and a card, or any `my_model.py`."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from pydantic import ValidationError

from easy2hard import shelf
from easy2hard.card import Card, read_card
from easy2hard.errors import UserError
from easy2hard.recipe import Recipe, recipes_of
from easy2hard.suite import explain


class TaskSpec(NamedTuple):
    """What `build` is told of the task."""

    name: str
    in_channels: int
    out_channels: int
    suite: str


@dataclass(frozen=True)
class Entry:
    """An entry as it was found: its code is imported, nothing is built yet."""

    name: str
    path: Path  # of its model.py
    card: Card | None
    build: Callable[[TaskSpec], object]
    recipes: Mapping[str, Recipe] = field(default_factory=dict)  # empty: nothing to train
    needs: tuple[str, ...] = ()  # what its model is told of the images
    train: Callable[..., None] | None = None  # its own training, train(model, task, batches, seed)
    sha256: str = ""  # of the file as it was when it was imported; empty for an object, which has none

    def recipe(self, name: str | None) -> tuple[str, Recipe] | None:
        """The recipe called `name`, by default `quick` or the only one; None where there is nothing to train."""
        if not self.recipes:
            if name is not None:
                raise UserError(f"{self.name} has no recipes: it does not learn; leave --recipe out.")
            return None
        chosen = name or ("quick" if "quick" in self.recipes else next(iter(self.recipes)))
        if chosen not in self.recipes:
            raise UserError(f"{self.name} has no recipe '{chosen}'; it has: {', '.join(self.recipes)}.")
        return chosen, self.recipes[chosen]


def folder() -> Path:
    """Where the entries lie: inside the package in a wheel, beside it in a checkout."""
    inside = Path(__file__).parent / "submissions"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "submissions"


def names() -> list[str]:
    """The entries that come with the package."""
    return sorted(file.parent.name for file in folder().glob("*/model.py"))


def card(name: str) -> Card:
    """The card of an entry that comes with the package."""
    return read_card(folder() / name / "README.md")


def load(name: str | Path) -> Entry:
    """The entry called `name`, or the one in a folder or file: its code is imported, which runs it.

    Raises `UserError` where there is none, it does not import, or has no `build`.
    """
    path = _find(str(name)).resolve()
    code = sha256(path.read_bytes()).hexdigest()
    try:
        module = shelf.load_file(path)
    except UserError:
        raise
    except ValidationError as error:
        raise UserError(f"{path}: a {error.title} is not valid: {explain(error, Recipe)}") from error
    except Exception as error:
        raise UserError(f"{path} cannot be imported: {type(error).__name__}: {error}.") from error
    build = getattr(module, "build", None)
    if build is None and callable(getattr(module, "answer", None)):
        build = _build_function(module.answer)
    if not callable(build) or not _takes_a_task(build):
        raise UserError(f"{path} needs a function build(task) that returns the model, or answer(x, task).")
    recipes = recipes_of(path, module)
    readme = path.parent / "README.md"
    own_folder = path.name == "model.py"
    return Entry(
        name=path.parent.name if own_folder else path.stem,
        path=path,
        card=read_card(readme) if own_folder and readme.is_file() else None,
        build=build,
        recipes=recipes,
        needs=_needs(path, module),
        train=_own_training(path, module, recipes),
        sha256=code,
    )


def _takes_a_task(build: Callable[..., object]) -> bool:
    """Whether it can be called as build(task); further parameters with defaults are its own."""
    try:
        inspect.signature(build).bind(None)
    except (TypeError, ValueError):  # the second: of a builtin, which states no parameters
        return False
    return True


def _build_function(answer: Callable[..., Any]) -> Callable[[TaskSpec], object]:
    """`build` of an entry that is a pure function of (x, task), and of what else it is told."""
    return lambda task: lambda x, *told: answer(x, task, *told)


def _needs(path: Path, module: ModuleType) -> tuple[str, ...]:
    needs = getattr(module, "needs", ())
    if not isinstance(needs, tuple) or not set(needs) <= {"level"}:
        raise UserError(f'{path}: needs is ("level",) or left out; got {needs!r}.')
    return needs


def _own_training(
    path: Path, module: ModuleType, recipes: Mapping[str, Recipe]
) -> Callable[..., None] | None:
    """The function `train` of a file; it needs a recipe, which sizes its batches."""
    train: Callable[..., None] | None = getattr(module, "train", None)
    if train is None:
        return None
    given = list(inspect.signature(train).parameters)
    if len(given) != 4:
        raise UserError(
            f"{path}: train(model, task, batches, seed) is an entry's own training; got train({', '.join(given)}). "
            "Give another function another name."
        )
    if not recipes:
        raise UserError(f"{path} has train(...) and no recipe, which would size its batches; add one.")
    return train


def _find(name: str) -> Path:
    path = Path(name)
    if name.endswith(".py"):
        if path.is_file():
            return path
        raise UserError(f"there is no file {path}.")
    for candidate in (path / "model.py", folder() / name / "model.py"):
        if candidate.is_file():
            return candidate
    raise UserError(
        f"there is no entry '{name}'; there are: {', '.join(names())}, or give the path of a .py file."
    )
