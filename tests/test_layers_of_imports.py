"""What answers in a fraction of a second loads no torch."""

import subprocess
import sys
from pathlib import Path

import pytest

import easy2hard

HEAVY = ("torch", "torchvision", "datasets", "matplotlib", "numba")
CASES = {
    "the face": "import easy2hard; easy2hard.__version__; dir(easy2hard)",
    "suites": "from easy2hard import suite; [suite.read(name).protocol_digest for name in suite.names()]",
    "records": "from easy2hard import record; record.schema()",
    "boards": "from easy2hard import board",
    "cards": "from easy2hard import entry; [entry.card(name) for name in entry.names()]",
    "help": "cli('--help')",
    "the version": "cli('--version')",
    "list": "cli('list')",
    "list models": "cli('list', 'models', '--json')",
    "a wrong command": "cli('lst')",
}
COMMAND = """
import sys
def cli(*arguments):
    from easy2hard.cli import main
    sys.argv = ["easy2hard", *arguments]
    try:
        main()
    except SystemExit:
        pass
{body}
print("LOADED", *sorted(sys.modules.keys() & {heavy}))
"""


@pytest.mark.parametrize("case", CASES)
def test_no_heavy_package_is_loaded_by(case: str) -> None:
    code = COMMAND.format(body=CASES[case], heavy=set(HEAVY))
    root = Path(easy2hard.__file__).parents[1]
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert ran.stdout.splitlines()[-1] == "LOADED"
