"""An entry: what competes. A folder of `submissions/` with a `model.py` and a card, or any `my_model.py`."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal, NamedTuple, Self, get_type_hints

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from easy2hard import shelf
from easy2hard.errors import UserError
from easy2hard.record import Band
from easy2hard.suite import check_answer, explain

_Positive = Annotated[float, Field(gt=0)]
_Whole = Annotated[int, Field(ge=1)]
_Option = bool | int | float | str


class Recipe(BaseModel):
    """How an entry trains. Losses are absolute weights; one that is not named is 0."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: _Positive = 20  # passes over the training rows; a fraction is allowed
    rows: _Whole | None = None  # the first so many training rows of each easy level; None: all
    batch_size: _Whole = 50
    optimizer: Literal["adam", "sgd"] = "adam"
    lr: _Positive = 1e-3
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9  # SGD alone
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.0  # share of the steps in which lr rises from 0
    clip: _Positive | None = 1.0  # largest norm of the gradient
    train_iterations: _Whole = 5
    horizon: _Whole | None = None  # m of the progressive loss; None: train_iterations
    losses: dict[str, Annotated[float, Field(ge=0)]] = {"fixed": 1.0}
    options: dict[str, dict[str, _Option]] = {}  # of losses, such as {"similarity": {"gamma": 0.8}}
    fresh: bool = True  # noise (or mazes) drawn anew in every epoch; False: the stored ones again
    select: Literal["last", "best"] = "last"  # which weights: the last, or the best on easy validation
    answer: int | str | dict[str, int | str] | None = (
        None  # declared before hard data; per suite where a table
    )

    @model_validator(mode="after")
    def _declares(self) -> Self:
        for answer in self.answer.values() if isinstance(self.answer, dict) else [self.answer]:
            if answer is not None:
                check_answer(answer)
        return self

    def answer_on(self, suite: str, default: int | str) -> str:
        """The declared answer on a suite: the recipe's own, or the suite's."""
        answer = self.answer.get(suite) if isinstance(self.answer, dict) else self.answer
        return str(default if answer is None else answer)


class Card(BaseModel):
    """The facts of an entry, from the head of its README.md; readable without importing its code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    summary: str
    source: str
    authors: str = "easy2hard contributors"
    licence: str = "MIT"
    paper: str | None = None
    band: Band = "entry"
    task: Literal["denoise", "maze"]
    suites: tuple[str, ...] = ()  # where it makes sense; empty: every suite of its task
    parameters: int | None = None
    macs_fixed: int | None = None  # per sample of the easy level
    macs_per_iteration: int | None = None
    needs: tuple[Literal["level"], ...] = ()  # what it is told of its images
    own_training: bool = False  # it brings its own, in place of the harness's loop


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


def read_card(path: Path) -> Card:
    """The card at the head of a README.md, between two lines `---`; `UserError` where it is not valid."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    parts = text.split("---\n", 2)
    if len(parts) < 3 or parts[0]:
        raise UserError(
            f"{path} must begin with a card: YAML between two lines of ---; see {folder()}/dt/README.md."
        )
    try:
        return Card.model_validate(yaml.safe_load(parts[1]))
    except (yaml.YAMLError, ValidationError) as error:
        reason = explain(error, Card) if isinstance(error, ValidationError) else " ".join(str(error).split())
        raise UserError(f"{path}: the card is not valid: {reason}") from error


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
    recipes = _recipes(path, module)
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


def _recipes(path: Path, module: ModuleType) -> dict[str, Recipe]:
    """The recipes of a file: `recipes`, a table by name, or `recipe`, a single one."""
    recipes = getattr(module, "recipes", None) or {}
    if not isinstance(recipes, Mapping):
        raise UserError(
            f"{path}: recipes is a table, name -> Recipe; got {type(recipes).__name__}. Call a single one recipe."
        )
    if not recipes and getattr(module, "recipe", None) is not None:
        recipes = {"default": module.recipe}
    for key, recipe in recipes.items():
        _check_recipe(path, key, recipe)
    return dict(recipes)


def _check_recipe(path: Path, key: object, recipe: Any) -> None:
    if not (isinstance(key, str) and re.fullmatch(r"[A-Za-z0-9][\w.-]*", key)):
        raise UserError(
            f"{path}: a recipe's name goes into file names, so it is text of letters, digits, '.', '_' and '-'; "
            f"got {key!r}."
        )
    if not isinstance(recipe, Recipe):
        raise UserError(f"{path}: recipe '{key}' must be an easy2hard.Recipe; got {type(recipe).__name__}.")
    unknown = sorted(set(recipe.losses) - set(shelf.names("losses")))
    if unknown:
        known = ", ".join(shelf.names("losses"))
        raise UserError(
            f"{path}: recipe '{key}' has the unknown loss {', '.join(unknown)}; there are: {known}."
        )
    if not any(recipe.losses.values()):
        raise UserError(f"{path}: recipe '{key}' has no loss above 0, so nothing would be learnt.")
    _check_options(path, key, recipe)


def _check_options(path: Path, key: str, recipe: Recipe) -> None:
    """Options are of losses that the recipe has, under the names and of the types of the loss's own parameters."""
    for loss, options in recipe.options.items():
        if loss not in recipe.losses:
            raise UserError(f"{path}: recipe '{key}' has options of the loss {loss}, but no such loss.")
        function = shelf.take("losses", loss).loss
        _, *known = inspect.signature(function).parameters
        if unknown := sorted(set(options) - set(known)):
            there_are = f"it has: {', '.join(known)}" if known else "it has none"
            raise UserError(
                f"{path}: recipe '{key}': the loss {loss} has no option {', '.join(unknown)}; {there_are}."
            )
        kinds = get_type_hints(function)
        for option, value in options.items():
            if not _is_of(kinds.get(option, Any), value):
                raise UserError(
                    f"{path}: recipe '{key}': the option {option} of the loss {loss} must be "
                    f"{inspect.formatannotation(kinds[option])}; got {value!r}."
                )


def _is_of(kind: Any, value: object) -> bool:
    """Whether a value is of an annotation's kind: a whole number is a float too, a bool is no number."""
    try:
        TypeAdapter(kind).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


__all__ = ["Card", "Entry", "Recipe", "TaskSpec", "card", "folder", "load", "names", "read_card"]
