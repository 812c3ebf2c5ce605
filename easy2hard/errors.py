"""The one exception that stands for input which cannot be used, and the refusal of numbers that nothing can have."""

import math
from numbers import Integral, Real


class UserError(ValueError):
    """Says the rule, the values that broke it, and the next step.

    The command line prints the message alone and exits with code 2; a notebook sees a `ValueError`.
    """


class WrongAnswer(UserError):
    """What a model says cannot be used; it does not know whose model."""


def whole(what: str, *, least: int = 1, odd: bool = False, **given: int) -> None:
    """Raise `UserError` where a number that `what` is built of is not whole, too small, or even where odd is asked."""
    for name, value in given.items():
        known = isinstance(value, Integral) and not isinstance(value, bool)
        if not (known and value >= least and (value % 2 or not odd)):
            kind = "an odd whole number" if odd else "a whole number"
            raise UserError(f"{name} of {what} must be {kind}, {least} or more; got {value!r}.")


def positive(what: str, *, or_zero: bool = False, **given: float) -> None:
    """Raise `UserError` where a number that `what` is built of is not finite, or not above 0."""
    for name, value in given.items():
        known = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
        if not (known and (value > 0 or (or_zero and value == 0))):
            rule = "0 or more" if or_zero else "above 0"
            raise UserError(f"{name} of {what} must be a finite number, {rule}; got {value!r}.")
