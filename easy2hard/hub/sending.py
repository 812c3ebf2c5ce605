"""Bring a repo to a wanted state: see what it holds, send what differs, as one commit on top of what was seen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import file_digest, sha1, sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from easy2hard.errors import UserError
from easy2hard.hub.client import insist
from easy2hard.progress import Listener, Step, silent

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

Kind = Literal["model", "dataset", "space"]
_TOGETHER = 5  # files under way at once; after each group the progress bar moves


@dataclass(frozen=True)
class Target:
    """Where a push goes; `UserError` for what is no name of a repo."""

    repo: str  # ORGANISATION/NAME
    revision: str = "main"  # a branch; it is made where it is missing
    private: bool = False  # of a repo that the push creates
    create_pr: bool = False  # propose the change instead of making it
    dry_run: bool = False  # only say what would be sent

    def __post_init__(self) -> None:
        if self.repo.count("/") != 1 or not all(self.repo.split("/")):
            raise UserError(f"a repo is ORGANISATION/NAME, such as my-lab/easy2hard; got '{self.repo}'.")


@dataclass(frozen=True)
class File:
    """What is to stand in a repo: a file on disk, or content."""

    source: Path | bytes
    size: int
    sha256: str

    @property
    def content(self) -> bytes:
        return self.source if isinstance(self.source, bytes) else self.source.read_bytes()


class Change(NamedTuple):
    """One file that differs."""

    path: str
    action: Literal["add", "replace", "delete"]
    size: int  # bytes that are sent at most; 0 for a deletion
    sha256: str


class Wanted(NamedTuple):
    """How a repo is to look: files that must stand in it, and files that must not."""

    files: Mapping[str, File]
    gone: Sequence[str] = ()


class Sent(NamedTuple):
    """What a push did, or with `dry_run` would do."""

    repo: str
    url: str
    commit: str | None  # that holds it; None where nothing is there yet
    pull: str | None  # the address of the pull request
    changes: tuple[Change, ...]
    kept: int  # files that were there already
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Remote:
    """What a repo held at one commit."""

    api: "HfApi"
    repo: str
    kind: Kind
    head: str | None  # None: there is no such repo
    private: bool
    files: Mapping[
        str, tuple[int, str, bool]
    ]  # path -> bytes, hash, whether that is a SHA-256 (else git's SHA-1)

    def read(self, path: str) -> bytes:
        """The content of a file, as it was at that commit."""
        found = self.api.hf_hub_download(self.repo, path, repo_type=self.kind, revision=self.head)
        return Path(found).read_bytes()

    def holds(self, path: str, file: File) -> bool:
        """Whether the file stands there as it is wanted."""
        if path not in self.files:
            return False
        size, digest, large = self.files[path]
        if size != file.size:
            return False
        return digest == (file.sha256 if large else _git_hash(file.content))


Stage = Callable[[Remote], Wanted]


def file_of(source: Path | bytes | str, digest: str | None = None) -> File:
    """A file to send; `digest` spares hashing one that has just been verified."""
    content = source.encode() if isinstance(source, str) else source
    if isinstance(content, bytes):
        return File(content, len(content), sha256(content).hexdigest())
    if digest is None:
        with open(content, "rb") as stream:
            digest = file_digest(stream, "sha256").hexdigest()
    return File(content, content.stat().st_size, digest)


def send(
    api: "HfApi", target: Target, kind: Kind, stage: Stage, title: str, listen: Listener = silent
) -> Sent:
    """Bring the repo to what `stage` makes of what it holds, in one commit, or in a pull request.

    `stage` is called again when somebody else pushed meanwhile, so what it merges is never lost. A pull
    request of ours that proposes the same is found again. Raises `UserError`.
    """
    return insist(lambda: _attempt(api, target, kind, stage, title, listen), target.repo, listen)


def _attempt(api: "HfApi", target: Target, kind: Kind, stage: Stage, title: str, listen: Listener) -> Sent:
    remote = look(api, target, kind)
    _check_privacy(remote, target)
    if remote.head is None and not target.dry_run:
        api.create_repo(target.repo, repo_type=kind, private=target.private, exist_ok=True,
                        space_sdk="static" if kind == "space" else None)  # fmt: skip
        remote = look(api, target, kind)
    if remote.head and target.create_pr:
        number = _proposed(api, remote, stage, title)
        if number is not None:
            return _sent(api, remote, kind, (), len(stage(remote).files), pull=number)
    wanted = stage(remote)
    changes = _changes(remote, wanted)
    kept = len(wanted.files) - sum(change.action != "delete" for change in changes)
    if target.dry_run or not changes:
        return _sent(api, remote, kind, changes, kept)
    operations = _upload(api, target, kind, wanted, changes, listen)
    made = api.create_commit(
        target.repo,
        operations,
        commit_message=title,
        repo_type=kind,
        revision=target.revision,
        create_pr=target.create_pr,
        parent_commit=remote.head,
    )
    number = int(made.pr_revision.rsplit("/", 1)[1]) if made.pr_revision else None
    return _sent(api, remote, kind, changes, kept, commit=made.oid, pull=number)


def look(api: "HfApi", target: Target, kind: Kind, *, strict: bool = False) -> Remote:
    """What the repo holds now; a branch that is missing is made from main, except by a dry run, which sees main.

    `strict` is for reading: neither a repo nor a revision may be missing.
    """
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
    from huggingface_hub.hf_api import RepoFile

    try:
        info = api.repo_info(target.repo, repo_type=kind, revision=target.revision)
    except RepositoryNotFoundError:
        if strict:
            raise
        return Remote(api, target.repo, kind, None, target.private, {})
    except RevisionNotFoundError:
        if strict:
            raise
        if not target.dry_run:
            api.create_branch(target.repo, branch=target.revision, repo_type=kind, exist_ok=True)
        info = api.repo_info(target.repo, repo_type=kind)
    entries = api.list_repo_tree(target.repo, repo_type=kind, revision=info.sha, recursive=True)
    files = {
        entry.path: (entry.size, entry.lfs.sha256 if entry.lfs else entry.blob_id, bool(entry.lfs))
        for entry in entries
        if isinstance(entry, RepoFile)
    }
    return Remote(api, target.repo, kind, info.sha, bool(info.private), files)


def _check_privacy(remote: Remote, target: Target) -> None:
    if target.private and remote.head is not None and not remote.private:
        raise UserError(
            f"{target.repo} exists and is public; make it private in its settings on the Hub, or leave --private out."
        )


def _proposed(api: "HfApi", remote: Remote, stage: Stage, title: str) -> int | None:
    """The number of an open pull request with this title that holds all that is wanted."""
    for discussion in api.get_repo_discussions(remote.repo, repo_type=remote.kind):
        if not (discussion.is_pull_request and discussion.status == "open" and discussion.title == title):
            continue
        proposal = look(api, Target(remote.repo, discussion.git_reference or ""), remote.kind)
        if not _changes(proposal, stage(proposal)):
            return int(discussion.num)
    return None


def _changes(remote: Remote, wanted: Wanted) -> tuple[Change, ...]:
    """What differs: files to send by path, then files to delete."""
    sent = [
        Change(path, "replace" if path in remote.files else "add", file.size, file.sha256)
        for path, file in sorted(wanted.files.items())
        if not remote.holds(path, file)
    ]
    gone = [Change(path, "delete", 0, "") for path in sorted(wanted.gone) if path in remote.files]
    return (*sent, *gone)


def _upload(
    api: "HfApi", target: Target, kind: Kind, wanted: Wanted, changes: Sequence[Change], listen: Listener
) -> "list[CommitOperationAdd | CommitOperationDelete]":
    """Send the large files, a few at a time; the operations of the commit that will name them."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    total = sum(change.size for change in changes)
    operations: list[CommitOperationAdd | CommitOperationDelete] = []
    done = 0
    sent = [change for change in changes if change.action != "delete"]
    listen(Step(f"send to {target.repo} (bytes)", 0, total, {}))
    for first in range(0, len(sent), _TOGETHER):
        group = sent[first : first + _TOGETHER]
        added = [_operation(CommitOperationAdd, change.path, wanted.files[change.path]) for change in group]
        api.preupload_lfs_files(
            target.repo,
            added,
            repo_type=kind,
            revision=target.revision,
            create_pr=target.create_pr,
            free_memory=False,
        )
        operations += added
        done += sum(change.size for change in group)
        listen(Step(f"send to {target.repo} (bytes)", done, total, {"files": first + len(group)}))
    operations += [CommitOperationDelete(change.path) for change in changes if change.action == "delete"]
    return operations


def _operation(add: "type[CommitOperationAdd]", path: str, file: File) -> "CommitOperationAdd":
    return add(path, file.source if isinstance(file.source, bytes) else str(file.source))


def _sent(
    api: "HfApi",
    remote: Remote,
    kind: Kind,
    changes: tuple[Change, ...],
    kept: int,
    *,
    commit: str | None = None,
    pull: int | None = None,
) -> Sent:
    url = f"{api.endpoint}/{'' if kind == 'model' else kind + 's/'}{remote.repo}"
    proposal = f"{url}/discussions/{pull}" if pull is not None else None
    return Sent(remote.repo, url, commit or remote.head, proposal, changes, kept)


def _git_hash(content: bytes) -> str:
    return sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
