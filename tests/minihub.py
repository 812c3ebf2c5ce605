"""A small Hub on 127.0.0.1: what the real clients ask of huggingface.co, with repos in memory and faults on demand.

It answers repos, trees, files with ranges, LFS in one piece or several, Xet through a local store, commits with a
parent, pull requests, branches and tags. `Hub.fault` makes an answer fail, hang or break off; `Hub.log` holds what
was asked. Tokens: `hf_write` and `hf_read` belong to ann, who is in the organisation lab.
"""

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import xetstore

USER, ORG = "ann", "lab"
TOKENS = {"hf_write": "write", "hf_read": "read"}
DATE = "2026-11-20T10:00:00.000Z"
_LFS = (".parquet", ".safetensors", ".png")


class Blob(NamedTuple):
    """A file's content; LFS says how it is stored."""

    content: bytes
    lfs: bool

    @property
    def oid(self) -> str:
        return sha1(b"blob %d\0" % len(self.content) + self.content).hexdigest()

    @property
    def sha256(self) -> str:
        return sha256(self.content).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.lfs else self.oid


@dataclass
class Commit:
    """A state of a repo."""

    oid: str
    title: str
    files: dict[str, Blob]


@dataclass
class Repo:
    """A repo with its history, the newest commit of each ref last."""

    kind: str  # models, datasets or spaces
    id: str
    private: bool = False
    commits: dict[str, Commit] = field(default_factory=dict)
    history: dict[str, list[str]] = field(default_factory=dict)  # ref -> oids
    tags: dict[str, str] = field(default_factory=dict)
    pulls: dict[int, str] = field(default_factory=dict)  # number -> title

    def __str__(self) -> str:
        return f"{self.kind}/{self.id} after {len(self.commits)} commits"

    def __post_init__(self) -> None:
        self.add("main", "initial commit", {".gitattributes": Blob(b"*.parquet filter=lfs\n", False)})

    def add(self, ref: str, title: str, files: dict[str, Blob]) -> Commit:
        content = sorted((path, blob.oid) for path, blob in files.items())
        commit = Commit(sha1(f"{self} {title} {content}".encode()).hexdigest(), title, files)
        self.commits[commit.oid] = commit
        self.history.setdefault(ref, []).append(commit.oid)
        return commit

    def find(self, revision: str) -> Commit | None:
        if revision in self.history:
            return self.commits[self.history[revision][-1]]
        return self.commits.get(self.tags.get(revision, revision))

    @property
    def files(self) -> dict[str, bytes]:
        """What stands on main, by path."""
        head = self.commits[self.history["main"][-1]]
        return {path: blob.content for path, blob in sorted(head.files.items()) if path != ".gitattributes"}

    @property
    def titles(self) -> list[str]:
        """The titles of main's commits, the oldest first, less the one that began it."""
        return [self.commits[oid].title for oid in self.history["main"][1:]]


@dataclass
class Fault:
    """What goes wrong with requests that match: a status, a cut after some bytes, a lost answer, or a pause."""

    method: str
    path: str  # a regular expression
    status: int | None = None
    cut: int | None = None
    late: bool = False  # the request is carried out, and the connection breaks before the answer
    hold: threading.Event | None = None
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1  # -1: for ever
    skip: int = 0  # so many requests pass first
    reached: threading.Event = field(default_factory=threading.Event)


class Request(NamedTuple):
    """A line of the log."""

    method: str
    path: str
    sent: int  # bytes of the body
    status: int


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str, code: str = "", **headers: str) -> None:
        self.status = status
        self.headers = {"X-Error-Message": message, **({"X-Error-Code": code} if code else {}), **headers}
        self.body = json.dumps({"error": message}).encode()


State = tuple[dict[tuple[str, str], Repo], dict[str, bytes]]


class Hub:
    """The server's state, and the server itself on a port of its own."""

    def __init__(self, store: Path | None = None) -> None:
        self.repos: dict[tuple[str, str], Repo] = {}
        self.objects: dict[str, bytes] = {}
        self.parts: dict[tuple[str, int], bytes] = {}
        self.faults: list[Fault] = []
        self.log: list[Request] = []
        self.lock = threading.RLock()
        self.part_size: int | None = None  # LFS objects above it are asked for in parts
        self.page = 1000  # entries of a tree in one answer
        self.store = store  # of Xet's chunks
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"hub": self}))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def fault(self, method: str, path: str, **what: Any) -> Fault:
        """Let the next requests of `method` whose path holds `path` fail; see `Fault`."""
        fault = Fault(method, path, **what)
        with self.lock:
            self.faults.append(fault)
        return fault

    def clear(self) -> None:
        """Forget everything, so that the next test begins with an empty Hub."""
        with self.lock:
            for fault in self.faults:
                if fault.hold:
                    fault.hold.set()
            for memory in (self.repos, self.objects, self.parts, self.faults, self.log):
                memory.clear()  # type: ignore[attr-defined]
            self.part_size, self.page = None, 1000

    def save(self) -> "State":
        """The repos as they are, to go back to."""
        with self.lock:
            return deepcopy(self.repos), dict(self.objects)

    def restore(self, state: "State") -> None:
        """Go back to a state that was saved."""
        with self.lock:
            self.repos.update(deepcopy(state[0]))
            self.objects.update(state[1])

    def dataset(self, id: str) -> Repo:
        return self.repos["datasets", id]

    def uploads(self) -> list[Request]:
        """The objects that were sent, whether they arrived or not."""
        return [request for request in self.log if request.method == "PUT"]

    def commits(self) -> list[Request]:
        """The commits that were asked for."""
        return [request for request in self.log if request.method == "POST" and "/commit/" in request.path]

    def stored(self, oid: str) -> xetstore.Stored | None:
        """The object in Xet's store, where there is one."""
        return xetstore.find(self.store, oid) if self.store else None

    def next_fault(self, method: str, path: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.method != method or not re.search(fault.path, path) or fault.times == 0:
                    continue
                if fault.skip:
                    fault.skip -= 1
                    return None
                fault.times -= 1
                return fault
        return None


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

    def _serve(self) -> None:
        address = urlsplit(self.path)
        self.query = {name: values[0] for name, values in parse_qs(address.query).items()}
        fault = self.hub.next_fault(self.command, self.path)
        if fault:
            fault.reached.set()
            if fault.hold:
                fault.hold.wait(60)
            if fault.cut is not None and self.command in ("PUT", "POST"):
                self.rfile.read(min(fault.cut, int(self.headers.get("Content-Length") or 0)))
                return self._break_off(fault.cut)
        self.body = self._read()
        try:
            if fault and fault.status:
                raise Refusal(fault.status, "the server has a bad day", **fault.headers)
            status, headers, content = self._answer(address.path)
        except Refusal as refusal:
            status, headers, content = refusal.status, refusal.headers, refusal.body
        if fault and fault.late:
            return self._break_off(len(self.body))
        if fault and fault.cut is not None:
            self._send(status, headers, content[: fault.cut], length=len(content))
            return self._break_off(len(self.body))
        self._send(status, headers, content)
        return None

    def _break_off(self, sent: int) -> None:
        self._note(0, sent)
        self.close_connection = True
        self.connection.close()

    def _note(self, status: int, sent: int) -> None:
        with self.hub.lock:
            self.hub.log.append(Request(self.command, self.path, sent, status))

    def _read(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            content = b""
            while size := int(self.rfile.readline(), 16):
                content += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return content
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _send(self, status: int, headers: dict[str, str], content: bytes, length: int | None = None) -> None:
        self._note(status, len(self.body))
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content) if length is None else length))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):  # the client has gone
            self.close_connection = True

    # Who asks

    @property
    def role(self) -> str | None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if not token:
            return None
        if token not in TOKENS:
            raise Refusal(401, "Invalid credentials in Authorization header")
        return TOKENS[token]

    def _check_write(self, namespace: str) -> None:
        role = self.role
        if role is None:
            raise Refusal(401, "Invalid username or password.")
        if role != "write" or namespace not in (USER, ORG):
            raise Refusal(403, "you don't have the rights to write there")

    def _repo(self, kind: str, id: str) -> Repo:
        repo = self.hub.repos.get((kind, id))
        if repo is None or (repo.private and (self.role is None or id.split("/")[0] not in (USER, ORG))):
            raise Refusal(404 if self.role else 401, "Repository not found", "RepoNotFound")
        return repo

    def _commit(self, repo: Repo, revision: str) -> Commit:
        commit = repo.find(revision)
        if commit is None:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return commit

    # What is answered

    def _answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        for method, pattern, handler in _ROUTES:
            match = re.fullmatch(pattern, path)
            if match and self.command in method.split():
                given = {name: unquote(value or "") for name, value in match.groupdict().items()}
                if "kind" in given:
                    given["kind"] = given["kind"].strip("/") or "models"
                with self.hub.lock:
                    found = handler(self, **given)
                if isinstance(found, tuple):
                    return found
                return 200, {"Content-Type": "application/json"}, json.dumps(found).encode()
        raise Refusal(404, f"minihub has no answer to {self.command} {path}")

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"{}")

    def whoami(self) -> object:
        role = self.role
        if role is None:
            raise Refusal(401, "Invalid username or password.")
        access = {"accessToken": {"displayName": "test", "role": role}}
        return {"type": "user", "name": USER, "orgs": [{"name": ORG}], "auth": access}

    def create(self) -> object:
        asked = self.json
        id = f"{asked.get('organization') or USER}/{asked['name'].split('/')[-1]}"
        self._check_write(id.split("/")[0])
        kind = f"{asked.get('type') or 'model'}s"
        address = f"{self.hub.url}/{'' if kind == 'models' else kind + '/'}{id}"
        if (kind, id) in self.hub.repos:
            body = json.dumps({"error": "You already created this repo", "url": address}).encode()
            return 409, {"Content-Type": "application/json"}, body
        private = bool(asked.get("private")) or asked.get("visibility") == "private"
        self.hub.repos[kind, id] = Repo(kind, id, private)
        return {"url": address, "name": id}

    def validate(self) -> object:
        content = self.json["content"]
        fine = content.startswith("---\n") and "\n---" in content[3:]
        return {"errors": [] if fine else [{"message": "no YAML at the head"}], "warnings": []}

    def info(self, kind: str, id: str, revision: str = "main") -> object:
        repo = self._repo(kind, id)
        commit = self._commit(repo, revision or "main")
        siblings = [{"rfilename": path} for path in sorted(commit.files)]
        fixed = {
            "gated": False,
            "disabled": False,
            "downloads": 0,
            "likes": 0,
            "tags": [],
            "lastModified": DATE,
        }
        own = {"id": id, "author": id.split("/")[0], "sha": commit.oid, "private": repo.private}
        return {**fixed, **own, "createdAt": DATE, "siblings": siblings}

    def preupload(self, kind: str, id: str, revision: str) -> object:
        repo = self._repo(kind, id)
        self._writable(repo)
        files = self._commit(repo, revision).files
        return {
            "files": [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["path"].endswith(_LFS) or file["size"] > 10**7 else "regular",
                    "shouldIgnore": False,
                    "oid": files[file["path"]].etag if file["path"] in files else None,
                }
                for file in self.json["files"]
            ]
        }

    def _writable(self, repo: Repo) -> None:
        """Anybody who may write at all may open a pull request; other changes are for members."""
        proposal = self.query.get("create_pr") or "/refs%2Fpr%2F" in self.path
        self._check_write(USER if proposal and not repo.private else repo.id.split("/")[0])

    def batch(self, kind: str, id: str) -> object:
        self._repo(kind, id)
        self._check_write(USER)
        objects = []
        for asked in self.json["objects"]:
            answer = {"oid": asked["oid"], "size": asked["size"]}
            if asked["oid"] not in self.hub.objects:
                answer["actions"] = self._actions(asked["oid"], asked["size"])
            objects.append(answer)
        whole = self.hub.part_size is None or "multipart" not in self.json.get("transfers", [])
        return {"transfer": "basic" if whole else "multipart", "objects": objects}

    def _actions(self, oid: str, size: int) -> dict[str, Any]:
        href = f"{self.hub.url}/lfs/{oid}"
        verify = {"href": f"{href}/verify"}
        part = self.hub.part_size
        if part is None or size <= part or "multipart" not in self.json.get("transfers", []):
            return {"upload": {"href": href}, "verify": verify}
        parts = {str(n): f"{href}/{n}" for n in range(1, -(-size // part) + 1)}
        return {
            "upload": {"href": f"{href}/complete", "header": {"chunk_size": str(part), **parts}},
            "verify": verify,
        }

    def put(self, oid: str, part: str = "") -> object:
        if part:
            self.hub.parts[oid, int(part)] = self.body
        else:
            self._keep(oid, self.body)
        return 200, {"ETag": f'"{sha256(self.body).hexdigest()}"'}, b""

    def complete(self, oid: str) -> object:
        numbers = [part["partNumber"] for part in self.json["parts"]]
        self._keep(oid, b"".join(self.hub.parts.pop((oid, number)) for number in numbers))
        return {}

    def _keep(self, oid: str, content: bytes) -> None:
        if sha256(content).hexdigest() != oid:
            raise Refusal(400, "the content does not hash to its oid")
        self.hub.objects[oid] = content

    def verify(self, oid: str) -> object:
        if len(self.hub.objects.get(oid, b"")) != self.json.get("size"):
            raise Refusal(404, "no such object")
        return {}

    def commit(self, kind: str, id: str, revision: str) -> object:
        repo = self._repo(kind, id)
        self._writable(repo)
        lines = [json.loads(line) for line in self.body.splitlines() if line.strip()]
        header = lines[0]["value"]
        base = self._commit(repo, revision)
        if header.get("parentCommit") not in (None, base.oid):
            raise Refusal(412, "A commit has happened since. Please refresh and try again.")
        files = dict(base.files)
        for line in lines[1:]:
            self._apply(files, line["key"], line["value"])
        address = f"{self.hub.url}/{'' if kind == 'models' else kind + '/'}{id}"
        if self.query.get("create_pr"):
            number = len(repo.pulls) + 1
            repo.pulls[number] = header["summary"]
            made = repo.add(f"refs/pr/{number}", header["summary"], files)
            pull = {"pullRequestUrl": f"{address}/discussions/{number}"}
        else:
            made, pull = repo.add(revision, header["summary"], files), {}
        return {
            "success": True,
            "commitOid": made.oid,
            "commitUrl": f"{address}/commit/{made.oid}",
            "hookOutput": "",
            **pull,
        }

    def _apply(self, files: dict[str, Blob], key: str, value: dict[str, Any]) -> None:
        path = value["path"]
        if key == "file":
            files[path] = Blob(base64.b64decode(value["content"]), False)
        elif key == "lfsFile":
            stored = self.hub.stored(value["oid"])
            if stored and self.hub.store:
                self.hub.objects[stored.sha256] = xetstore.read(self.hub.store, stored)
            if value["oid"] not in self.hub.objects:
                raise Refusal(400, f"LFS pointer of {path} points to an object that was never uploaded")
            files[path] = Blob(self.hub.objects[value["oid"]], True)
        elif key == "deletedFile":
            if path not in files:
                raise Refusal(404, "A file with this name doesn't exist", "EntryNotFound")
            del files[path]
        else:
            for held in [held for held in files if held.startswith(path.rstrip("/") + "/")]:
                del files[held]

    def tree(self, kind: str, id: str, revision: str, folder: str = "") -> object:
        commit = self._commit(self._repo(kind, id), revision)
        found = _listing(commit.files, folder, recursive=self.query.get("recursive", "").lower() == "true")
        if folder and not found:
            raise Refusal(404, "no such folder", "EntryNotFound", **{"X-Repo-Commit": commit.oid})
        first = int(self.query.get("cursor", 0))
        last = first + self.hub.page
        headers = {"Content-Type": "application/json"}
        if last < len(found):
            kept = "&".join(f"{name}={value}" for name, value in self.query.items() if name != "cursor")
            headers["Link"] = f'<{self.hub.url}{urlsplit(self.path).path}?{kept}&cursor={last}>; rel="next"'
        return 200, headers, json.dumps(found[first:last]).encode()

    def paths_info(self, kind: str, id: str, revision: str) -> object:
        files = self._commit(self._repo(kind, id), revision).files
        if self.headers.get("Content-Type", "").startswith("application/json"):
            asked = self.json["paths"]
        else:
            asked = parse_qs(self.body.decode()).get("paths", [])
        folders = [path for path in asked if any(held.startswith(path + "/") for held in files)]
        entries = [_entry(path, files[path]) for path in asked if path in files]
        return entries + [{"type": "directory", "oid": "0" * 40, "size": 0, "path": path} for path in folders]

    def resolve(self, kind: str, id: str, revision: str, file: str) -> object:
        commit = self._commit(self._repo(kind, id), revision)
        blob = commit.files.get(file)
        if blob is None:
            raise Refusal(404, "Entry not found", "EntryNotFound", **{"X-Repo-Commit": commit.oid})
        headers = {"ETag": f'"{blob.etag}"', "X-Repo-Commit": commit.oid, "Accept-Ranges": "bytes"}
        if blob.lfs:
            stored = self.hub.stored(blob.sha256)
            if stored:
                refresh = f"{self.hub.url}/api/{kind}/{id}/xet-read-token/{commit.oid}"
                headers |= {"X-Xet-Hash": stored.hash, "X-Xet-Refresh-Route": refresh}
            headers |= {"X-Linked-Etag": f'"{blob.etag}"', "X-Linked-Size": str(len(blob.content))}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not wanted:
            return 200, headers, blob.content
        first, last = int(wanted[1]), int(wanted[2] or len(blob.content) - 1)
        piece = blob.content[first : last + 1]
        headers["Content-Range"] = f"bytes {first}-{first + len(piece) - 1}/{len(blob.content)}"
        return 206, headers, piece

    def refs(self, kind: str, id: str) -> object:
        repo = self._repo(kind, id)
        heads = {ref: oids[-1] for ref, oids in repo.history.items()}
        branches = [
            _ref(name, f"refs/heads/{name}", oid) for name, oid in heads.items() if "/pr/" not in name
        ]
        pulls = [_ref(name, name, oid) for name, oid in heads.items() if "/pr/" in name]
        tags = [_ref(name, f"refs/tags/{name}", oid) for name, oid in repo.tags.items()]
        return {"branches": branches, "tags": tags, "converts": [], "pullRequests": pulls}

    def tag(self, kind: str, id: str, revision: str) -> object:
        repo = self._repo(kind, id)
        self._check_write(id.split("/")[0])
        commit, name = self._commit(repo, revision), self.json["tag"]
        if name in repo.tags:
            raise Refusal(409, f"Tag {name} already exists")
        repo.tags[name] = commit.oid
        return {}

    def branch(self, kind: str, id: str, revision: str) -> object:
        repo = self._repo(kind, id)
        self._check_write(id.split("/")[0])
        if revision in repo.history:
            raise Refusal(409, f"Reference already exists: refs/heads/{revision}")
        repo.history[revision] = [self._commit(repo, self.json.get("startingPoint") or "main").oid]
        return {}

    def discussions(self, kind: str, id: str) -> object:
        repo = self._repo(kind, id)
        about = {"name": id, "type": kind.removesuffix("s")}
        shown = [
            {
                "num": number, "title": title, "status": "open", "isPullRequest": True,
                "createdAt": DATE, "author": {"name": USER}, "repo": about, "repoOwner": {"name": id},
            }
            for number, title in repo.pulls.items()
        ]  # fmt: skip
        return {"discussions": shown, "count": len(shown), "start": 0, "numClosedDiscussions": 0}

    def xet(self, way: str, kind: str, id: str, revision: str = "") -> object:
        if self.hub.store is None:
            raise Refusal(404, "this Hub has no Xet")
        repo = self._repo(kind, id)
        if way == "write":
            self._writable(repo)
        token = {"casUrl": f"local://{self.hub.store}", "exp": int(time.time()) + 3600, "accessToken": "cas"}
        headers = {
            "X-Xet-Cas-Url": token["casUrl"],
            "X-Xet-Token-Expiration": str(token["exp"]),
            "X-Xet-Access-Token": token["accessToken"],
        }
        return 200, {"Content-Type": "application/json", **headers}, json.dumps(token).encode()


def _entry(path: str, blob: Blob) -> dict[str, Any]:
    size = len(blob.content)
    entry: dict[str, Any] = {"type": "file", "oid": blob.oid, "size": size, "path": path}
    return entry | ({"lfs": {"oid": blob.sha256, "size": size, "pointerSize": 130}} if blob.lfs else {})


def _ref(name: str, ref: str, oid: str) -> dict[str, str]:
    return {"name": name, "ref": ref, "targetCommit": oid}


def _listing(files: dict[str, Blob], folder: str, *, recursive: bool) -> list[dict[str, Any]]:
    """The files and folders below `folder`."""
    start = f"{folder.rstrip('/')}/" if folder else ""
    below = sorted(path for path in files if path.startswith(start))
    folders = dict.fromkeys(
        start + "/".join(parts[:depth])
        for parts in (path[len(start) :].split("/") for path in below)
        for depth in range(1, len(parts))
    )
    near = [path for path in below if recursive or "/" not in path[len(start) :]]
    shown = [path for path in folders if recursive or "/" not in path[len(start) :]]
    entries = [{"type": "directory", "oid": "0" * 40, "size": 0, "path": path} for path in shown]
    return entries + [_entry(path, files[path]) for path in near]


_REPO = r"/api/(?P<kind>models|datasets|spaces)/(?P<id>[^/]+/[^/]+)"
_Route = tuple[str, str, Callable[..., object]]


def _routes() -> Iterator[_Route]:
    yield "GET", "/api/whoami-v2", _Handler.whoami
    yield "POST", "/api/repos/create", _Handler.create
    yield "POST", "/api/validate-yaml", _Handler.validate
    yield "POST", rf"{_REPO}/preupload/(?P<revision>[^/]+)", _Handler.preupload
    yield "POST", rf"{_REPO}/commit/(?P<revision>[^/]+)", _Handler.commit
    yield "GET", rf"{_REPO}/tree/(?P<revision>[^/]+)(/(?P<folder>.+))?", _Handler.tree
    yield "POST", rf"{_REPO}/paths-info/(?P<revision>[^/]+)", _Handler.paths_info
    yield "GET", rf"{_REPO}/refs", _Handler.refs
    yield "POST", rf"{_REPO}/tag/(?P<revision>[^/]+)", _Handler.tag
    yield "POST", rf"{_REPO}/branch/(?P<revision>[^/]+)", _Handler.branch
    yield "GET", rf"{_REPO}/discussions", _Handler.discussions
    yield "GET", rf"{_REPO}/xet-(?P<way>read|write)-token(/(?P<revision>[^/]+))?", _Handler.xet
    yield "GET", rf"{_REPO}(/revision/(?P<revision>[^/]+))?", _Handler.info
    plain = r"/(?P<kind>datasets/|spaces/)?(?P<id>[^/]+/[^/]+)"
    yield "POST", rf"{plain}\.git/info/lfs/objects/batch", _Handler.batch
    yield "PUT", r"/lfs/(?P<oid>[0-9a-f]{64})(/(?P<part>\d+))?", _Handler.put
    yield "POST", r"/lfs/(?P<oid>[0-9a-f]{64})/complete", _Handler.complete
    yield "POST", r"/lfs/(?P<oid>[0-9a-f]{64})/verify", _Handler.verify
    yield "GET HEAD", rf"{plain}/resolve/(?P<revision>[^/]+)/(?P<file>.+)", _Handler.resolve


_ROUTES: list[_Route] = list(_routes())
