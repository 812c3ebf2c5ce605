"""easy2hard: does a model get better at harder problems when it may think longer?

This is the face: it hands names on, and imports what they need when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from easy2hard.version import VERSION

if TYPE_CHECKING:
    from easy2hard.data import generate, load, stream
    from easy2hard.errors import UserError
    from easy2hard.evaluation import evaluate
    from easy2hard.models.recurrent import Recurrent
    from easy2hard.recipe import Recipe
    from easy2hard.record import Record
    from easy2hard.suite import Suite

__version__ = VERSION

_HOMES = {
    "Recipe": "easy2hard.recipe",
    "Record": "easy2hard.record",
    "Recurrent": "easy2hard.models.recurrent",
    "Suite": "easy2hard.suite",
    "UserError": "easy2hard.errors",
    "evaluate": "easy2hard.evaluation",
    "generate": "easy2hard.data",
    "load": "easy2hard.data",
    "stream": "easy2hard.data",
}

__all__ = [
    "Recipe",
    "Record",
    "Recurrent",
    "Suite",
    "UserError",
    "__version__",
    "evaluate",
    "generate",
    "load",
    "stream",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'easy2hard' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
