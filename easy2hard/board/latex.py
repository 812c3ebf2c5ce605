"""A board as LaTeX tables: the ranking, every level, every budget; they need the package booktabs."""

from collections.abc import Iterable, Iterator

from easy2hard.board.sheet import Sheet
from easy2hard.board.standing import Standing, show_figure
from easy2hard.board.tables import budget_rows
from easy2hard.board.twins import pairs
from easy2hard.units import label, show, show_interval, show_macs, show_spread

_SPECIAL = str.maketrans({
    **{character: f"\\{character}" for character in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"±": r"$\pm$", "–": "--"},
})  # fmt: skip


def document(sheets: Iterable[Sheet]) -> str:
    """The tables of each track that has entries: bands divided by a rule, twins, one beside the board's paper."""
    parts = [
        part
        for sheet in sheets
        for part in (
            *(_table(sheet), _twins(sheet), _paper(sheet)),
            *(_levels(sheet), _gaps(sheet), *_budgets(sheet)),
        )
        if part
    ]
    return "% rendered by `easy2hard leaderboard`: a change made here is lost\n" + "\n".join(parts)


def _table(sheet: Sheet) -> str:
    head = ["Model", "Parameters", f"Easy ({sheet.board.easy})", f"Hard ({sheet.board.hard})", "Mean of hard"]
    blocks = [[_row(sheet, one) for _, one in rows] for rows in sheet.bands.values() if rows]
    if not blocks:
        return f"% {sheet.track} track: no records yet\n"
    body = "\n\\midrule\n".join("\n".join(block) for block in blocks)
    return _tabular(sheet, "", head, body)


def _twins(sheet: Sheet) -> str:
    """The same nets by the two recipes of a pair; empty for a board that names none."""
    found = pairs(sheet)
    if sheet.board.twins is None or not found:
        return ""
    head = ["Model", *(f"{column[0].upper()}{column[1:]}" for column in found[0].figures)]
    lines = [_line([pair.shown.record.title, *pair.figures.values()]) for pair in found]
    return _tabular(sheet, f", {_tex(sheet.board.twins.title)}", list(map(_tex, head)), "\n".join(lines))


def _paper(sheet: Sheet) -> str:
    """A paper's figures and ours; empty for a board without a paper, and for a track without records."""
    if sheet.board.paper is None or not sheet.seeds:
        return ""
    easy, hard = f"Easy ({sheet.board.easy})", f"Hard ({sheet.board.hard})"
    rows = [(row.paper.model, *row.easy, *row.hard) for row in sheet.beside]
    lines = [_line(row) for row in rows]
    head = ["Model", f"{easy}, paper", f"{easy}, ours", f"{hard}, paper", f"{hard}, ours"]
    return _tabular(sheet, f", beside {_tex(sheet.board.paper.source)}", head, "\n".join(lines))


def _levels(sheet: Sheet) -> str:
    """Every level at the declared answer, with the multiply-accumulates that it costs at the easy one."""
    metric, levels = sheet.asked.metric, sheet.asked.levels
    blocks = []
    for rows in sheet.bands.values():
        lines = []
        for _, one in rows:
            easy = one.figure(sheet.board.easy, metric)
            cost = show_macs(easy.macs) if easy else "n/a"
            shown = [one.shown(level, metric) for level in levels]
            interval = "–" if one.fault else show_interval(metric, one.ci95)
            lines.append(_line([one.record.title, cost, *shown, interval]))
        blocks += ["\n".join(lines)] if lines else []
    head = ["Model", "MACs per answer", *levels, r"95 % interval of the mean of hard"]
    return (
        _tabular(sheet, ", every level", list(map(_tex, head)), "\n\\midrule\n".join(blocks))
        if blocks
        else ""
    )


def _gaps(sheet: Sheet) -> str:
    """What training on a hard level gives the same model, and how far the entry stays below it."""
    metric, lines = sheet.asked.metric, []
    for gap in sheet.gaps:
        figures = (show_figure(metric, gap.trained), show_figure(metric, gap.entry), show(metric, gap.value))
        lines.append(_line([gap.ceiling.record.title, gap.level, *figures]))
    head = ["Model", "Level", "Trained on it", "Trained on easy", "Extrapolation gap"]
    return _tabular(sheet, ", ceilings", head, "\n".join(lines)) if lines else ""


def _budgets(sheet: Sheet) -> Iterator[str]:
    """Every level and budget of each entry that iterates; the declared answer in bold."""
    for _, one in sheet.rows:
        if one.record.model.iterative:
            rows = budget_rows(one)
            body = "\n".join(_line(list(row.values())) for row in rows)
            yield _tabular(
                sheet, f", every budget of {_tex(one.record.title)}", list(map(_tex, rows[0])), body
            )


def _tabular(sheet: Sheet, what: str, head: list[str], body: str) -> str:
    columns = "l" + "r" * (len(head) - 1)
    return (
        f"% {sheet.track} track, {_tex(label(sheet.asked.metric))}{what}\n"
        f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n"
        f"{' & '.join(head)} \\\\\n\\midrule\n{body}\n\\bottomrule\n\\end{{tabular}}\n"
    )


def _row(sheet: Sheet, one: Standing) -> str:
    metric, board = sheet.asked.metric, sheet.board
    columns = [
        one.record.title,
        f"{one.record.model.params_total:,}",
        one.shown(board.easy, metric),
        one.shown(board.hard, metric),
        "n/a" if one.fault else show_spread(metric, one.headline, one.sd),
    ]
    return _line(columns)


def _line(columns: Iterable[str]) -> str:
    return " & ".join(_bold(column) for column in columns) + r" \\"


def _bold(text: str) -> str:
    """Text in bold where markdown would have it so."""
    bold = text.startswith("**") and text.endswith("**")
    return f"\\textbf{{{_tex(text[2:-2])}}}" if bold else _tex(text)


def _tex(text: str) -> str:
    """Text with LaTeX's special characters made harmless."""
    return text.translate(_SPECIAL)
