"""Print the table of faults in docs/hub.md: each fault of tests/test_hub_faults.py, and what the command line said.

Run it from the checkout: `python docs/hub_faults.py`. It needs the extra `test` and about a minute.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import minihub
import test_hub_faults as faults
from hubclient import Client, Done

from easy2hard import data, suite


def main() -> None:
    with TemporaryDirectory() as folder:
        data.generate(suite.read("sp"), folder, levels=["0.3"], splits=["test"], rows=10)
        hub = minihub.Hub()
        client = Client(hub.url, Path(folder) / "home")

        def push(token: str = "hf_write", repo: str = faults.REPO) -> Done:
            return client("push", "data", "sp", "--repo", repo, "--data", folder, token=token)

        for name, (method, path, what) in faults.PASSING.items():
            hub.clear()
            hub.fault(method, path, **what)
            print(f"| {name} | {_waited(push())} |")
        for name, (method, path, what, _) in faults.LASTING.items():
            hub.clear()
            hub.fault(method, path, **what, times=-1)
            print(f"| {name} | {_refused(push())} |")
        for name, (token, repo, _) in faults.WHO.items():
            hub.clear()
            print(f"| {name} | {_refused(push(token, repo))} |")
        client.close()
        hub.close()


def _waited(done: Done) -> str:
    again = done.err.count("trying again")
    who = f"by easy2hard ({again} more attempt{'s' if again > 1 else ''})" if again else "by the client"
    return f"waited out, {who}; pushed whole" if done.code == 0 else done.err


def _refused(done: Done) -> str:
    return f"exit {done.code}: {done.line.removeprefix('easy2hard: ')}"


if __name__ == "__main__":
    main()
