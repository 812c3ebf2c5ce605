"""The dataset card, of a suite's folder or of a repo with several: what it is, and what its configurations are."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import yaml

from easy2hard.data.manifest import Manifest, Side
from easy2hard.suite import SPLITS, Suite

FILE = "README.md"
PICTURES = "pictures"  # the folder of a repo that holds a picture of each level
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"))


class Part(NamedTuple):
    """A suite as a card shows it."""

    suite: Suite
    manifest: Manifest
    folder: str = ""  # of the suite in the repo, with a slash at its end; empty where it is the repo
    info: Sequence[Mapping[str, Any]] = ()  # `dataset_info` of its configurations, where somebody counted
    pictures: bool = False  # whether the repo holds a picture of each level


def render(suite: Suite, manifest: Manifest) -> str:
    """The card of a suite's own folder: YAML that `load_dataset` and the Hub read, then words for people."""
    return merged([Part(suite, manifest)], f"path/to/{suite.name}")


def merged(parts: Sequence[Part], repo: str) -> str:
    """The card of a repo that holds several suites, each in a folder; the first one's protocol is the default."""
    header = yaml.safe_dump(_header(parts), sort_keys=False, allow_unicode=True, width=110)
    return f"---\n{header}---\n\n{_text(parts, repo)}"


def header_of(card: str) -> dict[str, Any]:
    """The YAML at the head of a card; empty where there is none."""
    pieces = card.split("---\n", 2)
    content = yaml.safe_load(pieces[1]) if len(pieces) == 3 and not pieces[0] else None
    return content if isinstance(content, dict) else {}


def configs(suite: Suite, manifest: Manifest, folder: str = "") -> list[dict[str, Any]]:
    """The protocol, named as the suite (train on easy levels, test on every one), and one per level.

    All are over the same files.
    """
    held = list(manifest.sides)
    taught: list[dict[str, Any]] = [
        {
            "split": split,
            "path": [
                _files(suite, side, folder)
                for side in held
                if side.split == split and side.level in suite.easy
            ],
        }
        for split in SPLITS[:2]
    ]
    tests = [
        {"split": f"test_{suite.slug(side.level)}", "path": _files(suite, side, folder)}
        for side in held
        if side.split == "test"
    ]
    protocol = [part for part in taught + tests if part["path"]]
    whole = [{"config_name": suite.name, "data_files": protocol}] if protocol else []
    return whole + [
        {
            "config_name": suite.config(level),
            "data_files": [
                {"split": side.split, "path": _files(suite, side, folder)}
                for side in held
                if side.level == level
            ],
        }
        for level in manifest.levels
    ]


def picture(suite: Suite, level: str) -> str:
    """Where a level's picture lies in a repo."""
    return f"{PICTURES}/{suite.name}/{suite.slug(level)}.png"


def _files(suite: Suite, side: Side, folder: str) -> str:
    return f"{folder}{suite.slug(side.level)}/{side.split}/part-*.parquet"


def _header(parts: Sequence[Part]) -> dict[str, Any]:
    rows = sum(entry.rows for part in parts for entry in part.manifest.sides.values())
    licences = sorted({part.suite.licence.lower() for part in parts})
    every = [config for part in parts for config in configs(part.suite, part.manifest, part.folder)]
    if every and every[0]["config_name"] == parts[0].suite.name:
        every[0] = {
            "config_name": every[0]["config_name"],
            "default": True,
            "data_files": every[0]["data_files"],
        }
    info = [dict(entry) for part in parts for entry in part.info]
    names = ", ".join(part.suite.name for part in parts)
    return {
        "license": licences[0] if len(licences) == 1 else "other",
        **({"license_name": "by-suite"} if len(licences) > 1 else {}),
        "pretty_name": f"easy2hard: {names}",
        "language": ["en"],
        "task_categories": ["image-to-image"],
        "tags": ["easy2hard", "benchmark", "algorithmic-reasoning", "synthetic", "image",
                 *sorted({part.suite.task for part in parts})],
        "size_categories": [next((name for bound, name in _SIZES if rows < bound), "n>1M")],
        "configs": every,
        **({"dataset_info": info} if info else {}),
    }  # fmt: skip


def _text(parts: Sequence[Part], repo: str) -> str:
    title = ", ".join(part.suite.name for part in parts)
    return "\n".join([
        f"# easy2hard: {title}\n",
        *(_gallery(part) for part in parts if part.pictures),
        "Graded problems for easy-to-hard generalization: train on the easy levels, test on harder ones, and see "
        "whether a model does better when it may think longer.\n",
        *(_levels(part) for part in parts),
        _loading(parts, repo),
        "## How it was drawn\n",
        *(_drawing(part) for part in parts),
        _COUNTERS,
        "## Overlap certificate\n",
        *(_certificate(part) for part in parts),
        _USE,
        "## Licence and source\n",
        *(f"- **{part.suite.name}**: {part.suite.licence}; {part.suite.source}." for part in parts),
        _CITATION,
    ])  # fmt: skip


def _gallery(part: Part) -> str:
    """A picture of each level, side by side, with its name above."""
    suite, levels = part.suite, list(part.manifest.levels)
    kinds = " | ".join(f"{suite.name} {level} ({suite.kind(level)})" for level in levels)
    pictures = " | ".join(
        f"![inputs of level {level} and below them their targets]({picture(suite, level)})"
        for level in levels
    )
    return f"| {kinds} |\n|{'---|' * len(levels)}\n| {pictures} |\n"


def _levels(part: Part) -> str:
    suite, manifest = part.suite, part.manifest
    lines = [f"## {suite.name}\n", f"{suite.summary}\n"]
    lines += ["| level | kind | config | split | rows | pixels (hash) | data digest |"]
    lines += ["|---|---|---|---|---:|---|---|"]
    lines += [
        f"| {side.level} | {suite.kind(side.level)} | `{suite.config(side.level)}` | {side.split} | {entry.rows:,} "
        f"| `{entry.digest}` | `{manifest.levels[side.level].digest}` |"
        for side, entry in manifest.sides.items()
    ]
    return "\n".join([*lines, ""])


def _loading(parts: Sequence[Part], repo: str) -> str:
    suite = parts[0].suite
    level = next(iter(parts[0].manifest.levels), suite.easy[0])
    side = next(iter(parts[0].manifest.sides), Side(level, "test"))
    files = _files(suite, side, parts[0].folder)
    return "\n".join([
        "## Loading\n",
        "```python",
        "from datasets import load_dataset",
        f'level = load_dataset("{repo}", "{suite.config(level)}")',
        f'protocol = load_dataset("{repo}", "{suite.name}")  # train on easy levels, test on every one',
        f'stream = load_dataset("{repo}", "{suite.config(side.level)}", split="{side.split}", streaming=True)',
        "```\n",
        f"Any tool that reads Parquet reads `{files}`. `input` and `target` are images (PNG); a mask is 0 and 255 "
        f"there. `{parts[0].folder}manifest.json` lists every file with the hash of its pixels. Pin a `revision` "
        f"(a tag such as `{suite.name}-v{suite.version}`) for figures that somebody else is to reproduce.\n",
    ])  # fmt: skip


def _drawing(part: Part) -> str:
    """What the definition fixes: what all levels have in common, then what differs."""
    suite, levels = part.suite, part.manifest.levels
    stamps = [entry.stamp for entry in levels.values()]
    common = {key: value for key, value in (stamps[0] if stamps else {}).items()
              if all(stamp.get(key) == value for stamp in stamps)}  # fmt: skip
    own = {
        level: "; ".join(f"{key} {value}" for key, value in entry.stamp.items() if key not in common)
        for level, entry in levels.items()
    }
    lines = [
        f"**{suite.name}**, version {suite.version}, seed {suite.seed}, by easy2hard {part.manifest.easy2hard}; "
        f"definition `{part.manifest.definition}`"
        + (f", source images `{part.manifest.source}`" if part.manifest.source else "")
        + ".\n",
        *(f"- {key}: {value}" for key, value in common.items()),
        *(f"- level {level}: {text}" for level, text in own.items() if text),
    ]
    return "\n".join([*lines, ""])


def _certificate(part: Part) -> str:
    """How many samples repeat within a split or stand in two, for each notion of equality."""
    overlaps = part.manifest.overlaps
    notions = ", ".join(dict.fromkeys(overlap.notion for overlap in overlaps))
    shared = [overlap for overlap in overlaps if overlap.shared]
    said = (
        f"**{part.suite.name}**: {len(overlaps)} comparisons within and between splits (equal: {notions}); "
    )
    if not shared:
        return said + "no sample is shared.\n"
    rows = [
        f"| {o.notion} | {o.first} | {o.second} | {o.shared:,} | {o.rows[0]:,} / {o.rows[1]:,} |"
        for o in sorted(shared, key=lambda o: (o.notion, Decimal(o.first.split("/")[0])))
    ]
    head = ["| equal | between | and | shared | of rows |", "|---|---|---|---:|---|"]
    return "\n".join([said + f"in {len(shared)} something is shared:\n", *head, *rows, ""])


_COUNTERS = """\
Every sample is a pure function of the version, seed, task, split, level and index: counter-based random numbers
(Philox4x32-10), integers throughout. So anybody can draw the same bits again with `easy2hard generate`, and the digests
above say whether they did; nothing has to be downloaded, or trusted.
"""

_USE = """\
## Intended use

Measure whether a model that was trained on the easy levels alone solves harder ones, and how that depends on the number
of its iterations. Training on hard levels, or choosing anything by hard test samples, defeats the purpose; the easy
validation split is there for choosing. The pictures show nobody and nothing real unless the source images do. This is
not Easy2Hard-Bench (Ding et al., 2024), which grades the difficulty of existing text benchmarks.
"""

_CITATION = """
## Citation

```bibtex
@software{easy2hard,
  title  = {easy2hard: a benchmark for easy-to-hard generalization},
  author = {{easy2hard contributors}},
  year   = {2026},
}
```
"""
