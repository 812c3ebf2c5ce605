"""A process that has the real Hub clients pointed at minihub, and runs what it is told, one thing after another.

The clients read their environment when they are imported, so they cannot live in the process of the tests. This one
takes lines of JSON: arguments of `easy2hard`, or Python code, with a token; waiting is fifty times as fast in it.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent


class Done(NamedTuple):
    """What came of a call."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line that a failure is allowed, without the progress before it."""
        lines = [line for line in self.err.splitlines() if line.startswith("easy2hard: ")]
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err
        return lines[0]


def environment(url: str, home: Path, **changes: str) -> dict[str, str]:
    """What a process must find so that its Hub is the one at `url`."""
    fixed = {
        "HF_ENDPOINT": url,
        "HF_HOME": str(home),
        "HF_TOKEN": "hf_write",
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_UPDATE_DOWNLOAD_COUNTS": "0",
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "200",
    }
    return {**os.environ, **fixed, **changes}


class Client:
    """The other end of such a process."""

    def __init__(self, url: str, home: Path, **environ: str) -> None:
        self.url, self.home = url, home
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "hubclient.py")],
            env=environment(url, home, **environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: object, token: str = "hf_write") -> Done:
        """Run the command line."""
        return self._ask({"argv": list(map(str, arguments)), "token": token})

    def python(self, code: str, token: str = "hf_write", **given: object) -> Done:
        """Run Python code, in which `given` are variables."""
        names = {name: str(value) if isinstance(value, Path) else value for name, value in given.items()}
        return self._ask({"code": code, "given": names, "token": token})

    def spawn(self, *arguments: object, **environ: str) -> "subprocess.Popen[str]":
        """Run the command line in a process of its own."""
        command = [sys.executable, str(HERE / "hubclient.py"), *map(str, arguments)]
        return subprocess.Popen(
            command,
            env=environment(self.url, self.home, **environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _ask(self, asked: dict[str, object]) -> Done:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return Done(*json.loads(self.process.stdout.readline()))

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


def _run(asked: dict[str, object]) -> tuple[int, str, str]:
    from easy2hard import cli

    os.environ["HF_TOKEN"] = str(asked["token"])
    if not asked["token"]:
        del os.environ["HF_TOKEN"]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            if "code" in asked:
                exec(str(asked["code"]), dict(asked["given"]))  # type: ignore[call-overload]
            else:
                sys.argv = ["easy2hard", *asked["argv"]]  # type: ignore[misc]
                cli.main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        except BaseException:
            traceback.print_exc()
            code = 70
    return code, out.getvalue(), err.getvalue()


def _answer() -> None:
    answers = sys.stdout
    for line in sys.stdin:
        print(json.dumps(_run(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    _sleep = time.sleep
    time.sleep = lambda seconds: _sleep(seconds / 50)
    if sys.argv[1:]:
        from easy2hard.cli import main

        main()
    else:
        _answer()
