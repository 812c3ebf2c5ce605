"""What every file on a shelf has: its docstring, its names with their types, and the behaviour its shelf promises."""

import inspect
import random
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from easy2hard import shelf
from easy2hard.errors import UserError
from easy2hard.losses import Lesson
from easy2hard.models.ponder import PonderDT

FUNCTIONS = {
    "noise": {
        "normalise": ["level"],
        "apply": ["clean", "level", "key", "indices", "stream"],
        "stamp": ["level"],
    },
    "images": {"open": ["size", "key", "directory", "hub", "revision"]},
    "tasks": {"open": ["suite", "directory"]},
    "losses": {"loss": ["lesson"]},
    "metrics": {"score": ["final", "target"]},
    "exits": {},
    "models": {},
    "layers": {},
}
CONSTANTS: dict[str, dict[str, type]] = {
    "metrics": {"TITLE": str, "UNIT": str, "HIGHER_IS_BETTER": bool},
    "exits": {"NEEDS": tuple},
}
ENTRIES = [(name, entry) for name in FUNCTIONS for entry in shelf.names(name)]
BOTH = pytest.mark.parametrize(("name", "entry"), ENTRIES, ids=lambda part: part)


def only(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("entry", shelf.names(name))


@BOTH
def test_a_file_opens_with_a_docstring_that_says_what_it_is_for(name: str, entry: str) -> None:
    doc = shelf.take(name, entry).__doc__
    assert doc
    assert doc.splitlines()[0].endswith((".", ":", ","))


@BOTH
def test_a_file_has_the_functions_of_its_shelf_with_their_parameters(name: str, entry: str) -> None:
    module = shelf.take(name, entry)
    for function, wanted in FUNCTIONS[name].items():
        parameters = list(inspect.signature(getattr(module, function)).parameters.values())
        assert [parameter.name for parameter in parameters][: len(wanted)] == wanted
        more = parameters[len(wanted) :]
        assert all(parameter.default is not inspect.Parameter.empty for parameter in more)


@BOTH
def test_a_file_has_the_constants_of_its_shelf(name: str, entry: str) -> None:
    module = shelf.take(name, entry)
    for constant, kind in CONSTANTS.get(name, {}).items():
        assert isinstance(getattr(module, constant), kind)


def public(module: ModuleType) -> list[Callable[..., Any]]:
    """The functions and classes that a module defines for others."""
    return [
        value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and getattr(value, "__module__", None) == module.__name__
        and (inspect.isfunction(value) or inspect.isclass(value))
    ]


@BOTH
def test_what_a_file_hands_out_is_documented_and_typed(name: str, entry: str) -> None:
    for item in public(shelf.take(name, entry)):
        if inspect.isfunction(item) or issubclass(item, nn.Module):  # type: ignore[arg-type]
            assert item.__doc__, item
        if inspect.isfunction(item):
            signature = inspect.signature(item)
            assert signature.return_annotation is not inspect.Signature.empty, item
            assert all(p.annotation is not inspect.Parameter.empty for p in signature.parameters.values()), (
                item
            )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_shelf_says_what_its_files_have_in_common(name: str) -> None:
    module = __import__(f"easy2hard.{name}", fromlist=["x"])
    assert module.__doc__


@only("noise")
def test_a_noise_is_a_pure_function_of_key_stream_and_index(entry: str) -> None:
    noise = shelf.take("noise", entry)
    level = noise.normalise("0.1")
    clean = np.arange(6 * 8 * 8 * 3, dtype=np.uint8).reshape(6, 8, 8, 3)
    before, indices = clean.copy(), np.array([5, 0, 3, 9, 2**50, 1])
    noisy = noise.apply(clean, level, 7, indices)
    assert (noisy.dtype, noisy.shape) == (np.uint8, clean.shape)
    np.testing.assert_array_equal(clean, before)
    np.testing.assert_array_equal(noisy[2:4], noise.apply(clean[2:4], level, 7, indices[2:4]))
    assert (noisy != noise.apply(clean, level, 8, indices)).any()
    assert (noisy != noise.apply(clean, level, 7, indices, 1)).any()


@only("noise")
def test_a_noise_has_one_form_for_a_level_and_refuses_what_it_cannot_do(entry: str) -> None:
    noise = shelf.take("noise", entry)
    assert noise.normalise("0.10") == noise.normalise(0.1) == noise.normalise(noise.normalise("0.1")) == "0.1"
    for wrong in ("-1", "x", "nan"):
        with pytest.raises(UserError):
            noise.normalise(wrong)
    assert all(isinstance(value, str) for value in noise.stamp("0.1").values())


def lesson(model: nn.Module, seed: int) -> Lesson:
    torch.manual_seed(seed)
    x, target = torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16)

    def judge(answer: Tensor, target: Tensor, x: Tensor) -> Tensor:
        return (answer - target).square().mean()

    return Lesson(model, x, target, judge, 3, 3, random.Random(seed), second=lambda: torch.rand_like(x))  # type: ignore[arg-type]


@only("losses")
def test_a_loss_is_a_finite_number_with_a_gradient_and_no_luck_of_its_own(entry: str) -> None:
    torch.manual_seed(0)
    model, loss = PonderDT(3, 3, width=4), shelf.take("losses", entry).loss  # it says all that losses may ask
    first = loss(lesson(model, 0))
    assert first.shape == ()
    assert first.isfinite()
    first.backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
    assert loss(lesson(model, 0)).item() == first.item()


@only("exits")
def test_a_rule_takes_one_truth_per_sample_and_starts_afresh(entry: str) -> None:
    from easy2hard.exits import Thought

    module = shelf.take("exits", entry)
    assert isinstance(module.Rule.FINAL, bool)
    decided, sure = torch.zeros(4, 1, 3, 3, dtype=torch.uint8), torch.rand(4, 3, 3)
    for rule in (module.Rule(), module.Rule()):
        taken = rule.take(Thought(1, decided, sure, torch.zeros(4)))
        assert (taken.shape, taken.dtype) == ((4,), torch.bool)
        assert not (module.Rule.FINAL and taken.any())  # nothing to compare the first thought with


@only("models")
def test_a_model_file_defines_classes_an_entry_can_build_on(entry: str) -> None:
    assert any(inspect.isclass(item) for item in public(shelf.take("models", entry)))
