"""`push`: data, models, results and the page of boards to the Hugging Face Hub."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from easy2hard import screen
from easy2hard.cli.options import Json

if TYPE_CHECKING:
    from easy2hard.hub import Sent

push = typer.Typer(
    help="Send data, models, results or the page of boards to the Hugging Face Hub.\n\n"
    "Example: easy2hard push data sp gaussian maze --repo my-lab/easy2hard",
    no_args_is_help=True,
)

Repo = Annotated[str, typer.Option(help="The repo: ORGANISATION/NAME.")]
Revision = Annotated[str, typer.Option(help="A branch; made where it is missing.")]
Private = Annotated[bool, typer.Option("--private", help="Create the repo as a private one.")]
Pull = Annotated[bool, typer.Option("--create-pr", help="Propose the change as a pull request.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent, byte for byte.")]


@push.command("data")
def push_data(
    names: Annotated[list[str], typer.Argument(help="Suites, such as sp gaussian maze, or a .toml file.")],
    repo: Repo,
    data: Annotated[Path, typer.Option(help="Folder that `generate` wrote to.")] = Path("data"),
    revision: Revision = "main",
    private: Private = False,
    create_pr: Pull = False,
    dry_run: Dry = False,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Let go what the repo holds of these suites and the folder does not."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Send the data of suites, their card and eval.yaml to a dataset repo.

    Example: easy2hard push data sp maze --repo my-lab/easy2hard
    """
    from easy2hard import hub, suite as suites

    target = hub.Target(repo, revision, private, create_pr, dry_run)
    with screen.progress(quiet=as_json) as listen:
        sent = hub.push_data(
            [suites.read(name) for name in names], data, target, replace=replace, listen=listen
        )
    _show(sent, dry_run, as_json)


def _show(sent: "Sent", dry_run: bool, as_json: bool) -> None:
    """What was sent, and where it lies."""
    if as_json:
        screen.print_json({**sent._asdict(), "changes": [change._asdict() for change in sent.changes]})
        return
    if dry_run and sent.changes:
        rows = [[c.action, c.path, f"{c.size:,}", c.sha256] for c in sent.changes]
        screen.table(f"what would be sent to {sent.repo}", ["", "file", "bytes", "sha256"], rows)
    size = sum(change.size for change in sent.changes)
    gone = sum(change.action == "delete" for change in sent.changes)
    did = "would send" if dry_run else "sent"
    there = f"{sent.kept} of its files are there already" if sent.kept else "none of its files was there"
    removed = f", {gone} removed" if gone else ""
    screen.say(f"{sent.url}: {did} {len(sent.changes) - gone} files, {size:,} bytes{removed}; {there}.")
    if sent.pull:
        screen.say(f"pull request: {sent.pull}")
    for note in sent.notes:
        screen.say(f"note: {note}")


@push.command("results")
def push_results(
    repo: Repo,
    entries: Annotated[list[str] | None, typer.Argument(help="Entries; default: all.")] = None,
    submissions: Annotated[Path, typer.Option(help="Folder of submissions.")] = Path("submissions"),
    revision: Revision = "main",
    private: Private = False,
    create_pr: Pull = False,
    dry_run: Dry = False,
    as_json: Json = False,
) -> None:
    """Add records to a results repo, from which anybody renders boards.

    Example: easy2hard push results --repo my-lab/easy2hard-results
    """
    from easy2hard import hub

    target = hub.Target(repo, revision, private, create_pr, dry_run)
    with screen.progress(quiet=as_json) as listen:
        sent = hub.push_results(submissions, entries or [], target, listen=listen)
    _show(sent, dry_run, as_json)


@push.command("model")
def push_model(
    entry: Annotated[str, typer.Argument(help="An entry of submissions/.")],
    repo: Repo,
    submissions: Annotated[Path, typer.Option(help="Folder of submissions.")] = Path("submissions"),
    suite: Annotated[str | None, typer.Option(help="The suite, where it has records on several.")] = None,
    track: Annotated[str | None, typer.Option(help="quick or full, where it has records of both.")] = None,
    recipe: Annotated[str | None, typer.Option(help="The recipe, where it has records of several.")] = None,
    dataset: Annotated[
        str | None, typer.Option(help="The repo of the data: the scores go to its leaderboard.")
    ] = None,
    revision: Revision = "main",
    private: Private = False,
    create_pr: Pull = False,
    dry_run: Dry = False,
    as_json: Json = False,
) -> None:
    """Send an entry with its weights, its card and its scores to a model repo.

    Example: easy2hard push model dt --repo my-lab/dt-sp --dataset my-lab/easy2hard
    """
    from easy2hard import hub

    target = hub.Target(repo, revision, private, create_pr, dry_run)
    with screen.progress(quiet=as_json) as listen:
        sent = hub.push_model(
            entry,
            submissions,
            target,
            suite=suite,
            track=track,
            recipe=recipe,
            dataset=dataset,
            listen=listen,
        )
    _show(sent, dry_run, as_json)


@push.command("page")
def push_page(
    repo: Repo,
    leaderboard: Annotated[Path, typer.Option(help="Folder that `leaderboard` rendered to.")] = Path(
        "leaderboard"
    ),
    revision: Revision = "main",
    private: Private = False,
    create_pr: Pull = False,
    dry_run: Dry = False,
    as_json: Json = False,
) -> None:
    """Send the rendered boards as a static Space.

    Example: easy2hard push page --repo my-lab/easy2hard-leaderboard
    """
    from easy2hard import hub

    target = hub.Target(repo, revision, private, create_pr, dry_run)
    with screen.progress(quiet=as_json) as listen:
        sent = hub.push_page(leaderboard, target, listen=listen)
    _show(sent, dry_run, as_json)
