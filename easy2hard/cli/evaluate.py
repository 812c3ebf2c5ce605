"""`evaluate`: train models on the easy levels, score them on all, show them among the reference models."""

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, cast

import typer

from easy2hard import screen, shelf
from easy2hard.cli.options import Images, Json, device_of, numbers, plain, say_unread, split
from easy2hard.errors import UserError

if TYPE_CHECKING:
    from easy2hard.archive import Filed
    from easy2hard.entry import Entry
    from easy2hard.record import Cell, Record
    from easy2hard.suite import Suite, Track

_RULES = ", ".join(shelf.names("exits"))


class _Job(NamedTuple):
    """One of the evaluations that a command asks for."""

    model: str  # as the command names it
    entry: "Entry"
    asked: dict[str, Any]  # keywords of `evaluation.evaluate`


def evaluate(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL", help="Files such as my_model.py, folders, entries' names, or hf:ORG/NAME."
        ),
    ],
    suite: Annotated[str, typer.Option(help="A suite's name or a .toml file.")] = "sp",
    recipe: Annotated[
        str | None,
        typer.Option(help="Which of an entry's recipes, such as quick or quick,paper; default: quick."),
    ] = None,
    track: Annotated[
        str,
        typer.Option(
            help="quick (500 test rows a level, fewer for large mazes) or full; --recipe is asked apart."
        ),
    ] = "quick",
    seeds: Annotated[str, typer.Option(help="Training seeds, such as 0,1,2.")] = "0",
    levels: Annotated[str | None, typer.Option(help="Levels to score; default: the suite's.")] = None,
    budgets: Annotated[
        str | None, typer.Option(help="Iteration budgets, such as 1,5,50; default: the suite's.")
    ] = None,
    exits: Annotated[
        str, typer.Option(help="Exit rules scored beside the budgets, where they apply; empty for none.")
    ] = "agreement,convergence,halt,max_confidence",
    exit_: Annotated[
        str | None,
        typer.Option("--exit", help=f"One rule alone ({_RULES}); samples that stopped leave the batch."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="Score so many rows a level; such a run never ranks.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Score these weights (safetensors, .pt); no training.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option("--data", help="Read test samples from generated files.")
    ] = None,
    images_dir: Images = None,
    ceiling: Annotated[
        bool, typer.Option("--ceiling", help="Also train on each hard level, as ceilings.")
    ] = False,
    device: Annotated[str | None, typer.Option(help="cpu or cuda; default: cuda where there is one.")] = None,
    fast: Annotated[
        bool,
        typer.Option(
            "--fast", help="bfloat16 and torch.compile, each where a short trial shows that it is faster."
        ),
    ] = False,
    threads: Annotated[
        int | None, typer.Option(help="CPU threads; default: torch's own, one per core.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on from an earlier run of the same.")] = True,
    out: Annotated[Path, typer.Option(help="Folder for runs.")] = Path("runs"),
    trust_code: Annotated[
        bool, typer.Option("--trust-code", help="Run the code that a model from the Hub brings.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train models on the easy levels, score them on all, and show them among the reference models.

    Example: easy2hard evaluate my_model.py --suite sp --seeds 0,1,2
    """
    import torch

    from easy2hard import evaluation, suite as suites
    from easy2hard.evaluation.ask import ceiling_levels

    if track not in ("quick", "full"):
        raise UserError(f"--track is quick or full; got '{track}'.")
    if threads is not None and threads < 1:
        raise UserError(f"--threads must be at least 1; got {threads}.")
    if threads:
        torch.set_num_threads(threads)
    if weights and len(models) > 1:
        raise UserError(f"--weights are those of one model; got {len(models)} models.")
    asked: dict[str, Any] = {
        "track": track,
        "seeds": numbers(seeds, "--seeds"),
        "levels": split(levels),
        "budgets": numbers(budgets, "--budgets"),
        "exits": split(exits),
        "exit": exit_,
        "limit": limit,
        "weights": weights,
        "data": data_dir,
        "images": images_dir,
        "device": device_of(device),
        "fast": fast,
        "out": out,
    }
    chosen = suites.read(suite)
    say_unread(chosen, images_dir)
    hard = ceiling_levels(chosen, asked["levels"]) if ceiling else ()
    # All of them are found before the first one trains.
    jobs = [job for model in models for job in _jobs(model, trust_code, split(recipe), hard, asked)]
    if len(jobs) > 1 or len(asked["seeds"]) > 1:
        _say_cost(jobs, chosen, quiet=as_json)
    made: list[tuple[str, Filed]] = []
    for job in jobs:
        with screen.progress(f"{job.entry.name} on {chosen.name}: ", quiet=as_json) as listen:
            run = evaluation.evaluate(job.entry, chosen, resume=resume, listen=listen, **job.asked)
        made += [(job.model, filed) for filed in run.filed]
    if as_json:
        screen.print_json([plain(filed.record) for _, filed in made])
    else:
        _show_runs(made, chosen, suite, cast("Track", track))
    if all(filed.record.status == "failed" for _, filed in made):
        raise typer.Exit(1)


def _jobs(
    model: str, trust_code: bool, recipes: Sequence[str], hard: Sequence[str], asked: dict[str, Any]
) -> list[_Job]:
    """The evaluations of one model: by each recipe, trained at the easy levels, and at each of `hard` as a ceiling."""
    entry, own = _found(model, trust_code)
    weights = asked["weights"] or own
    learns = bool(entry.recipes) and weights is None
    if hard and not learns:
        screen.say(f"note: {entry.name} is not trained here, so it has no ceilings; --ceiling is left out.")
    jobs = []
    for recipe, level in product(recipes or (None,), (None, *(hard if learns else ()))):
        levels = () if level else asked["levels"]
        own_part = {"weights": weights, "recipe": recipe, "ceiling": level, "levels": levels}
        jobs.append(_Job(model, entry, {**asked, **own_part}))
    return jobs


def _found(model: str, trust_code: bool) -> tuple["Entry", Path | None]:
    """A model, and its weights where it comes from the Hub with some."""
    from easy2hard import entry as entries

    if not model.startswith("hf:"):
        return entries.load(model), None
    from easy2hard import hub

    fetched = hub.fetch(model.removeprefix("hf:"), trust_code=trust_code)
    return entries.load(fetched.path), fetched.weights


def _say_cost(jobs: Sequence[_Job], suite: "Suite", *, quiet: bool) -> None:
    """Where there are several trainings: how many, and about how long they take together.

    What cannot be asked of one of the models is said here, before the first one trains.
    """
    from easy2hard import evaluation

    costs = [evaluation.foretell(job.entry, suite, **job.asked) for job in jobs]
    trainings = sum(count for count, _ in costs)
    if trainings > 1 and not quiet:
        seconds = [cost for _, cost in costs if cost is not None]
        together = f", about {screen.duration(sum(seconds))} together" if len(seconds) == len(costs) else ""
        screen.say(f"{trainings} trainings{together}; a run that was stopped goes on where it was.")


def _show_runs(made: Sequence[tuple[str, "Filed"]], suite: "Suite", asked: str, track: "Track") -> None:
    """The new figures by level and budget, then their rows among the reference rows."""
    from easy2hard import archive, entry as entries
    from easy2hard.board.among import among
    from easy2hard.board.collect import read_all

    reference, _ = read_all(entries.folder())
    tables, refused = among([filed for _, filed in made], reference, suite, track)
    for shown in tables:
        screen.table(*shown)
    commands = {  # as they were written here, with the paths of files
        filed.path: (archive.again(filed.record), archive.again(filed.record, model, asked))
        for model, filed in made
    }
    for path, reason in refused:
        screen.say(f"{path} does not rank: {reason.replace(*commands[path])}")
    for _, filed in made:
        if filed.record.status == "failed":
            screen.say(f"{filed.record.run_id} failed: {filed.record.reason}")
        _say_nan(filed.record)
        screen.say(f"record: {filed.path}")


def _say_nan(record: "Record") -> None:
    """Name the levels at which answers were not numbers; at the worst budget or exit rule of each."""
    worst: dict[str, Cell] = {}
    for cell in record.cells:
        if cell.nan > (worst[cell.level].nan if cell.level in worst else 0):
            worst[cell.level] = cell
    if worst:
        listed = ", ".join(
            f"{cell.nan:,} of {cell.n:,} at level {level} (budget {cell.budget})"
            for level, cell in worst.items()
        )
        screen.say(
            f"{record.run_id}: answers that hold NaN count as black (in a maze, as no path): {listed}."
        )
