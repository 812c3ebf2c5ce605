"""Weights and checkpoints on disk: safetensors, whole or not there; never a pickle."""

import zipfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from easy2hard import atomic
from easy2hard.errors import UserError
from easy2hard.models.recurrent import Once, Plain


def _own(model: nn.Module) -> nn.Module:
    """The module whose names stand in a file of weights: a plain one's own, without the harness around it."""
    return model.module if isinstance(model, Once) else model


def has_weights(model: nn.Module) -> bool:
    """Whether there is anything to save of a model."""
    return bool(model.state_dict()) or (isinstance(model, Plain) and model.learner is not None)


def save_weights(model: nn.Module, path: Path) -> None:
    """Write the state dict, or what a model without a framework saves, as safetensors, whole or not at all."""
    if isinstance(model, Plain) and model.learner is not None:
        with atomic.replacing(path) as temporary:
            model.learner.save(temporary)
            _check_safetensors(temporary)
        return
    tensors = {name: t.detach().cpu().contiguous().clone() for name, t in _own(model).state_dict().items()}
    with atomic.replacing(path) as temporary:
        save_file(tensors, temporary)


def _check_safetensors(path: Path) -> None:
    """Raise `UserError` where `save` did not write safetensors to its path: a pickle, or nothing."""
    try:
        with safe_open(path, framework="np"):
            pass
    except (OSError, SafetensorError) as error:
        raise UserError(
            "save(path) must write exactly that file with safetensors.numpy.save_file(tensors, path), and it did "
            f"not: {' '.join(str(error).split())[:200]}."
        ) from error


_WRAPPINGS = ("state_dict", "model_state_dict", "model")  # under which training scripts keep a state dict


def load_weights(model: nn.Module, path: Path) -> None:
    """Fill a model from safetensors, or from a `.pt` state dict, bare or in a script's checkpoint; never a pickle."""
    if not path.is_file():
        raise UserError(f"there are no weights {path}.")
    try:
        if isinstance(model, Plain) and model.learner is not None:
            _check_safetensors(path)
            model.learner.load(path)
            return
        _own(model).load_state_dict(_read(path))
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path} does not hold weights of this model: {reason[:400]}") from error


def _read(path: Path) -> Mapping[str, Tensor]:
    """The tensors of a file by name; raises `ValueError` for what is neither safetensors nor a state dict of torch."""
    if path.suffix == ".safetensors":
        return load_file(path)
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        whole = (
            zipfile.is_zipfile(path) and type(error).__name__ == "UnpicklingError"
        )  # it would have to run code
        kind = (
            "it holds more than tensors, such as a whole module"
            if whole
            else "it is neither safetensors nor a state dict of torch"
        )
        raise ValueError(
            f"{kind}; save model.state_dict() alone, with safetensors.torch.save_file or torch.save."
        ) from error
    if isinstance(found, Mapping):
        found = next((found[key] for key in _WRAPPINGS if isinstance(found.get(key), Mapping)), found)
    if isinstance(found, Mapping) and any(isinstance(value, Tensor) for value in found.values()):
        return found
    names = f" of {', '.join(map(str, found))}"[:200] if isinstance(found, Mapping) and found else ""
    raise ValueError(
        f"it holds a {type(found).__name__}{names}; a state dict has names and tensors, bare or under "
        f"{', '.join(_WRAPPINGS)}."
    )


def sha256_of(path: Path) -> str:
    """The hash of a file, as records hold it."""
    return sha256(path.read_bytes()).hexdigest()


def write_checkpoint(
    folder: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    step: int,
    spent: float,
    best: float | None,
) -> None:
    """Weights, optimizer state and step in one file, so that they never disagree."""
    tensors = {
        f"model.{name}": t.detach().cpu().contiguous().clone() for name, t in model.state_dict().items()
    }
    for number, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{number}.{name}"] = value.detach().cpu().contiguous().clone()
    about = {"step": str(step), "spent": str(spent), "best": "" if best is None else str(best)}
    with atomic.replacing(folder / "checkpoint.safetensors") as temporary:
        save_file(tensors, temporary, metadata=about)


def read_checkpoint(
    folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[int, float, float | None]:
    """Take up the checkpoint where there is one: the next step, seconds spent, the best validation so far."""
    path = folder / "checkpoint.safetensors"
    if not path.is_file():
        return 0, 0.0, None
    with safe_open(path, framework="pt") as file:
        about = file.metadata()
    tensors = load_file(path)
    model.load_state_dict({n.removeprefix("model."): t for n, t in tensors.items() if n.startswith("model.")})
    states: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, number, key = name.split(".", 2)
            states.setdefault(int(number), {})[key] = value
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for place, state in states.items():
        for key, value in state.items():
            if value.shape == parameters[place].shape:  # in the parameter's own memory layout
                state[key] = torch.empty_like(parameters[place]).copy_(value)
    optimizer.load_state_dict({**optimizer.state_dict(), "state": states})
    return int(about["step"]), float(about["spent"]), float(about["best"]) if about["best"] else None
