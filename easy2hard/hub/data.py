"""`push data`: the folders that `generate` wrote, as one dataset repo with one card."""

import dataclasses
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from hashlib import file_digest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml
from pydantic import ValidationError

from easy2hard.data import card, manifest as manifests, parquet
from easy2hard.data.card import Part
from easy2hard.data.manifest import Manifest, ShardEntry
from easy2hard.errors import UserError
from easy2hard.hub import pictures
from easy2hard.hub.client import connect, insist
from easy2hard.hub.sending import File, Remote, Sent, Target, Wanted, file_of, send
from easy2hard.progress import Listener, Step, silent
from easy2hard.suite import Suite

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_EVAL = "eval.yaml"


class Staged(NamedTuple):
    """A suite's folder, verified and ready to be sent."""

    part: Part
    files: dict[str, File]  # by path in the repo


def push_data(
    suites: Sequence[Suite], data: Path, target: Target, *, replace: bool = False, listen: Listener = silent
) -> Sent:
    """Send `<data>/<suite>/` of every suite to a dataset repo, one folder each, and tag their versions.

    Every file is hashed against the manifest, and the staged folder is opened with `datasets`, before anything is
    sent. Suites that the repo holds already stay, in the card and in `eval.yaml`, which has a commit of its own.
    Levels or splits of a suite that the repo holds and the folder does not are lost only with `replace`.

    Raises `UserError` for folders that are missing, damaged or lack what the repo holds, and for whatever the Hub
    or the network does.
    """
    staged = [_staged(suite, data, listen) for suite in suites]
    with TemporaryDirectory(prefix="easy2hard-") as folder:
        _load_back(staged, Path(folder))
    api = connect()
    names = ", ".join(suite.name for suite in suites)
    sent = send(
        api,
        target,
        "dataset",
        lambda remote: _wanted(remote, staged, replace),
        f"Add {names}: data and card",
        listen,
    )
    where = dataclasses.replace(target, create_pr=False)
    if sent.pull:
        where = dataclasses.replace(where, revision=f"refs/pr/{sent.pull.rsplit('/', 1)[1]}")
    tagged = (
        () if target.dry_run or sent.pull or target.revision != "main" else _tag(api, sent, staged, listen)
    )
    try:
        last = _tasks_sent(api, where, staged, listen)
    except UserError as error:
        raise UserError(f"the data are in {target.repo}, but not eval.yaml: {error}") from error
    return sent._replace(commit=last.commit, changes=(*sent.changes, *last.changes), notes=tagged)


def _tasks_sent(api: "HfApi", target: Target, staged: Sequence[Staged], listen: Listener) -> Sent:
    """Send `eval.yaml`, alone, so that a refusal does not stand in the data's way."""

    def wanted(remote: Remote) -> Wanted:
        return Wanted({_EVAL: file_of(_tasks(_parts(remote, staged)))})

    return send(api, target, "dataset", wanted, "Say what is scored: eval.yaml", listen)


def _staged(suite: Suite, data: Path, listen: Listener) -> Staged:
    """A suite's folder, each file verified against the manifest."""
    folder = data / suite.name
    command = f"easy2hard generate {suite.name} --out {data}"
    held = manifests.read(folder)
    if held is None or not held.sides:
        raise UserError(f"{folder} holds no data to push; make them with: {command}")
    manifests.check(held, suite, folder)
    start = f"{suite.name}/"
    shards = [shard for entry in held.sides.values() for shard in entry.shards]
    files = {}
    for done, shard in enumerate(shards, start=1):
        files[start + shard.path] = _verified(folder, shard, command)
        listen(Step(f"verify {suite.name}", done, len(shards), {}))
    shown = held.model_copy(update={"suite": {**held.suite, "noise": suite.noise and Path(suite.noise).name}})
    files[start + manifests.FILE] = file_of(shown.model_dump_json(indent=1) + "\n")
    for level, entry in held.levels.items():
        split = entry.splits.get("test") or next(iter(entry.splits.values()))
        drawn = pictures.draw(folder / split.shards[0].path)
        files[card.picture(suite, level)] = file_of(drawn)
    info = _info(suite, held, folder)
    return Staged(Part(suite, held, start, info, pictures=True), files)


def _verified(folder: Path, shard: ShardEntry, command: str) -> File:
    """A shard whose bytes are those that the manifest lists."""
    place = folder / shard.path
    try:
        with open(place, "rb") as stream:
            digest = file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{place} cannot be read ({error.strerror}); mend it with: {command}") from error
    if digest != shard.sha256:
        raise UserError(f"{place} is not the file that the manifest lists; mend it with: {command}")
    return file_of(place, digest)


def _info(suite: Suite, held: Manifest, folder: Path) -> list[dict[str, Any]]:
    """What the Hub's viewer wants to know of each configuration: columns, rows and bytes of every split."""
    sizes = {
        f"{suite.slug(side.level)}/{side.split}": (
            sum(parquet.unpacked(folder / shard.path) for shard in entry.shards),
            entry.rows,
            sum(shard.bytes for shard in entry.shards),
        )
        for side, entry in held.sides.items()
    }
    found = []
    for config in card.configs(suite, held):
        parts = [(file["split"], file["path"]) for file in config["data_files"]]
        splits = []
        for split, paths in parts:
            sides = [path.rsplit("/", 1)[0] for path in ([paths] if isinstance(paths, str) else paths)]
            counted = [sum(column) for column in zip(*(sizes[side] for side in sides), strict=True)]
            splits.append((split, *counted))
        first = next(iter(held.sides.values())).shards[0]
        found.append(
            {
                "config_name": config["config_name"],
                "features": parquet.columns(folder / first.path),
                "splits": [
                    {"name": s, "num_bytes": size, "num_examples": rows} for s, size, rows, _ in splits
                ],
                "download_size": sum(packed for *_, packed in splits),
                "dataset_size": sum(size for _, size, _, _ in splits),
            }
        )
    return found


def _load_back(staged: Sequence[Staged], folder: Path) -> None:
    """Lay out what would be sent, and open every split of every configuration as a user would."""
    import datasets

    for path, file in ((path, file) for one in staged for path, file in one.files.items()):
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        _lay(file, place)
    (folder / card.FILE).write_text(card.merged([one.part for one in staged], "here"), encoding="utf-8")
    datasets.disable_progress_bars()
    for one in staged:
        for info in one.part.info:
            try:
                opened = datasets.load_dataset(str(folder), info["config_name"], streaming=True)
                first = {split: next(iter(rows)) for split, rows in opened.items()}
            except Exception as error:
                raise UserError(
                    f"the staged data do not load: {info['config_name']}: {error}; generate them again, or report it."
                ) from error
            if list(first) != [split["name"] for split in info["splits"]]:
                raise UserError(
                    f"the staged data load with the splits {', '.join(first)} in {info['config_name']}."
                )


def _lay(file: File, place: Path) -> None:
    if isinstance(file.source, bytes):
        place.write_bytes(file.source)
        return
    try:
        os.symlink(file.source.resolve(), place)
    except OSError:  # a system that lets nobody link
        shutil.copyfile(file.source, place)


def _wanted(remote: Remote, staged: Sequence[Staged], replace: bool) -> Wanted:
    """The repo with these suites in it, beside those that it holds."""
    parts = _parts(remote, staged)
    files = {path: file for one in staged for path, file in one.files.items()}
    for one in staged:
        _check_nothing_lost(remote, one.part, replace)
    files[card.FILE] = file_of(card.merged(parts, remote.repo))
    ours = tuple(
        start for one in staged for start in (one.part.folder, f"{card.PICTURES}/{one.part.suite.name}/")
    )
    return Wanted(files, [path for path in remote.files if path.startswith(ours) and path not in files])


def _parts(remote: Remote, staged: Sequence[Staged]) -> list[Part]:
    """Every suite of the repo by name: those pushed, and those that it holds already."""
    parts = {one.part.suite.name: one.part for one in staged}
    infos = (
        card.header_of(remote.read(card.FILE).decode()).get("dataset_info", [])
        if card.FILE in remote.files
        else []
    )
    for path in remote.files:
        found = re.fullmatch(r"([^/]+)/manifest\.json", path)
        if found and found[1] not in parts:
            held = _manifest(remote, path)
            suite = _suite_of(remote, path, held)
            own = {config["config_name"] for config in card.configs(suite, held)}
            info = [entry for entry in infos if entry.get("config_name") in own]
            parts[suite.name] = Part(suite, held, f"{suite.name}/", info, pictures=True)
    return [parts[name] for name in sorted(parts)]


def _manifest(remote: Remote, path: str) -> Manifest:
    try:
        return Manifest.model_validate_json(remote.read(path))
    except ValidationError as error:
        raise UserError(
            f"{remote.repo} holds {path}, which this version of easy2hard cannot read; update easy2hard."
        ) from error


def _suite_of(remote: Remote, path: str, held: Manifest) -> Suite:
    try:
        return Suite.model_validate(held.suite)
    except ValidationError as error:
        raise UserError(
            f"{remote.repo} holds {path} of a suite that this version of easy2hard cannot read; update easy2hard."
        ) from error


def _check_nothing_lost(remote: Remote, part: Part, replace: bool) -> None:
    """Refuse a push of less, or of something else under the same version, unless it was meant."""
    path = f"{part.folder}{manifests.FILE}"
    if replace or path not in remote.files:
        return
    held = _manifest(remote, path)
    version = int(held.suite.get("version", 0))
    name = part.suite.name
    if version > part.suite.version:
        raise UserError(
            f"{remote.repo} holds {name} version {version}, newer than {part.suite.version}; update easy2hard, or push "
            "with --replace."
        )
    if version < part.suite.version:
        return
    if (held.definition, held.source) != (part.manifest.definition, part.manifest.source):
        raise UserError(
            f"{remote.repo} holds other samples of {name} version {version}; give yours another version or name, or "
            "push with --replace."
        )
    short = [
        str(side) for side, entry in held.sides.items()
        if side not in part.manifest.sides or part.manifest.sides[side].rows < entry.rows
    ]  # fmt: skip
    if short:
        raise UserError(
            f"{remote.repo} holds more of {name} than the folder: {', '.join(short)}; generate these too, or push "
            "with --replace to let them go."
        )


def _tasks(parts: Sequence[Part]) -> str:
    """`eval.yaml`: a task for every hard level that makes a headline."""
    tasks = [
        {"id": task_id(part.suite, level), "config": part.suite.config(level), "split": "test"}
        for part in parts
        for level in part.suite.headline
        if level in part.manifest.levels and "test" in part.manifest.levels[level].splits
    ]
    content: Mapping[str, object] = {
        "name": "easy2hard",
        "description": "Train on easy levels, score on harder ones. Higher is better: PSNR in dB, mazes solved in %.",
        "tasks": tasks,
    }
    return yaml.safe_dump(content, sort_keys=False, width=110)


def task_id(suite: Suite, level: str) -> str:
    """The name of a level's task on the Hub: `sp_0_3`, `maze_033`."""
    return re.sub(r"\W", "_", suite.config(level))


def _tag(api: "HfApi", sent: Sent, staged: Sequence[Staged], listen: Listener) -> tuple[str, ...]:
    """Mark the versions of the suites; one that is marked already stays where it is."""

    def mark() -> tuple[str, ...]:
        held = {
            tag.name: tag.target_commit for tag in api.list_repo_refs(sent.repo, repo_type="dataset").tags
        }
        notes = []
        for one in staged:
            name = f"{one.part.suite.name}-v{one.part.suite.version}"
            if name not in held:
                api.create_tag(sent.repo, tag=name, revision=sent.commit, repo_type="dataset", exist_ok=True)
                notes.append(f"tagged {name}")
            elif sent.changes:
                notes.append(f"the tag {name} stays at {held[name][:8]}, the first push of this version")
        return tuple(notes)

    return insist(mark, sent.repo, listen)
