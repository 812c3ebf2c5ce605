"""The command line: one command per verb, in the order of the flow."""

import os
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from easy2hard import hub_cli, screen, shelf
from easy2hard.errors import UserError
from easy2hard.units import show_count
from easy2hard.version import VERSION

if TYPE_CHECKING:
    from easy2hard.archive import Filed
    from easy2hard.data import Report
    from easy2hard.entry import Entry
    from easy2hard.record import Cell, Record
    from easy2hard.suite import Split, Suite, Track

app = typer.Typer(
    help="Train on easy problems, score on hard ones, for as long as the model may think.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(hub_cli.push, name="push")
app.add_typer(hub_cli.pull, name="pull")

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
Images = Annotated[
    Path | None,
    typer.Option("--images-dir", envvar="EASY2HARD_IMAGES", help="Folder that holds the source images."),
]


_RULES = ", ".join(shelf.names("exits"))


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


def _split(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def _numbers(text: str | None, option: str) -> tuple[int, ...]:
    parts = _split(text)
    wrong = [part for part in parts if not part.isdigit()]
    if wrong:
        raise UserError(f"{option} takes whole numbers separated by commas, such as 0,1,2; got '{wrong[0]}'.")
    return tuple(map(int, parts))


@app.command("list")
def list_(
    what: Annotated[str, typer.Argument(help="suites, models, or a shelf: noise, images, losses, …")] = "",
    as_json: Json = False,
) -> None:
    """Show the suites, the models (entries), and what is on each shelf.

    With --json a model is {name, parameters, macs, source, …}: macs are the multiply-accumulates of an answer on one
    sample of the easy level, a number, or {fixed, per_iteration} where they depend on how many iterations it runs.
    Where nobody has counted them, as those of some classical filters, they are null, on the screen a dash.

    Example: easy2hard list models
    """
    tables = _listing(what)
    if as_json:
        found = {
            name: [dict(zip(columns, row, strict=True)) for row in rows]
            for name, (columns, rows) in tables.items()
        }
        for model in found.get("models", []):
            fixed, each = model["macs_fixed"], model["macs_per_iteration"]
            macs = {"fixed": fixed, "per_iteration": each} if each else fixed  # None: not counted
            model |= {"name": model["model"], "macs": macs}
        screen.print_json(found)
        return
    if "models" in tables:
        _show_models(tables.pop("models"))
    for name, (columns, rows) in tables.items():
        screen.table(name, columns, rows)
        screen.out.print()


_SHELVES = ("noise", "images", "tasks", "metrics", "exits", "losses")


_Table = tuple[list[str], list[list[object]]]


def _listing(what: str) -> dict[str, _Table]:
    """The tables that `list` shows, from definitions and cards alone: no model is built."""
    wanted = [what] if what else ["suites", "models", *_SHELVES]
    if what and what not in ("suites", "models", *_SHELVES):
        raise UserError(
            f"there is nothing called '{what}' to list; there are: suites, models, {', '.join(_SHELVES)}."
        )
    tables = {name: _suite_table() for name in wanted if name == "suites"}
    tables |= {name: _model_table() for name in wanted if name == "models"}
    shelves: list[list[object]] = [
        [name, ", ".join(shelf.names(name))] for name in wanted if name in _SHELVES
    ]
    return tables | ({"shelves": (["shelf", "names"], shelves)} if shelves else {})


def _suite_table() -> _Table:
    from easy2hard import suite as suites

    read = [suites.read(name) for name in suites.names()]
    rows: list[list[object]] = [
        [s.name, " ".join(s.easy), " ".join(s.hard), s.metric, s.images or "", s.summary] for s in read
    ]
    return ["suite", "easy", "hard", "metric", "images", "summary"], rows


def _model_table() -> _Table:
    from easy2hard import entry as entries

    cards = {name: entries.card(name) for name in entries.names()}
    rows: list[list[object]] = [
        [name, c.task, c.band, c.parameters or 0, c.macs_fixed, c.macs_per_iteration, c.source]
        for name, c in cards.items()
    ]
    return ["model", "task", "band", "parameters", "macs_fixed", "macs_per_iteration", "source"], rows


_BANDS = {"entry": "entries", "augmented": "augmented entries", "floor": "floors", "ceiling": "ceilings"}
_SAMPLES = {"denoise": "an image of 3x32x32", "maze": "a maze of size 9, 3x24x24"}  # what the cards count on


def _show_models(models: _Table) -> None:
    """A table for each task and band, counts in three digits, so that it fits a terminal of 80 columns."""
    groups: dict[tuple[str, str], list[list[object]]] = {(t, b): [] for t, b in product(_SAMPLES, _BANDS)}
    for name, task, band, parameters, *counts, source in models[1]:
        shown = ["–" if count is None else show_count(cast("int", count)) for count in counts]
        groups[str(task), str(band)].append([name, f"{parameters:,}", *shown, source])
    for (task, band), rows in groups.items():
        if rows:
            title = f"models: {task}, {_BANDS[band]} (MACs on {_SAMPLES[task]})"
            screen.table(title, ["model", "parameters", "MACs", "per iteration", "source"], rows, fold=True)
            screen.out.print()


@app.command()
def generate(
    names: Annotated[
        list[str] | None, typer.Argument(help="Suites, such as maze sp, or a .toml file.")
    ] = None,
    noise: Annotated[str | None, typer.Option(help="The suite of a noise: sp or gaussian.")] = None,
    images: Annotated[
        str | None, typer.Option(help="With --noise: the image source, such as cifar10.")
    ] = None,
    images_dir: Images = None,
    levels: Annotated[
        str | None, typer.Option(help="Levels, such as 0.1,0.25; default: the suite's.")
    ] = None,
    splits: Annotated[
        str | None, typer.Option(help="Splits to draw, such as train; default: the suite's.")
    ] = None,
    rows: Annotated[int | None, typer.Option(help="The first so many rows of each split.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the data.")] = Path("data"),
    threads: Annotated[int | None, typer.Option(help="Threads; default: one per core.")] = None,
    as_json: Json = False,
) -> None:
    """Draw the samples of suites into Hugging Face datasets (Parquet).

    Example: easy2hard generate --noise sp --rows 1000
    """
    from easy2hard import data, suite as suites

    wanted = [suites.read(name) for name in names or []]
    if images and not noise:
        wanted = [suites.with_images(suite, images) for suite in wanted]
    if noise:
        wanted.append(suites.by_noise(noise, images))
    if not wanted:
        raise UserError(f"name a suite ({', '.join(suites.names())}) or give --noise sp.")
    for suite in wanted:
        _say_unread(suite, images_dir)
        with screen.progress(quiet=as_json) as listen:
            report = data.generate(
                suite,
                out,
                levels=_split(levels) or None,
                splits=cast("tuple[Split, ...]", _split(splits)) or None,
                rows=rows,
                directory=images_dir,
                threads=threads,
                listen=listen,
            )
        if as_json:
            screen.print_json(_plain(report))
        else:
            _show_data(report)


def _show_data(report: "Report") -> None:
    """The table at the end of `generate`, the overlaps, and what the reader should hear."""
    figures = list(dict.fromkeys(name for split in report.splits for name in split.summary))
    rows = [
        [
            split.level,
            split.split,
            f"{split.rows:,}",
            f"{split.bytes:,}",
            split.digest[:12],
            f"{split.rows_per_second:,.0f}" if split.rows_per_second else "kept",
            *(f"{split.summary[name]:.2f}" if name in split.summary else "" for name in figures),
        ]
        for split in report.splits
    ]
    head = [
        "level",
        "split",
        "rows",
        "bytes",
        "digest",
        "rows/s",
        *(name.replace("_", " ") for name in figures),
    ]
    screen.table(str(report.folder), head, rows)
    shared = [overlap for overlap in report.overlaps if overlap.shared]
    notions = ", ".join(dict.fromkeys(overlap.notion for overlap in report.overlaps))
    screen.say(
        f"overlap certificate: {len(report.overlaps)} comparisons within and between splits (equal: {notions}); "
        + ("nothing is shared." if not shared else f"in {len(shared)} something is shared:")
    )
    if shared:
        rows = [
            [o.notion, o.first, o.second, f"{o.shared:,}", f"{o.rows[0]:,} / {o.rows[1]:,}"] for o in shared
        ]
        screen.table("", ["equal", "between", "and", "shared", "of rows"], rows)
    for note in report.notes:
        screen.say(f"note: {note}")


def _plain(value: Any) -> Any:
    """A named tuple or model, and all in it, as JSON knows it."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if hasattr(value, "_asdict"):
        return {key: _plain(part) for key, part in value._asdict().items()}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


@app.command()
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


@app.command()
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
    track: Annotated[str, typer.Option(help="quick (the first 500 test rows a level) or full.")] = "quick",
    seeds: Annotated[str, typer.Option(help="Training seeds, such as 0,1,2.")] = "0",
    levels: Annotated[str | None, typer.Option(help="Levels to score; default: the suite's.")] = None,
    budgets: Annotated[
        str | None, typer.Option(help="Iteration budgets, such as 1,5,50; default: the suite's.")
    ] = None,
    exits: Annotated[
        str, typer.Option(help="Exit rules scored beside the budgets; empty for none.")
    ] = "agreement,convergence,max_confidence",
    exit_: Annotated[
        str | None, typer.Option("--exit", help=f"One rule alone ({_RULES}); finished samples leave.")
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

    from easy2hard import ask as asking, evaluation, suite as suites

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
        "budgets": _numbers(budgets, "--budgets"),
        "exits": _split(exits),
        "exit": exit_,
        "limit": limit,
        "data": data_dir,
        "images": images_dir,
        "device": _device(device),
        "fast": fast,
    }
    chosen = suites.read(suite)
    _say_unread(chosen, images_dir)
    hard = asking.ceiling_levels(chosen, _split(levels)) if ceiling else ()
    jobs: list[tuple[str, Entry, dict[str, Any]]] = []
    for model in models:  # all of them are found before the first one trains
        entry, own = _found(model, trust_code)
        given = {"weights": weights or own, "seeds": _numbers(seeds, "--seeds"), "out": out, **asked}
        learns = bool(entry.recipes) and given["weights"] is None
        if hard and not learns:
            screen.say(
                f"note: {entry.name} is not trained here, so it has no ceilings; --ceiling is left out."
            )
        for name, level in product(_split(recipe) or (None,), (None, *(hard if learns else ()))):
            there = () if level else _split(levels)
            jobs.append((model, entry, {**given, "recipe": name, "ceiling": level, "levels": there}))
    if len(jobs) > 1 or len(_numbers(seeds, "--seeds")) > 1:
        _say_cost(jobs, chosen, quiet=as_json)
    made: list[tuple[str, Filed]] = []
    for model, entry, given in jobs:
        with screen.progress(f"{entry.name} on {chosen.name}: ", quiet=as_json) as listen:
            run = evaluation.evaluate(entry, chosen, resume=resume, listen=listen, **given)
        made += [(model, filed) for filed in run.filed]
    if as_json:
        screen.print_json([_plain(filed.record) for _, filed in made])
    else:
        _show_runs(made, chosen, suite, cast("Track", track))
    if all(filed.record.status == "failed" for _, filed in made):
        raise typer.Exit(1)


def _found(model: str, trust_code: bool) -> tuple["Entry", Path | None]:
    """A model, and its weights where it comes from the Hub with some."""
    from easy2hard import entry as entries

    if not model.startswith("hf:"):
        return entries.load(model), None
    from easy2hard import hub

    fetched = hub.fetch(model.removeprefix("hf:"), trust_code=trust_code)
    return entries.load(fetched.path), fetched.weights


def _say_unread(suite: "Suite", images_dir: Path | None) -> None:
    """A folder of images that was named for this run, and that the suite does not read, is not passed over."""
    from easy2hard import suite as suites

    if images_dir is None or suite.reads_images or str(images_dir) == os.environ.get("EASY2HARD_IMAGES"):
        return
    same = [other for other in map(suites.read, suites.names()) if other.noise == suite.noise]
    readers = ", ".join(other.name for other in same if other.reads_images)
    screen.say(
        f"note: {suite.name} draws its samples itself, so --images-dir {images_dir} is not read"
        + (f"; suites that read images: {readers}." if readers and suite.noise else ".")
    )


def _say_cost(jobs: Sequence[tuple[str, "Entry", dict[str, Any]]], suite: "Suite", *, quiet: bool) -> None:
    """Where there are several trainings: how many, and about how long they take together.

    What cannot be asked of one of the models is said here, before the first one trains.
    """
    from easy2hard import evaluation

    costs = [evaluation.foretell(entry, suite, **given) for _, entry, given in jobs]
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


def _device(wanted: str | None) -> str:
    import torch

    if wanted is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    if wanted.split(":")[0] == "cuda" and not torch.cuda.is_available():
        raise UserError(f"--device {wanted}: no CUDA device is available here; use --device cpu.")
    if wanted.split(":")[0] not in ("cpu", "cuda"):
        raise UserError(f"--device is cpu, cuda or cuda:N; got '{wanted}'.")
    return wanted


@app.command()
def verify(
    record: Annotated[Path, typer.Argument(help="A record's .json file.")],
    entry: Annotated[str | None, typer.Option(help="The entry, where it is not beside the record.")] = None,
    fresh_seed: Annotated[
        int | None, typer.Option(help="Draw the data with this seed: a set nobody has seen.")
    ] = None,
    images_dir: Images = None,
    device: Annotated[str | None, typer.Option(help="cpu or cuda.")] = None,
    as_json: Json = False,
) -> None:
    """Score a record's weights again, and say whether every figure comes out.

    Example: easy2hard verify submissions/dt/records/sp-quick-s0.json
    """
    from easy2hard.verify import verify as verify_record

    with screen.progress("", quiet=as_json) as listen:
        differences = verify_record(
            record,
            entry=entry,
            fresh_seed=fresh_seed,
            images=images_dir,
            device=_device(device),
            listen=listen,
        )
    wrong = [difference for difference in differences if not difference.agrees]
    if as_json:
        screen.print_json([difference._asdict() for difference in differences])
    else:
        shown = wrong if fresh_seed is None else differences
        rows = [
            [
                d.level,
                d.exit or d.budget,
                d.metric,
                f"{d.recorded:.4f}",
                f"{d.measured:.4f}",
                f"{d.measured - d.recorded:+.4f}",
            ]
            for d in shown
        ]
        if rows:
            screen.table(
                str(record), ["level", "answer", "metric", "recorded", "measured", "difference"], rows
            )
        largest = max((abs(d.measured - d.recorded) for d in differences), default=0.0)
        verdict = f"{len(wrong)} do not agree" if wrong else "all agree"
        screen.say(
            f"{len(differences)} figures scored again: {verdict}; the largest difference is {largest:.2g}."
        )
    if wrong:
        raise typer.Exit(1)


@app.command()
def submit(
    model: Annotated[str, typer.Argument(help="A file such as my_model.py, a folder, or an entry's name.")],
    runs: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("runs"),
    into: Annotated[Path, typer.Option(help="Folder of submissions.")] = Path("submissions"),
    weights: Annotated[
        bool, typer.Option("--weights", help="Lay weights above half a megabyte too.")
    ] = False,
) -> None:
    """Check an entry with its finished runs, and lay it in submissions/.

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


@app.command()
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


@app.command()
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
        screen.print_json(_plain(result))
    else:
        screen.out.print(comparing.table(result), markup=False, highlight=False, soft_wrap=True)


@app.command()
def figures(
    suite: Annotated[str, typer.Argument(help="The suite.")],
    track: Annotated[str, typer.Option(help="quick or full.")] = "quick",
    submissions: Annotated[
        Path | None, typer.Option(help="Folder of submissions; default: the checkout's.")
    ] = None,
    only: Annotated[
        str | None, typer.Option("--entries", help="Only these, such as dt,median-*; default: all.")
    ] = None,
    images_dir: Images = None,
    sample: Annotated[int, typer.Option(help="Which test sample to show.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")] = Path("figures"),
) -> None:
    """Draw a suite's samples, its scores over iterations and levels, and what its entries think.

    Example: easy2hard figures sp --entries dt,cnn,median-5
    """
    from easy2hard import entry as entries, gallery, suite as suites

    folders = [submissions or entries.folder()]
    asked = suites.read(suite)
    drawn = gallery.draw(
        asked, cast("Track", track), folders, out, images=images_dir, sample=sample, shown=_split(only)
    )
    for path in drawn:
        screen.say(str(path))
