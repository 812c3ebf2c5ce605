"""What the sources that read images share: decoding to square RGB, splitting, and keeping the pixels in memory."""

import os
import struct
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from easy2hard.errors import UserError
from easy2hard.images import SPLITS, Indices, Pixels

ENDINGS = frozenset(
    (".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)
_SIXTEEN_BITS = frozenset(("I", "I;16", "I;16B", "I;16L", "I;16N"))
_MOST_TRAIN, _MOST_HELD_OUT = 40_000, 10_000
_UNREADABLE = (
    OSError, SyntaxError, ValueError, EOFError, struct.error, zipfile.BadZipFile, Image.DecompressionBombError,
)  # fmt: skip


class Picture(NamedTuple):
    """An image as it is stored."""

    name: str  # for messages
    read: Callable[[], bytes]


class Kept:
    """A source whose images are in memory; `pixels` has a uint8 array (n, size, size, 3) per split."""

    def __init__(self, name: str, pixels: Mapping[str, Pixels], notes: Sequence[str]) -> None:
        self.name = name
        self.notes = tuple(notes)
        self._pixels = pixels
        self._digest = ""

    def rows(self, split: str) -> int | None:
        return len(self._pixels[split])

    def take(self, split: str, indices: Indices) -> Pixels:
        """Copies of the images; raises `UserError` for an index that the split does not have."""
        stored, wanted = self._pixels[split], np.asarray(indices, np.int64)
        if wanted.size and not 0 <= wanted.min() <= wanted.max() < len(stored):
            raise UserError(
                f"{self.name} has {len(stored)} {split} images, numbered from 0; asked for "
                f"{wanted.min()} to {wanted.max()}. Ask for fewer rows."
            )
        return stored[wanted]

    def digest(self) -> str:
        if not self._digest:
            total = blake2b(digest_size=16)
            for split in SPLITS:
                total.update(np.ascontiguousarray(self._pixels[split]).data)
            self._digest = total.hexdigest()
        return self._digest


def hold_out(n: int) -> tuple[slice, slice]:
    """Which of `n` training images are trained on, and which validate: the last fifth, at most 10,000.

    At most the first 40,000 are trained on.
    """
    cut = n - min(n // 5, _MOST_HELD_OUT)
    return slice(0, min(cut, _MOST_TRAIN)), slice(cut, n)


def keep(name: str, splits: Mapping[str, Sequence[Picture]], size: int, notes: Sequence[str]) -> Kept:
    """Decode the pictures of each split and keep them; what had to be converted is added to the notes."""
    remarks: Counter[str] = Counter()
    pixels = {}
    for split in SPLITS:
        pixels[split] = np.empty((len(splits[split]), size, size, 3), np.uint8)
        with ThreadPoolExecutor() as pool:  # Pillow releases the GIL while it decodes
            for i, (one, said) in enumerate(pool.map(partial(_decode, size=size), splits[split])):
                pixels[split][i] = one
                remarks.update(said)
    return Kept(name, pixels, (*notes, *(f"images {what}: {n}" for what, n in sorted(remarks.items()))))


def _decode(picture: Picture, size: int) -> tuple[Pixels, list[str]]:
    """One picture as uint8 (size, size, 3), with what was done to it."""
    try:
        with Image.open(BytesIO(picture.read())) as image:
            rgb, remark = _as_rgb(image)
    except _UNREADABLE as error:
        raise UserError(
            f"{picture.name} cannot be read as an image ({error}); replace it, or take it out of the folder."
        ) from error
    height, width = rgb.shape[:2]
    if min(height, width) < size:
        raise UserError(
            f"{picture.name} is {width} x {height} pixels; this suite needs {size} x {size} or more. "
            "Take it out of the folder, or choose larger images: they are not scaled up."
        )
    top, left = (height - size) // 2, (width - size) // 2
    remarks = [remark] if remark else []
    if (height, width) != (size, size):
        remarks.append(f"larger than {size} x {size}, of which the centre was cut out")
    return rgb[top : top + size, left : left + size], remarks


def _as_rgb(image: Image.Image) -> tuple[Pixels, str]:
    """The image as uint8 (height, width, 3), and what it was before; empty where it was RGB."""
    if image.mode in _SIXTEEN_BITS:
        grey = np.asarray(image).astype(np.int64)
        if grey.size and not 0 <= grey.min() <= grey.max() < 1 << 16:
            raise ValueError("its values do not fit 16 bits")
        return np.repeat((grey >> 8).astype(np.uint8)[..., None], 3, axis=2), "turned from 16 bits into RGB"
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers")
    if image.has_transparency_data:
        above = image.convert("RGBA")
        flat = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), above)
        return np.asarray(flat.convert("RGB")), "with transparency, laid over black"
    remark = {"RGB": "", "L": "turned from grey into RGB", "1": "turned from black and white into RGB"}
    return np.asarray(image.convert("RGB")), remark.get(image.mode, f"turned from mode {image.mode} into RGB")


def files_below(directory: Path) -> list[str]:
    """The paths of all files below a folder, relative to it, with slashes, sorted; hidden ones left out."""
    if not directory.exists():
        raise UserError(f"there is no folder {directory}; check --images-dir or EASY2HARD_IMAGES.")
    if not directory.is_dir():
        raise UserError(f"{directory} is not a folder; give the folder that holds the images.")
    found: list[str] = []
    for folder, folders, files in os.walk(directory, onerror=_refuse, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        within = Path(folder).relative_to(directory)
        found += [(within / name).as_posix() for name in files if not name.startswith(".")]
    return sorted(found)


def _refuse(error: OSError) -> None:
    raise UserError(f"the folder {error.filename} cannot be read ({error.strerror}); check its permissions.")


def folder(directory: Path, size: int, notes: Sequence[str] = (), help_: str = "") -> Kept:
    """Any folder of images, split by its subfolders train/, validation/ or val/, and test/, or by a rule.

    The order is that of the relative paths. Without subfolders, images 0 to 3 of every six are for training,
    image 4 for validation, image 5 for testing; without validation/, every fifth training image is held out.
    `help_` ends the message where there are no images.
    """
    paths = files_below(directory)
    images = [path for path in paths if Path(path).suffix.lower() in ENDINGS]
    if not images:
        raise UserError(
            f"{directory} holds no images (files ending in {', '.join(sorted(ENDINGS))}). "
            + (help_ or "Give a folder of images with --images-dir or EASY2HARD_IMAGES.")
        )
    said = list(notes)
    if len(paths) > len(images):
        said.append(f"files left out because they do not end as images do: {len(paths) - len(images)}")
    splits, rule = _split(images, directory)
    pictures = {
        split: [Picture(str(directory / path), (directory / path).read_bytes) for path in splits[split]]
        for split in SPLITS
    }
    return keep("folder", pictures, size, said + rule)


def _split(images: Sequence[str], directory: Path) -> tuple[Mapping[str, Sequence[str]], list[str]]:
    """The paths of each split, and the rule in words where the folder did not say it."""
    below = {top: [path for path in images if path.startswith(f"{top}/")] for top in (*SPLITS, "val")}
    train, validation, test = below["train"], below["validation"] or below["val"], below["test"]
    if not train and not test:
        if len(images) < 6:
            raise UserError(
                f"{directory} holds {len(images)} images; at least 6 are needed to split them into train, "
                "validation and test. Add some, or sort them into the subfolders train/ and test/."
            )
        parts = {"train": [path for i, path in enumerate(images) if i % 6 < 4]}
        parts |= {"validation": list(images[4::6]), "test": list(images[5::6])}
        return parts, ["of every six images, in the order of their paths, 4 train, 1 validates and 1 tests"]
    if not train or not test:
        raise UserError(
            f"{directory} has images in {'train' if train else 'test'}/ but none in {'test' if train else 'train'}/; "
            "give both, or put all images in one folder to have them split by a rule."
        )
    if validation:
        return {"train": train, "validation": validation, "test": test}, []
    if len(train) < 5:
        raise UserError(
            f"{directory} has no validation/ and {len(train)} training images, of which every fifth would be "
            "held out; add a subfolder validation/, or more training images."
        )
    parts = {
        "train": [path for i, path in enumerate(train) if i % 5 < 4],
        "validation": train[4::5],
        "test": test,
    }
    return parts, ["every fifth training image, in the order of the paths, is held out for validation"]


def from_hub(hub: str, revision: str | None, help_: str) -> dict[str, tuple[list[Picture], list[int]]]:
    """The pictures of each split of a Hub dataset, and their labels; `help_` ends the message where it fails.

    The first column of images and the column `label` are read; `datasets` keeps the download in its cache.
    """
    import datasets

    try:
        table = datasets.load_dataset(hub, revision=revision)
    except Exception as error:  # the Hub's clients raise many kinds, and every one has the same next step
        raise UserError(f"{hub} could not be fetched from the Hugging Face Hub ({error}). {help_}") from error
    splits = {}
    for split, rows in table.items():
        column = next(
            (name for name, kind in rows.features.items() if isinstance(kind, datasets.Image)), None
        )
        if column is None or "label" not in rows.features:
            raise UserError(
                f"{hub} needs a column of images and a column 'label'; it has {', '.join(rows.features)}. {help_}"
            )
        stored = rows.cast_column(column, datasets.Image(decode=False))[column]
        pictures = [
            Picture(f"image {i} of {hub}, {split}", partial(_stored, one)) for i, one in enumerate(stored)
        ]
        splits[split] = pictures, list(rows["label"])
    return splits


def _stored(cell: Mapping[str, bytes | str | None]) -> bytes:
    """The bytes of an undecoded image cell, which holds them or the path of a file."""
    content = cell["bytes"]
    return content if isinstance(content, bytes) else Path(str(cell["path"])).read_bytes()


def ways(what: str, hub: str | None, layout: str, size: int) -> str:
    """How to give the images of a known set: said wherever they are not found."""
    return (
        f"There are three ways to give {what}: (1) be online, and it is fetched from {hub or 'the Hugging Face Hub'} "
        "and cached by `datasets` (unset HF_HUB_OFFLINE; `hf auth login` where a token is asked for); "
        f"(2) give {layout} with --images-dir PATH or EASY2HARD_IMAGES=PATH; "
        f"(3) give any folder of images of {size} x {size} pixels or more in the same way."
    )


def only_size(what: str, size: int, has: int) -> None:
    """Refuse a suite that asks for another size than the set has."""
    if size != has:
        raise UserError(
            f"{what} images are {has} x {has}; the suite asks for {size} x {size}. Set size = {has}."
        )
