"""Options that several commands share, and how their text is read."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from easy2hard import screen
from easy2hard.errors import UserError

if TYPE_CHECKING:
    from easy2hard.suite import Suite

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
Images = Annotated[
    Path | None,
    typer.Option("--images-dir", envvar="EASY2HARD_IMAGES", help="Folder that holds the source images."),
]


def split(text: str | None) -> tuple[str, ...]:
    """The parts of a list that is written with commas, each once."""
    return tuple(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))


def numbers(text: str | None, option: str) -> tuple[int, ...]:
    """Whole numbers separated by commas, each once; `UserError`, with the option's name, for anything else."""
    parts = split(text)
    wrong = [part for part in parts if not part.isdigit()]
    if wrong:
        raise UserError(f"{option} takes whole numbers separated by commas, such as 0,1,2; got '{wrong[0]}'.")
    return tuple(dict.fromkeys(map(int, parts)))


def device_of(wanted: str | None) -> str:
    """The device that was asked for; without one CUDA where it is there. `UserError` for one that is not here."""
    import torch

    if wanted is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    if wanted.split(":")[0] == "cuda" and not torch.cuda.is_available():
        raise UserError(f"--device {wanted}: no CUDA device is available here; use --device cpu.")
    if wanted.split(":")[0] not in ("cpu", "cuda"):
        raise UserError(f"--device is cpu, cuda or cuda:N; got '{wanted}'.")
    return wanted


def say_unread(suite: "Suite", images_dir: Path | None) -> None:
    """A folder of images that was named for this run, and that the suite does not read, is not passed over."""
    from easy2hard import suite as suites

    if images_dir is None or suite.reads_images or str(images_dir) == os.environ.get("EASY2HARD_IMAGES"):
        return
    same = [other for other in map(suites.read, suites.names()) if other.noise == suite.noise]
    readers = ", ".join(other.name for other in same if other.reads_images)
    screen.say(
        f"note: {suite.name} draws its samples itself, so --images-dir {images_dir} is not read"
        + (f"; suites that read images: {readers}." if readers and suite.noise else ".")
    )


def plain(value: Any) -> Any:
    """A named tuple or model, and all in it, as JSON knows it."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if hasattr(value, "_asdict"):
        return {key: plain(part) for key, part in value._asdict().items()}
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value
