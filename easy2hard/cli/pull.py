"""`pull`: results from the Hugging Face Hub."""

from pathlib import Path
from typing import Annotated

import typer

from easy2hard import screen
from easy2hard.cli.options import Json

pull = typer.Typer(
    help="Fetch results from the Hugging Face Hub.\n\n"
    "Example: easy2hard pull results my-lab/easy2hard-results --into submissions",
    no_args_is_help=True,
)


@pull.command("results")
def pull_results(
    repo: Annotated[str, typer.Argument(help="The repo: ORGANISATION/NAME.")],
    into: Annotated[Path, typer.Option(help="Folder of submissions.")] = Path("submissions"),
    revision: Annotated[str, typer.Option(help="A branch, tag or commit.")] = "main",
    as_json: Json = False,
) -> None:
    """Fetch the records of a results repo, and lay them in submissions/.

    Example: easy2hard pull results my-lab/easy2hard-results --into submissions
    """
    from easy2hard import hub

    with screen.progress(quiet=as_json) as listen:
        pulled = hub.pull_results(repo, into, revision=revision, listen=listen)
    if as_json:
        screen.print_json({"files": list(map(str, pulled.files)), "notes": list(pulled.notes)})
        return
    screen.say(f"{repo}: {len(pulled.files)} files laid in {into}.")
    for note in pulled.notes:
        screen.say(f"note: {note}")
