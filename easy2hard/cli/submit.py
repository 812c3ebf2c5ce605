"""`submit`: an entry with its finished runs, laid in `submissions/`."""

from pathlib import Path
from typing import Annotated

import typer

from easy2hard import screen
from easy2hard.errors import UserError


def submit(
    model: Annotated[str, typer.Argument(help="A file such as my_model.py, a folder, or an entry's name.")],
    runs: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("runs"),
    into: Annotated[Path, typer.Option(help="Folder of submissions.")] = Path("submissions"),
    weights: Annotated[
        bool, typer.Option("--weights", help="Lay weights above half a megabyte too.")
    ] = False,
) -> None:
    """Check an entry, and copy it with its finished runs to submissions/.

    Example: easy2hard submit my_model.py
    """
    from easy2hard import check as checks, entry as entries
    from easy2hard.submit import submit as lay

    failed = [finding for finding in checks.check(entries.load(model)) if not finding.passed]
    if failed:
        raise UserError(
            f"{model} fails a check: {failed[0].name}: {failed[0].detail} Run `easy2hard check {model}`."
        )
    for path in lay(model, runs=runs, into=into, weights=weights):
        screen.say(str(path))
