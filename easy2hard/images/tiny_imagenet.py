"""Tiny ImageNet: 64 x 64 JPEG photographs of 200 classes, a part of ImageNet (Stanford CS231N).

Read from the usual folder `tiny-imagenet-200`, from its zip as it is, or from the Hugging Face Hub. Training
images are ordered by their number within the class, then by class, so that any stretch of rows holds all
classes; the last fifth, at most 10,000, is `validation`, the first 40,000 at most are `train`. The official
validation images, which have labels, are `test`. The Hub may number a class's images otherwise than the files'
names do; the digest tells the two apart.
"""

import re
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from easy2hard.errors import UserError
from easy2hard.images import Source, _files
from easy2hard.images._files import Picture

_SIDE = 64
_LAYOUT = "tiny-imagenet-200"
_TRAIN = re.compile(r"(?:.*/)?train/(n\d+)/images/n\d+_(\d+)\.JPEG")
_TEST = re.compile(r"(?:.*/)?val/(?:.*/)?val_(\d+)\.JPEG")


def open(
    size: int, key: Callable[[str], int], directory: Path | None, hub: str | None, revision: str | None
) -> Source:
    """Read Tiny ImageNet from `directory` (the folder, its parent, or the zip), or else from the Hub.

    A directory that holds other images is read as `folder` reads it. Raises `UserError` with all three ways to
    give the images where there are none.
    """
    help_ = _files.ways("Tiny ImageNet", hub, f"the folder {_LAYOUT} or its zip", size)
    if directory is None:
        _files.only_size("Tiny ImageNet", size, _SIDE)
        if hub is None:
            raise UserError(f"Tiny ImageNet was not found: no folder and no Hub dataset are named. {help_}")
        return _from_hub(hub, revision, help_)
    if directory.is_file():
        return _from_zip(directory, size, help_)
    root = next((at for at in (directory / _LAYOUT, directory) if (at / "train").is_dir()), directory)
    paths = [path for path in _files.files_below(root) if path.endswith(".JPEG")]
    if not any(_TRAIN.fullmatch(path) for path in paths):
        note = f"{directory} holds no {_LAYOUT}; its images are read as those of any folder"
        return _files.folder(directory, size, [note], help_)
    pictures = [Picture(path, (root / path).read_bytes) for path in paths]
    return _from_pictures(pictures, size, str(root), help_)


def _from_zip(path: Path, size: int, help_: str) -> Source:
    try:
        with zipfile.ZipFile(path) as archive:
            pictures = [Picture(name, partial(archive.read, name)) for name in archive.namelist()]
            return _from_pictures(pictures, size, str(path), help_)
    except (zipfile.BadZipFile, OSError) as error:
        raise UserError(f"{path} cannot be read as a zip of Tiny ImageNet ({error}). {help_}") from error


def _from_pictures(pictures: Sequence[Picture], size: int, where: str, help_: str) -> Source:
    _files.only_size("Tiny ImageNet", size, _SIDE)
    train, test = [], []
    for picture in pictures:
        if match := _TRAIN.fullmatch(picture.name):
            train.append((int(match[2]), match[1], picture))
        elif match := _TEST.fullmatch(picture.name):
            test.append((int(match[1]), picture))
    if len(train) < 5 or not test:
        raise UserError(
            f"{where} has {len(train)} training images in train/ and {len(test)} in val/. {help_}"
        )
    ordered = [picture for *_, picture in sorted(train, key=lambda item: item[:2])]
    return _keep(ordered, [picture for _, picture in sorted(test, key=lambda item: item[0])])


def _from_hub(hub: str, revision: str | None, help_: str) -> Source:
    splits = _files.from_hub(hub, revision, help_)
    if not {"train", "valid"} <= set(splits):
        raise UserError(f"{hub} needs the splits train and valid; it has {', '.join(splits)}. {help_}")
    seen: Counter[int] = Counter()
    train = []
    for picture, label in zip(*splits["train"], strict=True):
        train.append((seen[label], label, picture))
        seen[label] += 1
    ordered = [picture for *_, picture in sorted(train, key=lambda item: item[:2])]
    return _keep(ordered, splits["valid"][0])


def _keep(train: Sequence[Picture], test: Sequence[Picture]) -> Source:
    first, held_out = _files.hold_out(len(train))
    splits = {"train": train[first], "validation": train[held_out], "test": test}
    return _files.keep("tiny_imagenet", splits, _SIDE, [])
