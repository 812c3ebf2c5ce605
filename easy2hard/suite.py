"""A suite: a graded family of problems, read from one file of `generators/` and checked."""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from easy2hard import shelf
from easy2hard.errors import UserError

Split = Literal["train", "validation", "test"]
T = TypeVar("T")
_TRIED = (
    r"\[|^constrained-|^(str|int|float|bool)$"  # names that pydantic gives to one of several allowed types
)
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
Track = Literal["quick", "full"]
Kind = Literal["easy", "hard", "easier"]


def canonical(level: str | float | int) -> str:
    """A level as a plain decimal without trailing zeros: `0.10` -> `"0.1"`, `9.0` -> `"9"`."""
    try:
        number = Decimal(str(level).strip())
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        raise UserError(f"a level is a number such as 0.1 or 9; got '{level}'.")
    return f"{number.normalize():f}"


Level = Annotated[str, BeforeValidator(canonical)]
_Rows = Annotated[int, Field(ge=1)]
_Budgets = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rows(_Frozen):
    """How many samples a split has; a table gives the number from a level upwards."""

    train: _Rows
    validation: _Rows
    test: _Rows | dict[Level, _Rows]
    quick: _Rows | dict[Level, _Rows]


class Suite(_Frozen):
    """What is asked: the problems, which of them are easy, and the answer that ranks.

    `easy` levels are trained on; `hard` ones are only tested and make the headline, except those also
    listed in `named`, which are drawn and scored only when somebody names them; `easier` ones are
    scored beside the rest and never ranked. `answer` is the budget or exit rule whose answer ranks:
    a number, a rule, `"train"` (the budget that a model trained with) or `"last"` (the largest budget).
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    version: Annotated[int, Field(ge=1)]
    summary: str
    task: str
    seed: Annotated[int, Field(ge=0)]
    easy: Annotated[tuple[Level, ...], Field(min_length=1)]
    hard: Annotated[tuple[Level, ...], Field(min_length=1)]
    easier: tuple[Level, ...] = ()
    named: tuple[Level, ...] = ()
    budgets: _Budgets | dict[Level, _Budgets]
    answer: str | int
    metric: str
    metrics: tuple[str, ...]
    rows: Rows
    noise: str | None = None
    images: str | None = None
    size: int | None = None
    hub: str | None = None
    revision: str | None = None
    licence: str
    source: str

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        levels = self.easier + self.easy + self.hard
        if len(set(levels)) < len(levels):
            raise ValueError(f"a level may stand in one list only; got {', '.join(levels)}")
        if max(map(Decimal, self.easy)) >= min(map(Decimal, self.hard)):
            raise ValueError(
                f"every hard level must lie above every easy one; got {self.easy} and {self.hard}"
            )
        if not set(self.named) <= set(self.hard):
            raise ValueError(f"levels in `named` must be hard ones; got {self.named}")
        check_answer(self.answer)
        if self.metric not in self.metrics:
            raise ValueError(f"the ranking metric '{self.metric}' must stand in metrics; got {self.metrics}")
        for key in ("budgets", self.rows.test, self.rows.quick):
            table = self.budgets if key == "budgets" else key
            if isinstance(table, dict) and min(map(Decimal, table)) > min(map(Decimal, levels)):
                raise ValueError(
                    f"a table by level must begin at or below the lowest level; got {sorted(table)}"
                )
        return self

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels drawn and scored by default, from the easiest to the hardest."""
        return tuple(level for level in self.easier + self.easy + self.hard if level not in self.named)

    @property
    def headline(self) -> tuple[str, ...]:
        """The hard levels whose mean ranks."""
        return tuple(level for level in self.hard if level not in self.named)

    @property
    def reads_images(self) -> bool:
        """Whether its images come from outside: a folder or the Hub."""
        return self.images not in (None, "dead_leaves")

    def kind(self, level: str) -> Kind:
        """Whether `level` is easy, easier or hard; one that the suite does not list is judged by its size."""
        level = canonical(level)
        if level in self.easy:
            return "easy"
        if level in self.hard or Decimal(level) > max(map(Decimal, self.easy)):
            return "hard"
        return "easier"

    def splits(self, level: str) -> tuple[Split, ...]:
        """The splits drawn by default: all three at an easy level, the test split elsewhere."""
        return SPLITS if self.kind(level) == "easy" else ("test",)

    def split_rows(self, level: str, split: Split) -> int:
        """How many samples `split` has at `level`."""
        if split == "test":
            return _from_level(self.rows.test, level)
        return self.rows.train if split == "train" else self.rows.validation

    def scored_rows(self, level: str, track: Track) -> int:
        """How many of the first test samples of `level` a track scores."""
        full = self.split_rows(level, "test")
        return full if track == "full" else min(full, _from_level(self.rows.quick, level))

    def level_budgets(self, level: str) -> tuple[int, ...]:
        """The iteration budgets scored at `level`, ascending."""
        return tuple(sorted(_from_level(self.budgets, level)))

    def slug(self, level: str) -> str:
        """The level as it stands in folders and configs: mazes are padded so that names sort by size."""
        return level if self.noise else level.zfill(3)

    def config(self, level: str) -> str:
        """The name of the level's Hugging Face config, such as `sp-0.1` or `maze-009`."""
        return f"{self.name}-{self.slug(level)}"

    @property
    def protocol_digest(self) -> str:
        """Hash of what is scored and how; other levels, budgets or rows leave it as it is."""
        fields = {
            "name", "version", "task", "seed", "easy", "answer", "metric", "noise", "images", "size",
        }  # fmt: skip
        return _digest({"protocol": 1, **self.model_dump(mode="json", include=fields), **self._own_noise})

    @property
    def definition_digest(self) -> str:
        """Hash of what determines the samples' bits, apart from the level and the source images."""
        fields = {"version", "task", "seed", "noise", "images", "size"}
        return _digest({"data": 1, **self.model_dump(mode="json", include=fields), **self._own_noise})

    @property
    def _own_noise(self) -> dict[str, str]:
        """A noise from a user's file enters digests as its name and its content, wherever the file lies."""
        if self.noise is None or not self.noise.endswith(".py"):
            return {}
        path = Path(self.noise)
        if not path.is_file():
            raise UserError(f"suite {self.name}: there is no file {path} for its noise.")
        return {"noise": f"{path.name} {blake2b(path.read_bytes(), digest_size=16).hexdigest()}"}


def check_answer(answer: int | str) -> None:
    """Raise `ValueError` where `answer` is none that can rank: a budget, "train", or an exit rule."""
    if answer in ("train", *shelf.names("exits")) or (str(answer).isdecimal() and int(answer) >= 1):
        return
    rules = ", ".join(shelf.names("exits"))
    raise ValueError(
        f'an answer is a budget of at least 1, "train", or an exit rule ({rules}); got {answer!r}'
    )


def folder() -> Path:
    """Where the definitions lie: beside the code in a wheel, beside the package in a checkout."""
    inside = Path(__file__).parent / "generators"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "generators"


def names() -> list[str]:
    """The suites that come with the package."""
    return sorted(file.stem for file in folder().glob("*.toml"))


def read(name: str | Path) -> Suite:
    """The suite called `name`, or the one that the file `name` (a `.toml`) defines.

    Raises `UserError` with the valid names, or with the field at fault.
    """
    own = str(name).endswith(".toml")
    path = Path(name) if own else folder() / f"{name}.toml"
    if own and not path.is_file():
        raise UserError(f"there is no file {name}; the suites of the package are: {', '.join(names())}.")
    if not path.is_file():
        raise UserError(
            f"there is no suite '{name}'; there are: {', '.join(names())}, or give the path of a .toml file."
        )
    try:
        suite = Suite.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid TOML: {error}.") from error
    except ValidationError as error:
        raise UserError(
            f"{path}: {explain(error, Suite)} Each key is explained in {folder() / 'README.md'}."
        ) from error
    if suite.noise is not None and suite.noise.endswith(".py"):
        suite = suite.model_copy(update={"noise": str((path.parent / suite.noise).resolve())})
    return suite


def by_noise(noise: str, images: str | None = None) -> Suite:
    """The suite of a noise over an image source: `("sp", "cifar10")` is `sp-cifar10`.

    `noise` is a file of `easy2hard/noise/` or the name of a suite that uses it.
    """
    suites = [suite for suite in map(read, names()) if suite.noise]
    wanted = next((suite.noise for suite in suites if suite.name == noise), noise)
    images = images or "dead_leaves"
    same = [suite for suite in suites if suite.noise == wanted]
    if not same:
        known = sorted({suite.noise for suite in suites if suite.noise} | {s.name for s in suites})
        raise UserError(f"no suite has the noise '{noise}'; there are: {', '.join(known)}.")
    return with_images(same[0], images)


def with_images(suite: Suite, images: str) -> Suite:
    """The suite that asks the same of other images; the package's own definition where it has one."""
    if suite.noise is None:
        raise UserError(
            f"{suite.name} draws no images, so --images {images} means nothing for it; leave it out."
        )
    if images == suite.images:
        return suite
    if images not in shelf.names("images"):
        raise UserError(
            f"there is no image source '{images}'; there are: {', '.join(shelf.names('images'))}."
        )
    own = [read(name) for name in names()]
    if suite in own:  # a user's suite keeps its levels, rows and budgets
        sisters = [other for other in own if other.noise == suite.noise]
        for other in sisters:
            if other.images == images:
                return other
        suite = next((other for other in sisters if other.images == "dead_leaves"), suite)
    return suite.model_copy(
        update={
            "name": f"{suite.name}-{images.replace('_', '-')}",
            "images": images,
            "hub": None,
            "revision": None,
        }
    )


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """A validation error as one line: the fields at fault, and for an unknown one those that exist."""
    lines: dict[str, None] = {}
    for fault in error.errors():
        keys = [str(key) for key in fault["loc"] if not re.search(_TRIED, str(key))]
        where = ".".join(keys) or "the file"
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            message = f"unknown key; there are: {', '.join(_part(model, fault['loc'][:-1]).model_fields)}"
        lines[f"{where}: {message}"] = None
    return "; ".join(lines) + "."


def _part(model: type[BaseModel], where: Sequence[str | int]) -> type[BaseModel]:
    """The model of a table inside another, such as `rows`."""
    for key in where:
        field = model.model_fields.get(str(key))
        model = (field and _model_in(field.annotation)) or model
    return model


def _model_in(annotation: object) -> type[BaseModel] | None:
    """The model that an annotation names, by itself or inside `tuple[…]` or `… | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)


def _from_level(table: T | Mapping[str, T], level: str) -> T:
    """The value of the highest row at or below `level`; a bare value holds at every level."""
    if not isinstance(table, Mapping):
        return table
    below = [start for start in table if Decimal(start) <= Decimal(level)]
    return table[max(below or table, key=Decimal if below else lambda start: -Decimal(start))]


def _digest(content: Mapping[str, object]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return blake2b(text.encode(), digest_size=16).hexdigest()
