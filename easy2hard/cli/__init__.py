"""The command line: a file for each verb, here in the order of the flow.

A command imports what it needs when it runs, so that `easy2hard --help` answers at once.
"""

import sys
from typing import Annotated

import typer

from easy2hard import screen
from easy2hard.cli import (
    check,
    compare,
    evaluate,
    figures,
    generate,
    leaderboard,
    listing,
    pull,
    push,
    submit,
    verify,
)
from easy2hard.errors import UserError
from easy2hard.version import VERSION

app = typer.Typer(
    help="Train on easy problems, score on hard ones, for as long as the model may think.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"easy2hard {VERSION}")
        raise typer.Exit


@app.callback()
def _face(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


app.command("list")(listing.list_)
app.command()(generate.generate)
app.command()(check.check)
app.command()(evaluate.evaluate)
app.command()(verify.verify)
app.command()(submit.submit)
app.command()(leaderboard.leaderboard)
app.command()(compare.compare)
app.command()(figures.figures)
app.add_typer(push.push, name="push")
app.add_typer(pull.pull, name="pull")


def main() -> None:
    """Run the command; bad input is one line on the error stream and exit code 2."""
    try:
        app()
    except UserError as error:
        screen.err.print(f"easy2hard: {error}", highlight=False, soft_wrap=True, markup=False)
        sys.exit(2)
    except KeyboardInterrupt:
        screen.say("\neasy2hard: stopped; run the same command again to go on from here.")
        sys.exit(130)
