"""The manifest: what a suite's folder holds, written last, so that whatever it lists is there and whole."""

from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from easy2hard import atomic
from easy2hard.errors import UserError
from easy2hard.suite import SPLITS, Split, Suite

FILE = "manifest.json"


class Side(NamedTuple):
    """A split of a level."""

    level: str
    split: Split

    def __str__(self) -> str:
        return f"{self.level}/{self.split}"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ShardEntry(_Strict):
    """One file: the rows `first` to `first + rows - 1`."""

    path: str  # from the suite's folder
    first: int
    rows: int
    bytes: int
    sha256: str  # of the file: tells at once that nobody touched it
    pixels: str  # of what it holds: the same on every machine and whatever library wrote it


class SplitEntry(_Strict):
    rows: int
    digest: str  # of the shards' pixels
    summary: dict[str, float]  # figures over the first 1,000 rows
    shards: tuple[ShardEntry, ...]


class LevelEntry(_Strict):
    digest: str  # the data digest
    stamp: dict[str, str]
    splits: dict[Split, SplitEntry]


class Overlap(_Strict):
    """How many samples two splits share, or, where `first` and `second` are one, how many repeat another."""

    notion: str  # of equality: exact, symmetric, …
    first: str  # a level and a split, such as "9/train"
    second: str
    shared: int
    rows: tuple[int, int]  # looked at on either side


class Manifest(_Strict):
    format: Literal["easy2hard.data/1"] = "easy2hard.data/1"
    easy2hard: str  # the version that wrote it
    suite: dict[str, Any]
    definition: str  # digest of what determines the samples' bits
    source: str  # digest of the source images, empty where there are none
    levels: dict[str, LevelEntry] = {}
    overlaps: tuple[Overlap, ...] = ()

    @property
    def sides(self) -> dict[Side, SplitEntry]:
        """What there is, from the easiest level to the hardest and from train to test."""
        return {
            Side(level, split): entry.splits[split]
            for level, entry in self.levels.items()
            for split in SPLITS
            if split in entry.splits
        }

    def without(self, dropped: set[Side]) -> "Manifest":
        """The manifest less some splits, and less what it says of their overlaps."""
        names = set(map(str, dropped))
        levels = {}
        for level, entry in self.levels.items():
            kept = {split: held for split, held in entry.splits.items() if Side(level, split) not in dropped}
            if kept:
                levels[level] = entry.model_copy(update={"splits": kept})
        overlaps = tuple(o for o in self.overlaps if not names & {o.first, o.second})
        return self.model_copy(update={"levels": levels, "overlaps": overlaps})


def check_split(split: str) -> None:
    """Raise `UserError` where there is no such split."""
    if split not in SPLITS:
        raise UserError(f"there is no split '{split}'; there are: {', '.join(SPLITS)}.")


def read(folder: Path) -> Manifest | None:
    """The manifest of a suite's folder, None where there is none; raises `UserError` where it is not valid."""
    path = folder / FILE
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValidationError as error:
        raise UserError(
            f"{path} is not a manifest that this version of easy2hard wrote; delete it and run generate again: "
            "files that are whole are kept."
        ) from error


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest, whole or not at all."""
    atomic.write_text(folder / FILE, manifest.model_dump_json(indent=1) + "\n")


def check(manifest: Manifest, suite: Suite, folder: Path, source: str | None = None) -> None:
    """Raise `UserError` where a folder holds other data than `suite` defines (`source`: from other images)."""
    if manifest.suite.get("name") != suite.name:
        found, wanted = f"the suite {manifest.suite.get('name')}", suite.name
    elif manifest.definition != suite.definition_digest:
        found = f"{suite.name} version {manifest.suite.get('version')} (definition {manifest.definition[:8]})"
        wanted = f"version {suite.version} (definition {suite.definition_digest[:8]})"
    elif source is not None and manifest.source != source:
        found, wanted = f"{suite.name} from other source images", "those that are here now"
    else:
        return
    raise UserError(
        f"{folder} holds {found}, not {wanted}; choose another folder with --out, or delete this one."
    )
