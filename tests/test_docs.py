"""What the documents promise is there."""

import re
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from easy2hard import entry as entries, shelf, suite as suites
from easy2hard.check import check
from easy2hard.cli import app

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted(get_command(app).commands)  # type: ignore[attr-defined]


def _python_blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def test_the_readmes_my_model_keeps_the_contract(tmp_path: Path) -> None:
    (block,) = [block for block in _python_blocks() if block.startswith("# my_model.py")]
    (tmp_path / "my_model.py").write_text(block)
    findings = list(check(entries.load(tmp_path / "my_model.py")))
    assert [finding for finding in findings if not finding.passed] == []


def test_the_readmes_net_that_stops_keeps_the_contract_and_trains_by_its_recipe(tmp_path: Path) -> None:
    model, stopping = (
        next(block for block in _python_blocks() if block.startswith(start))
        for start in ("# my_model.py", "class Stopping")
    )
    build = "def build(task):\n    return Stopping(task.in_channels, task.out_channels)\nrecipe = stopping\n"
    (tmp_path / "stopping.py").write_text(model + stopping + build)
    findings = {finding.name: finding for finding in check(entries.load(tmp_path / "stopping.py"))}
    assert [finding for finding in findings.values() if not finding.passed] == []
    assert "chances from" in findings["a model that says when it is done gives a chance"].detail


@pytest.mark.parametrize("name", suites.names())
def test_the_readme_names_every_suite(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_text_with_an_example_that_begins_with_it(command: str) -> None:
    text = " ".join(CliRunner().invoke(app, [command, "--help"]).output.split())
    assert f"Example: easy2hard {command}" in text


@pytest.mark.parametrize("field", list(suites.Suite.model_fields))
def test_every_field_of_a_suite_is_explained(field: str) -> None:
    assert f"`{field}`" in (ROOT / "generators" / "README.md").read_text(encoding="utf-8")


def test_every_picture_and_page_that_the_readme_links_exists() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_path_in_the_makefile_and_ci_is_there() -> None:
    assert (ROOT / "constraints.txt").is_file()
    assert "make check" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_readmes_boards_are_what_the_records_say() -> None:
    assert shelf.load_file(ROOT / "docs" / "boards.py").page(README) == README, "run `python docs/boards.py`"
