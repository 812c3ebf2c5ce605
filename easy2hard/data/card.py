"""The dataset card of a suite's folder, which also tells `datasets` what its configurations are."""

from typing import Any

import yaml

from easy2hard.data.manifest import Manifest, Side
from easy2hard.suite import SPLITS, Suite

FILE = "README.md"
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"))


def render(suite: Suite, manifest: Manifest) -> str:
    """The card: YAML that `load_dataset` and the Hub read, then words for people."""
    header = yaml.safe_dump(_header(suite, manifest), sort_keys=False, allow_unicode=True, width=110)
    return f"---\n{header}---\n\n{_text(suite, manifest)}"


def configs(suite: Suite, manifest: Manifest) -> list[dict[str, Any]]:
    """The protocol, named as the suite (train on easy levels, test on every one), and one per level.

    All are over the same files.
    """
    held = list(manifest.sides)
    taught: list[dict[str, Any]] = [
        {
            "split": split,
            "path": [
                _files(suite, side) for side in held if side.split == split and side.level in suite.easy
            ],
        }
        for split in SPLITS[:2]
    ]
    tests = [
        {"split": f"test_{suite.slug(side.level)}", "path": _files(suite, side)}
        for side in held
        if side.split == "test"
    ]
    protocol = [part for part in taught + tests if part["path"]]
    whole = [{"config_name": suite.name, "default": True, "data_files": protocol}] if protocol else []
    return whole + [
        {
            "config_name": suite.config(level),
            "data_files": [
                {"split": side.split, "path": _files(suite, side)} for side in held if side.level == level
            ],
        }
        for level in manifest.levels
    ]


def _files(suite: Suite, side: Side) -> str:
    return f"{suite.slug(side.level)}/{side.split}/part-*.parquet"


def _header(suite: Suite, manifest: Manifest) -> dict[str, Any]:
    rows = sum(entry.rows for entry in manifest.sides.values())
    size = next((name for bound, name in _SIZES if rows < bound), "n>1M")
    return {
        "license": suite.licence.lower(),
        "pretty_name": f"easy2hard {suite.name}",
        "task_categories": ["image-to-image"],
        "tags": ["easy2hard", "benchmark", "image", suite.task],
        "size_categories": [size],
        "configs": configs(suite, manifest),
    }


def _text(suite: Suite, manifest: Manifest) -> str:
    lines = [f"# easy2hard: {suite.name}\n", f"{suite.summary}\n", f"Source: {suite.source}.\n"]
    lines += ["| level | split | rows | data digest |", "|---|---|---:|---|"]
    lines += [
        f"| {side.level} | {side.split} | {entry.rows:,} | `{manifest.levels[side.level].digest}` |"
        for side, entry in manifest.sides.items()
    ]
    mine = suite.config(next(iter(manifest.levels)))
    lines += [
        "\n```python",
        "from datasets import load_dataset",
        f'level = load_dataset("path/to/{suite.name}", "{mine}")',
        f'protocol = load_dataset("path/to/{suite.name}", "{suite.name}")  # train easy, test every level',
        "```\n",
        "`input` and `target` are images; a mask is 0 and 255 there. `manifest.json` lists every file with the hash "
        "of its pixels, and how many samples the splits share.",
    ]
    return "\n".join(lines) + "\n"
