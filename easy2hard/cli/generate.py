"""`generate`: the samples of suites, as Hugging Face datasets."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from easy2hard import screen
from easy2hard.cli.options import Images, Json, plain, say_unread, split
from easy2hard.errors import UserError

if TYPE_CHECKING:
    from easy2hard.data import Report
    from easy2hard.suite import Split


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
        say_unread(suite, images_dir)
        with screen.progress(quiet=as_json) as listen:
            report = data.generate(
                suite,
                out,
                levels=split(levels) or None,
                splits=cast("tuple[Split, ...]", split(splits)) or None,
                rows=rows,
                directory=images_dir,
                threads=threads,
                listen=listen,
            )
        if as_json:
            screen.print_json(plain(report))
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
