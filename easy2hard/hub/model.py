"""`push model` and `hf:ORGANISATION/NAME`: an entry with its weights and what it scored, to the Hub and from it.

A model's repo holds `model.safetensors`, `config.json`, a card with a model-index, `.eval_results/` for the Hub's
leaderboards, and the entry itself as it lies in `submissions/`: `<entry>/model.py`, its card, its records.
"""

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from easy2hard import archive, atomic
from easy2hard.archive import Filed, Seeds
from easy2hard.card import Card, read_card
from easy2hard.errors import UserError
from easy2hard.hub import model_card
from easy2hard.hub.client import connect, insist
from easy2hard.hub.sending import File, Remote, Sent, Target, Wanted, file_of, look, send
from easy2hard.progress import Listener, silent
from easy2hard.version import VERSION

if TYPE_CHECKING:
    from huggingface_hub import HfApi

WEIGHTS = "model.safetensors"
_CONFIG = "config.json"


class Config(BaseModel):
    """What a model's repo says of itself in `config.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    library_name: str = "easy2hard"
    easy2hard: str  # the version that wrote it
    entry: Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*$")]
    task: str
    suite: str
    track: str
    recipe: str | None
    seed: int  # of the training whose weights these are
    train_iterations: int | None
    parameters: int
    hparams: dict[str, Any]
    sha256: dict[str, str]  # of the files that are run or loaded


class Fetched(NamedTuple):
    """A model's repo as an entry on this machine."""

    path: Path  # of the entry's folder
    weights: Path | None
    config: Config


def push_model(
    entry: str,
    submissions: Path,
    target: Target,
    *,
    suite: str | None = None,
    track: str | None = None,
    recipe: str | None = None,
    dataset: str | None = None,
    listen: Listener = silent,
) -> Sent:
    """Send the entry `submissions/<entry>/` with the weights of its first training seed to a model repo.

    Scores are those of its records on one suite and track, the mean over training seeds. `dataset` is the repo that
    the data were pushed to: with it the scores go to its leaderboard, if its samples are those that were scored.

    Raises `UserError` for an entry without records or weights, and for whatever the Hub or the network does.
    """
    folder = submissions / entry
    if not (folder / "model.py").is_file():
        raise UserError(
            f"{folder} holds no entry; lay it there with: easy2hard submit {entry} --into {submissions}"
        )
    facts = read_card(folder / "README.md")
    seeds = _chosen(submissions, entry, suite, track, recipe)
    api = connect()
    files = _files(folder, facts, seeds)
    notes: tuple[str, ...] = ()
    if dataset is not None:
        held = insist(lambda: _dataset(api, dataset, seeds), dataset, listen)
        results = model_card.results(seeds, held, f"{api.endpoint}/{target.repo}")
        if results is None:
            notes = ("no .eval_results: this version of huggingface_hub cannot write them; update it.",)
        else:
            files[f".eval_results/easy2hard_{seeds.record.task.suite}.yaml"] = file_of(results)
    files["README.md"] = file_of(model_card.render(target.repo, facts, seeds, dataset))
    title = f"Add {entry}, scored on {seeds.record.task.suite}"
    return send(api, target, "model", lambda remote: _wanted(remote, entry, files), title, listen)._replace(
        notes=notes
    )


def fetch(name: str, *, trust_code: bool, listen: Listener = silent) -> Fetched:
    """The model in the repo `ORGANISATION/NAME`, or `ORGANISATION/NAME@revision`, as an entry on this machine.

    Only the entry's own file, its cards and safetensors are fetched, never a pickle, and their hashes must be those of
    `config.json`. Evaluating runs its code, so without `trust_code` this raises `UserError` that says where to read it.
    """
    from huggingface_hub import constants

    repo, _, revision = name.partition("@")
    api = connect()
    target = Target(repo, revision or "main", dry_run=True)
    remote = insist(lambda: look(api, target, "model", strict=True), repo, listen)
    config = _config(remote)
    folder = Path(constants.HF_HOME) / "easy2hard" / repo / str(remote.head) / config.entry
    for path in (f"{config.entry}/model.py", f"{config.entry}/README.md", WEIGHTS):
        if path != WEIGHTS or path in remote.files:
            atomic.write_bytes(folder / Path(path).name, _content(remote, path, config, listen))
    if not trust_code:
        raise UserError(
            f"hf:{name} brings code, which evaluating would run; read {folder / 'model.py'}, and where you trust it "
            "add --trust-code."
        )
    weights = folder / WEIGHTS
    return Fetched(folder, weights if weights.is_file() else None, config)


def _content(remote: Remote, path: str, config: Config, listen: Listener) -> bytes:
    """A file of a model's repo, which must be the one that its `config.json` names."""
    if path not in remote.files:
        raise UserError(f"{remote.repo} lacks {path}; was it made by `easy2hard push model`?")
    content = insist(lambda: remote.read(path), remote.repo, listen)
    if path in (*config.sha256, WEIGHTS) and sha256(content).hexdigest() != config.sha256.get(path):
        raise UserError(
            f"{remote.repo}: {path} is not the file that its {_CONFIG} names; ask its owners to push it again."
        )
    return content


def _config(remote: Remote) -> Config:
    if _CONFIG not in remote.files:
        raise UserError(
            f"{remote.repo} has no {_CONFIG}; only models sent by `easy2hard push model` can be evaluated."
        )
    try:
        return Config.model_validate_json(insist(lambda: remote.read(_CONFIG), remote.repo))
    except ValidationError as error:
        raise UserError(
            f"{remote.repo}: {_CONFIG} is not one of easy2hard {VERSION}: it is another's, or newer."
        ) from error


def _chosen(submissions: Path, entry: str, suite: str | None, track: str | None, recipe: str | None) -> Seeds:
    """The records of one suite, track and recipe; raises `UserError` naming the choices where there are several."""
    found: dict[tuple[str, str, str], list[Filed]] = {}
    for path in archive.paths(submissions, entry):
        filed = archive.read(path)
        asked = (filed.record.task.suite, filed.record.track, filed.record.model.recipe or "")
        fits = all(wish in (None, has) for wish, has in zip((suite, track, recipe), asked, strict=True))
        if fits and filed.record.ranks and filed.record.model.band != "ceiling":
            found.setdefault(asked, []).append(filed)
    if not found:
        raise UserError(
            f"{submissions / entry} has no records of that suite and track; run `easy2hard evaluate {entry}` and "
            f"`easy2hard submit {entry} --weights` first."
        )
    if len(found) > 1:
        choices = "; ".join(f"--suite {s} --track {t}" + (f" --recipe {r}" if r else "") for s, t, r in found)
        raise UserError(f"{entry} has records of several kinds; choose one of: {choices}.")
    ((name, of_track, _), filed_here) = next(iter(found.items()))
    others = [archive.read(path) for path in archive.paths(submissions)]
    same = [filed for filed in others if (filed.record.task.suite, filed.record.track) == (name, of_track)]
    seeds = Seeds(
        tuple(sorted(filed_here, key=lambda filed: filed.record.training_seed)), archive.find_identity(same)
    )
    if seeds.fault:
        raise UserError(seeds.fault)
    return seeds


def _files(folder: Path, facts: Card, seeds: Seeds) -> dict[str, File]:
    """The entry's files, its weights and what says how they belong together."""
    entry, record = folder.name, seeds.record
    files = {f"{entry}/{name}": file_of(folder / name) for name in ("model.py", "README.md")}
    if files[f"{entry}/model.py"].sha256 != record.model.sha256:
        raise UserError(
            f"{folder / 'model.py'} is not the code that was scored; evaluate and submit it again."
        )
    for filed in seeds.filed:
        files[f"{entry}/records/{filed.path.name}"] = file_of(filed.path)
    weights = _weights(seeds)
    if weights is not None:
        files[WEIGHTS] = weights
    hashed = {path: files[path].sha256 for path in (f"{entry}/model.py", WEIGHTS) if path in files}
    config = Config(
        easy2hard=VERSION,
        entry=entry,
        task=facts.task,
        suite=record.task.suite,
        track=record.track,
        recipe=record.model.recipe,
        seed=record.training_seed,
        train_iterations=record.model.train_iterations,
        parameters=record.model.params_total,
        hparams=record.model.hparams,
        sha256=hashed,
    )
    files[_CONFIG] = file_of(config.model_dump_json(indent=1) + "\n")
    return files


def _weights(seeds: Seeds) -> File | None:
    """The weights of the first seed that has not failed; None for a model that has none."""
    filed = next(filed for filed in seeds.filed if filed.record is seeds.record)
    held = filed.record.model.weights
    if held is None:
        return None
    place = filed.path.with_name(Path(held.uri).name)
    if not place.is_file():
        raise UserError(
            f"the weights of {filed.path} are not beside it; lay them there with: "
            f"easy2hard submit {filed.record.model.id} --weights"
        )
    file = file_of(place)
    if file.sha256 != held.sha256 or place.suffix != ".safetensors":
        raise UserError(f"{place} is not the file that its record names; submit the entry again.")
    return file


def _wanted(remote: Remote, entry: str, files: dict[str, File]) -> Wanted:
    """The files, and none of the weights or records that an earlier push left."""
    ours = (WEIGHTS, f"{entry}/", ".eval_results/easy2hard_")
    return Wanted(files, [path for path in remote.files if path.startswith(ours) and path not in files])


def _dataset(api: "HfApi", dataset: str, seeds: Seeds) -> "model_card.Dataset":
    """The data repo at the suite's version, which must hold the very samples that were scored."""
    from easy2hard.data.manifest import FILE, Manifest

    task = seeds.record.task
    tag = f"{task.suite}-v{task.version}"
    remote = look(api, Target(dataset, tag, dry_run=True), "dataset", strict=True)
    path = f"{task.suite}/{FILE}"
    if path not in remote.files:
        raise UserError(
            f"{dataset} holds no data of {task.suite}; send them with `easy2hard push data {task.suite}`."
        )
    held = Manifest.model_validate_json(remote.read(path))
    other = [level for level in task.headline if _digest(held, level) != task.levels[level].digest]
    if other:
        raise UserError(
            f"{dataset} at {tag} does not hold the samples of level {', '.join(other)} that {seeds.record.model.id} "
            "was scored on; push these data, or evaluate again."
        )
    return model_card.Dataset(dataset, str(remote.head), held)


def _digest(held: Any, level: str) -> str | None:
    entry = held.levels.get(level)
    return entry.digest if entry is not None else None
