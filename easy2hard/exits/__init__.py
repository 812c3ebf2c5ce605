"""An exit rule says which thought is taken as the answer. Each is one file with a class `Rule`.

A rule is made afresh for each batch and told every thought in turn; it says for which samples this thought is
(from now on) the answer. `FINAL` says whether a sample that took one is finished. A sample for which no thought was
taken within a budget answers with the thought at the budget. A module's `NEEDS` names what its rule wants a thought
to say besides the answer; it does not apply where thoughts say nothing of it.
"""

from typing import ClassVar, NamedTuple, Protocol

from torch import Tensor


class Thought(NamedTuple):
    """What a model answers after one iteration, as a rule sees it."""

    iteration: int  # 1, 2, …
    decided: Tensor  # uint8, batch first: the answer as it would be saved
    certainty: Tensor | None = (
        None  # (n, height, width): how sure each pixel is; None where answers do not say
    )
    halting: Tensor | None = (
        None  # (n,): the model's own chance that this is final; None where it does not say
    )


class Rule(Protocol):
    FINAL: ClassVar[bool]

    def take(self, thought: Thought) -> Tensor:
        """(n,) bool: the samples whose answer this thought becomes."""
        ...

    def keep(self, rows: Tensor) -> None:
        """Forget all samples but `rows` (indices into the present batch): the others have left it."""
        ...
