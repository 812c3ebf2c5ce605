"""`leaderboard`: the boards, rendered from the records."""

from pathlib import Path
from typing import Annotated

import typer

from easy2hard import screen
from easy2hard.errors import UserError


def leaderboard(
    submissions: Annotated[
        Path | None, typer.Option(help="Folder of submissions; default: the checkout's.")
    ] = None,
    boards: Annotated[Path | None, typer.Option(help="Folder of board definitions (.toml).")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the tables.")] = Path("leaderboard"),
    check_only: Annotated[bool, typer.Option("--check", help="Only say what is not up to date.")] = False,
) -> None:
    """Render the boards from the records: Markdown, CSV, LaTeX.

    Example: easy2hard leaderboard
    """
    from easy2hard import archive, board, entry as entries
    from easy2hard.board import definition

    if submissions is not None and not archive.paths(submissions):
        raise UserError(
            f"{submissions} holds no record, or is not there; records lie in {submissions}/<entry>/records/, where "
            "`easy2hard submit` lays them."
        )
    folders = boards or definition.folder(), submissions or entries.folder()
    if check_only:
        stale = board.stale(*folders, out)
        if stale:
            raise UserError(f"not up to date: {', '.join(map(str, stale))}; run `easy2hard leaderboard`.")
        screen.say("every table is up to date.")
        return
    for path in board.render(*folders, out):
        screen.say(str(path))
