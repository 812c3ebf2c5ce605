"""How long work says that it is under way: one callable, told after each piece."""

from collections.abc import Callable
from typing import NamedTuple


class Step(NamedTuple):
    """How far a piece of work has come."""

    stage: str  # what is being done, as a person would say it
    done: int
    total: int
    figures: dict[str, float]  # what is worth a look meanwhile: loss, samples/s
    note: str = ""  # a sentence to say once


Listener = Callable[[Step], None]


def silent(step: Step) -> None:
    """A listener that says nothing."""
