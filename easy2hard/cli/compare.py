"""`compare`: two entries on the samples that both were scored on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from easy2hard import screen
from easy2hard.cli.options import Json, plain

if TYPE_CHECKING:
    from easy2hard.suite import Track


def compare(
    a: Annotated[str, typer.Argument(help="An entry's name, a record, or a folder of records.")],
    b: Annotated[str, typer.Argument(help="The other one.")],
    suite: Annotated[str, typer.Option(help="The suite.")] = "sp",
    track: Annotated[str, typer.Option(help="quick or full.")] = "quick",
    runs: Annotated[Path, typer.Option(help="Folder of runs, looked through after the submissions.")] = Path(
        "runs"
    ),
    as_json: Json = False,
) -> None:
    """Compare two entries on the samples that both were scored on: a paired test.

    Example: easy2hard compare dt cnn --suite sp
    """
    from easy2hard import compare as comparing, entry as entries, suite as suites

    asked, folders = suites.read(suite), [entries.folder(), runs]
    side_a, side_b = (comparing.gather(name, asked, cast("Track", track), folders) for name in (a, b))
    result = comparing.compare(side_a, side_b)
    if as_json:
        screen.print_json(plain(result))
    else:
        screen.out.print(comparing.table(result), markup=False, highlight=False, soft_wrap=True)
