"""`verify`: a record's weights, scored again."""

from pathlib import Path
from typing import Annotated

import typer

from easy2hard import screen
from easy2hard.cli.options import Images, Json, device_of


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
            device=device_of(device),
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
