"""The page of all boards in GitHub markdown."""

from collections.abc import Iterator, Sequence

from easy2hard import entry
from easy2hard.board import tables
from easy2hard.board.sheet import RANKED, Sheet
from easy2hard.board.twins import pairs
from easy2hard.record import Asked, Band
from easy2hard.units import label

_BANDS: dict[Band, str] = {
    "entry": "Entries",
    "augmented": "Augmented: trained on inputs harder than the easy levels, or on other data",
    "floor": "Floors",
    "ceiling": "Ceilings",
}

LEGEND = """\
- **headline**: the mean over the hard levels of the ranking metric, at the answer that was declared before
  any hard sample was seen. ± is the standard deviation over training seeds; the 95 % interval is over test
  samples. Where it is a dash, per-sample scores are missing; the details have the interval of every level.
- **rank**: `1=` is a tie. An entry shares the rank of the first above it from which it does not differ
  significantly: over shared test samples (paired sign-flip permutation test, p < 0.05), and over samples and
  training seeds together (the 95 % interval of the difference leaves out 0). Tracks and bands rank apart;
  floors and ceilings never rank.
- **gain**, **overthinking** and *oracle* compare iteration budgets at every hard level, then average: best
  minus training budget, best minus last budget (the suite's last that the entry can run), and the best
  itself with the budgets that gave it. A difference to a budget that was not measured is a dash. The oracle
  has seen the test data, so it never ranks.
- **MACs** are multiply-accumulates for one sample of the easy level; a dash where none were counted, as in
  the filters of other libraries.
- **seeds**: a failed seed counts, with the score of the identity.
- **n/a**: the entry cannot give this answer, for instance beyond its last stage. It is not a zero.
- **–**: not measured. In the details: the entry was not asked this budget at this level.
"""


def page(boards: Sequence[Sequence[Sheet]], submissions: str) -> str:
    """The whole page; `submissions` is the folder of the entries as a link from the page."""
    return "\n".join([
        "<!-- rendered by `easy2hard leaderboard`: a change made here is lost -->",
        "# Leaderboard\n",
        "Trained on easy levels, scored on harder ones. Every figure comes from the entries' records.\n",
        "[How to read the tables](#how-to-read-the-tables)\n",
        *(_board(sheets, submissions) for sheets in boards),
        "## How to read the tables\n",
        LEGEND,
    ])  # fmt: skip


def _board(sheets: Sequence[Sheet], submissions: str) -> str:
    board, name = sheets[0].board, sheets[0].name
    files = f"Every figure as a table: [{name}.csv]({name}.csv), [{name}.tex]({name}.tex).\n"
    tracks = (_track(sheet, submissions) for sheet in sheets)
    return "\n".join([f"## {board.title}\n", f"{board.text.strip()}\n", files, *tracks])


def _track(sheet: Sheet, submissions: str) -> str:
    """One track: a table per band, ceilings, details, and what is not shown."""
    return "\n".join(
        [f"### {sheet.track.capitalize()} track\n", *_tables(sheet, submissions), *_notes(sheet)]
    )


def _tables(sheet: Sheet, submissions: str) -> Iterator[str]:
    asked = next((seeds.record.task for seeds in sheet.seeds), None)
    if asked is None:
        command = f"easy2hard evaluate {_anyone(sheet)} --suite {sheet.asked.name} --track {sheet.track}"
        yield f"No records yet; `{command}` makes the first.\n"
        return
    yield _measured(sheet, asked)
    yield from _twins(sheet, submissions)
    for band, rows in sheet.bands.items():
        if rows and band in RANKED:
            table = tables.ranking(rows, sheet.board.easy, sheet.board.hard, submissions)
            yield f"**{_BANDS[band]}**\n\n{table}\n"
        elif rows:
            yield f"**{_BANDS[band]}**\n\n{tables.references(rows, sheet.asked.levels, submissions)}\n"
    yield from _paper(sheet, submissions)
    if sheet.gaps:
        table = tables.gaps(sheet.gaps, sheet.asked.metric, submissions)
        yield f"**Ceilings: the same model, trained on the hard level itself**\n\n{table}\n"
    for _, one in sheet.rows:
        if one.record.model.band in RANKED or one.record.model.iterative:
            title = f"{tables.escaped(one.record.title)}: every level and budget"
            yield f"<details><summary>{title}</summary>\n\n{tables.every_budget(one)}\n\n</details>\n"


def _anyone(sheet: Sheet) -> str:
    """Who may make the first record: any model, or the first entry of those that the board names."""
    board, asked = sheet.board, sheet.asked
    if not board.entries:
        return "my_model.py"
    cards = {name: entry.card(name) for name in entry.names() if board.shows(name)}
    fit = (
        name
        for name, card in cards.items()
        if card.task == asked.task and (not card.suites or asked.name in card.suites)
    )
    return next(fit, board.entries[0])


def _twins(sheet: Sheet, submissions: str) -> Iterator[str]:
    """The same nets by two recipes, where the board's definition pairs them."""
    if (twins := sheet.board.twins) and (found := pairs(sheet)):
        first, second = twins.columns
        yield f"**{twins.title}**\n\nDifference: {first} minus {second}; ± is over training seeds.\n"
        yield f"{tables.twins(found, submissions)}\n"


def _paper(sheet: Sheet, submissions: str) -> Iterator[str]:
    """What a paper prints of these models, where the board's definition says it."""
    if paper := sheet.board.paper:
        yield f"**Beside the paper**: {paper.source}\n\n{paper.text.strip()}\n"
        yield f"{tables.beside_paper(sheet, submissions)}\n"


def _measured(sheet: Sheet, asked: Asked) -> str:
    """What the figures of a track have in common."""
    counts = sorted({asked.levels[level].n for level in sheet.levels if level in asked.levels})
    samples = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    source = f", source images `{asked.source[:8]}`" if asked.source else ""
    return (
        f"Headline: mean {label(sheet.asked.metric)} over levels {', '.join(sheet.levels)}, {samples} samples each "
        f"(protocol `{asked.protocol[:8]}`{source}).\n"
    )


def _notes(sheet: Sheet) -> Iterator[str]:
    """What the reader must know of records that do not rank, or rank by less evidence."""
    without = sorted(
        one.name for band in RANKED for _, one in sheet.bands[band] if not one.fault and one.scores is None
    )
    if without:
        yield (
            f"The per-sample scores of {', '.join(without)} are not here: their ties rest on whether the "
            "intervals of samples and seeds overlap.\n"
        )
    faults = [f"- {one.name}: {one.fault}" for _, one in sheet.rows if one.fault]
    if faults:
        yield "\n".join(["**Not ranked**\n", *faults, ""])
    if sheet.refused:
        named = (
            f"- `{path.parent.parent.name}/records/{path.name}`: {tables.escaped(why)}"
            for path, why in sheet.refused
        )
        yield "\n".join(["**Records refused**\n", *named, ""])
