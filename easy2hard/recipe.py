"""A recipe: how an entry trains; and the check that a file's recipes are ones."""

import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal, Self, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from easy2hard import shelf
from easy2hard.errors import UserError
from easy2hard.suite import check_answer

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


def recipes_of(path: Path, module: ModuleType) -> dict[str, Recipe]:
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
