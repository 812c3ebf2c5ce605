"""The exit rules, told thoughts one by one."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from easy2hard import shelf
from easy2hard.exits import Thought, agreement, convergence, halt, last, max_confidence


def told(
    rule: object, decided: Sequence[Sequence[int]], sure: Sequence[Sequence[float]] = ()
) -> list[list[bool]]:
    """What a rule takes of thoughts over samples of one pixel: decided[t][sample]."""
    taken = []
    for t, values in enumerate(decided):
        certainty = torch.tensor(sure[t]).view(-1, 1, 1) if sure else None
        thought = Thought(t + 1, torch.tensor(values, dtype=torch.uint8).view(-1, 1, 1, 1), certainty)
        taken.append(rule.take(thought).tolist())  # type: ignore[attr-defined]
    return taken


def test_agreement_finds_any_earlier_answer_not_only_the_one_before() -> None:
    taken = told(agreement.Rule(), [[1, 1], [2, 2], [3, 1], [3, 5]])
    assert taken == [[False, False], [False, False], [False, True], [True, False]]


def test_agreement_wants_every_pixel_the_same() -> None:
    one = torch.arange(12, dtype=torch.uint8).view(1, 3, 2, 2)
    other = one.clone()
    other[0, 2, 1, 1] += 1
    rule = agreement.Rule()
    assert [rule.take(Thought(t, image, None)).item() for t, image in enumerate((one, other, one), 1)] == [
        False,
        False,
        True,
    ]


def test_agreement_tells_a_picture_from_its_rearrangement() -> None:
    rule = agreement.Rule()
    image = torch.arange(12, dtype=torch.uint8).view(1, 3, 2, 2)
    rule.take(Thought(1, image, None))
    assert not rule.take(Thought(2, image.flip(3), None)).item()


def test_convergence_on_images_allows_a_step_of_one_either_way() -> None:
    taken = told(convergence.Rule(), [[0, 255, 10], [1, 254, 12], [1, 254, 11]])
    assert taken == [[False] * 3, [True, True, False], [True, True, True]]


def test_convergence_on_images_does_not_wrap_around() -> None:
    assert told(convergence.Rule(), [[0, 255], [255, 0]])[1] == [False, False]


def test_convergence_on_masks_looks_at_the_certainty_alone() -> None:
    rule = convergence.Rule()
    assert told(rule, [[0, 0], [1, 1]], [[0.6, 0.6], [0.6009, 0.6012]])[1] == [True, False]


def test_max_confidence_takes_every_new_best_and_no_equal() -> None:
    rule = max_confidence.Rule()
    taken = told(rule, [[0, 0]] * 4, [[0.5, 0.9], [0.7, 0.8], [0.7, 0.95], [0.6, 0.99]])
    assert taken == [[True, True], [True, False], [False, True], [False, True]]


def test_halt_takes_what_the_model_calls_final_with_a_chance_of_a_half() -> None:
    decided = torch.zeros(4, 1, 1, 1, dtype=torch.uint8)
    chances = torch.tensor([0.0, 0.49, 0.5, 1.0])
    assert halt.Rule().take(Thought(1, decided, halting=chances)).tolist() == [False, False, True, True]


def test_last_takes_nothing() -> None:
    assert told(last.Rule(), [[1, 2], [1, 2]]) == [[False, False]] * 2


@pytest.mark.parametrize("name", shelf.names("exits"))
def test_a_rule_forgets_the_samples_that_left(name: str) -> None:
    """Told of some samples only, a rule takes what it takes of those among all."""
    torch.manual_seed(0)
    decided = torch.randint(0, 3, (8, 6, 1, 2, 2), dtype=torch.uint8)
    sure = 0.5 + 0.001 * torch.rand(8, 6, 2, 2)
    done = torch.rand(8, 6)
    kept = torch.tensor([4, 1, 5])
    all_, some = shelf.take("exits", name).Rule(), shelf.take("exits", name).Rule()

    def tell(rule: object, t: int, rows: Tensor) -> list[bool]:
        thought = Thought(t + 1, decided[t, rows], sure[t, rows], done[t, rows])
        return rule.take(thought).tolist()  # type: ignore[attr-defined]  # any rule

    everybody = torch.arange(6)
    for t in range(3):
        assert tell(all_, t, everybody) == tell(some, t, everybody)
    some.keep(kept)
    for t in range(3, 8):
        assert tell(some, t, kept) == torch.tensor(tell(all_, t, everybody))[kept].tolist()
