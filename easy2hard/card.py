"""A card: the facts of an entry, from the head of its README.md."""

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from easy2hard.errors import UserError
from easy2hard.record import Band
from easy2hard.suite import explain


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


def read_card(path: Path) -> Card:
    """The card at the head of a README.md, between two lines `---`; `UserError` where it is not valid."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    parts = text.split("---\n", 2)
    if len(parts) < 3 or parts[0]:
        needed = ", ".join(name for name, field in Card.model_fields.items() if field.is_required())
        raise UserError(
            f"{path} must begin with a card: YAML between two lines of ---, with at least {needed}."
        )
    try:
        return Card.model_validate(yaml.safe_load(parts[1]))
    except (yaml.YAMLError, ValidationError) as error:
        reason = explain(error, Card) if isinstance(error, ValidationError) else " ".join(str(error).split())
        raise UserError(f"{path}: the card is not valid: {reason}") from error
