"""`check`: does a model keep the contract?"""

from typing import Annotated

import typer

from easy2hard import screen
from easy2hard.cli.options import Json


def check(
    model: Annotated[str, typer.Argument(help="A file such as my_model.py, a folder, or an entry's name.")],
    suite: Annotated[str | None, typer.Option(help="The suite to check on.")] = None,
    as_json: Json = False,
) -> None:
    """Test whether a model keeps the contract, and say what to change where it does not.

    Example: easy2hard check my_model.py
    """
    from easy2hard import check as checks, entry as entries, suite as suites

    findings = []
    for finding in checks.check(entries.load(model), suites.read(suite) if suite else None):
        findings.append(finding)
        if not as_json:
            mark = "[green]ok  [/]" if finding.passed else "[red]FAIL[/]"
            screen.out.print(
                f"{mark} {finding.name}",
                f"[dim]{finding.detail}[/]" if finding.detail else "",
                highlight=False,
            )
    if as_json:
        screen.print_json([finding._asdict() for finding in findings])
    if not all(finding.passed for finding in findings):
        raise typer.Exit(1)
