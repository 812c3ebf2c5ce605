"""`figures`: pictures of a suite, of its scores, and of what its entries think."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from easy2hard import screen
from easy2hard.cli.options import Images, split

if TYPE_CHECKING:
    from easy2hard.suite import Track


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
        asked, cast("Track", track), folders, out, images=images_dir, sample=sample, shown=split(only)
    )
    for path in drawn:
        screen.say(str(path))
