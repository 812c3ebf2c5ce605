"""CIFAR-10: 32 x 32 photographs (Krizhevsky, "Learning multiple layers of features from tiny images", 2009).

Read from torchvision's folder `cifar-10-batches-py`, or from the Hugging Face Hub. The first 40,000 training
images are `train`, the last 10,000 `validation`, the test set is `test`.
"""

import hashlib
import pickle
import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np

from easy2hard.errors import UserError
from easy2hard.images import Pixels, Source, _files

_SIDE = 32
_LAYOUT = "cifar-10-batches-py"
_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
_REBUILD = np.empty(0).__reduce__()[0]  # NumPy's own, whose module has been renamed since
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): _REBUILD,
    ("numpy._core.multiarray", "_reconstruct"): _REBUILD,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


def open(
    size: int, key: Callable[[str], int], directory: Path | None, hub: str | None, revision: str | None
) -> Source:
    """Read CIFAR-10 from `directory` (the folder of batches or its parent), or else from the Hub.

    A directory that holds other images is read as `folder` reads it. Raises `UserError` with all three ways to
    give the images where there are none.
    """
    help_ = _files.ways("CIFAR-10", hub, f"torchvision's folder {_LAYOUT}", size)
    if directory is not None:
        batches = next((at for at in (directory, directory / _LAYOUT) if _holds_batches(at)), None)
        if batches is None:
            note = f"{directory} holds no {_LAYOUT}; its images are read as those of any folder"
            return _files.folder(directory, size, [note], help_)
        _files.only_size("CIFAR-10", size, _SIDE)
        return _from_batches(batches, help_)
    _files.only_size("CIFAR-10", size, _SIDE)
    if hub is None:
        raise UserError(f"CIFAR-10 was not found: no folder and no Hub dataset are named. {help_}")
    return _from_hub(hub, revision, help_)


def _holds_batches(directory: Path) -> bool:
    return any((directory / name).is_file() for name in _MD5)


def _from_batches(directory: Path, help_: str) -> Source:
    missing = [name for name in _MD5 if not (directory / name).is_file()]
    if missing:
        raise UserError(f"{directory} lacks {', '.join(missing)}. {help_}")
    contents = {name: _content(directory / name) for name in _MD5}
    foreign = [
        name for name, content in contents.items()
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != _MD5[name]
    ]  # fmt: skip
    notes = [f"CIFAR-10 batches whose md5 is not the official one: {', '.join(foreign)}"] if foreign else []
    pixels = {name: read_batch(content, str(directory / name)) for name, content in contents.items()}
    test = pixels.pop("test_batch")
    training = np.concatenate(list(pixels.values()))
    first, held_out = _files.hold_out(len(training))
    return _files.Kept(
        "cifar10", {"train": training[first], "validation": training[held_out], "test": test}, notes
    )


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); check its permissions.") from error


def _from_hub(hub: str, revision: str | None, help_: str) -> Source:
    splits = _files.from_hub(hub, revision, help_)
    if not {"train", "test"} <= set(splits):
        raise UserError(f"{hub} needs the splits train and test; it has {', '.join(splits)}. {help_}")
    training = splits["train"][0]
    first, held_out = _files.hold_out(len(training))
    pictures = {"train": training[first], "validation": training[held_out], "test": splits["test"][0]}
    return _files.keep("cifar10", pictures, _SIDE, [])


class _ArraysOnly(pickle.Unpickler):
    """Reads numbers, strings, lists, dictionaries and NumPy arrays; a pickle that names anything else is refused."""

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, and only NumPy arrays are allowed")
        return _ALLOWED[module, name]


def read_batch(content: bytes, name: str) -> Pixels:
    """The images (n, 32, 32, 3) of a pickled batch; `UserError` for anything that is not one."""
    help_ = "Fetch CIFAR-10 anew, or take the file out of the folder."
    try:  # the official batches are Python 2's, whose byte strings latin1 keeps as they are
        batch = _ArraysOnly(BytesIO(content), encoding="latin1").load()
        data = batch["data"]
    except Exception as error:  # a broken pickle may raise anything at all
        raise UserError(f"{name} is not a batch of CIFAR-10 ({error}). {help_}") from error
    found = f"{data.dtype} {data.shape}" if isinstance(data, np.ndarray) else type(data).__name__
    if not re.fullmatch(rf"uint8 \(\d+, {3 * _SIDE**2}\)", found):
        raise UserError(
            f"{name} is not a batch of CIFAR-10: its data are {found}, not uint8 (n, 3072). {help_}"
        )
    return np.ascontiguousarray(data.reshape(-1, 3, _SIDE, _SIDE).transpose(0, 2, 3, 1))
