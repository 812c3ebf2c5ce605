"""Where and with what a run was made: what somebody needs who wants the same figures again."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import torch

from easy2hard.record import Provenance
from easy2hard.shelf import LOADED
from easy2hard.version import VERSION

_DECIDING = (
    *("data", "evaluation", "exits", "images", "layers", "losses", "mazes", "metrics", "models", "noise"),
    *("plan", "rng", "score", "tasks", "train"),
)


def collect(*, device: str, dtype: str, batch_size: int, seconds: float) -> Provenance:
    """The provenance of a run that ends now."""
    commit, dirty = _commit()
    return Provenance(
        easy2hard=VERSION,
        commit=commit,
        dirty=dirty,
        command=_command(sys.argv),
        python=platform.python_version(),
        torch=torch.__version__,
        numpy=np.__version__,
        os=_system(),
        cpu=_processor(),
        gpu=torch.cuda.get_device_name(device) if device.startswith("cuda") else None,
        threads=torch.get_num_threads(),
        device=device,
        dtype=dtype,
        batch_size=batch_size,
        tf32=bool(torch.backends.cuda.matmul.allow_tf32),
        deterministic=torch.are_deterministic_algorithms_enabled(),
        seconds=round(seconds, 3),
        peak_memory_mb=_peak_memory(),
    )


def code_digest(entry: Path) -> str:
    """A hash of the code that decides a run besides the entry's own file: the package, and modules beside the entry."""
    loaded = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
    # A module that was loaded by its path is another entry, not what this one imports.
    own = {name: file for name, file in loaded.items() if not name.startswith(("__main__", LOADED))}
    files = {Path(file) for file in own.values() if file}
    beside = {file for file in files if file.parent == entry.parent and file != entry and file.is_file()}
    content = b"\0".join(file.read_bytes() for file in sorted(beside))
    return blake2b(_package() + content, digest_size=16).hexdigest()


@cache
def _package() -> bytes:
    """Of what is in the rooms that decide a result; between two versions a checkout changes, the version does not."""
    package = Path(__file__).parent
    files = sorted(file for part in _DECIDING for file in (package / part).rglob("*.py"))
    files += [package / f"{part}.py" for part in _DECIDING if not (package / part).is_dir()]
    return b"\0".join(file.read_bytes() for file in files)


def _command(words: Sequence[str]) -> str:
    """The command as it was given; of an absolute path its last part alone, since the rest is nobody's business."""
    if Path(words[0]).stem != "easy2hard":
        return "python"
    return " ".join(
        ["easy2hard", *(Path(word).name if Path(word).is_absolute() else word for word in words[1:])]
    )


def _commit() -> tuple[str | None, bool | None]:
    """The commit of the package itself: from its checkout, or from what the installer noted; never of the cwd."""
    package = Path(__file__).parent
    if (package.parent / ".git").exists():
        commit = _git(package.parent, "rev-parse", "HEAD")
        status = _git(package.parent, "status", "--porcelain", "--", "easy2hard", "generators")
        return (commit, bool(status)) if commit else (None, None)
    try:
        noted = distribution("easy2hard").read_text("direct_url.json")
    except PackageNotFoundError:
        return None, None
    return (json.loads(noted).get("vcs_info", {}).get("commit_id"), False) if noted else (None, None)


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        run = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return run.stdout.strip()


def _system() -> str:
    """The operating system, and what of it can change a result: the processor's kind and the C library."""
    if platform.system() != "Linux":
        return platform.platform(terse=True)
    return f"Linux {platform.machine()}, {' '.join(platform.libc_ver())}".strip(", ")


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return f"{line.split(':', 1)[1].strip()}, {os.cpu_count()} cores"
    return f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"


def _peak_memory() -> float | None:
    """The largest resident size of this process so far, in MiB; None on Windows, which does not say."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)
