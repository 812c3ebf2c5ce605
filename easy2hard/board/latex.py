"""A board as LaTeX tables in the layout of the paper's Table 1; they need the package booktabs."""

from collections.abc import Iterable

from easy2hard.board.sheet import Sheet
from easy2hard.board.standing import Standing
from easy2hard.units import label, show_spread

_SPECIAL = str.maketrans({
    **{character: f"\\{character}" for character in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"±": r"$\pm$", "–": "--"},
})  # fmt: skip


def document(sheets: Iterable[Sheet]) -> str:
    """One table per track that has entries, bands divided by a rule; and one beside the board's paper."""
    parts = [part for sheet in sheets for part in (_table(sheet), _paper(sheet)) if part]
    return "% rendered by `easy2hard leaderboard`: a change made here is lost\n" + "\n".join(parts)


def _table(sheet: Sheet) -> str:
    head = ["Model", "Parameters", f"Easy ({sheet.board.easy})", f"Hard ({sheet.board.hard})", "Mean of hard"]
    blocks = [[_row(sheet, one) for _, one in rows] for rows in sheet.bands.values() if rows]
    if not blocks:
        return f"% {sheet.track} track: no records yet\n"
    body = "\n\\midrule\n".join("\n".join(block) for block in blocks)
    return _tabular(sheet, "", head, body)


def _paper(sheet: Sheet) -> str:
    """A paper's figures and ours; empty for a board without a paper."""
    if sheet.board.paper is None:
        return ""
    easy, hard = f"Easy ({sheet.board.easy})", f"Hard ({sheet.board.hard})"
    rows = [(row.paper.model, *row.easy, *row.hard) for row in sheet.beside]
    lines = [" & ".join(map(_tex, row)) + r" \\" for row in rows]
    head = ["Model", f"{easy}, paper", f"{easy}, ours", f"{hard}, paper", f"{hard}, ours"]
    return _tabular(sheet, f", beside {_tex(sheet.board.paper.source)}", head, "\n".join(lines))


def _tabular(sheet: Sheet, what: str, head: list[str], body: str) -> str:
    return (
        f"% {sheet.track} track, {_tex(label(sheet.asked.metric))}{what}\n"
        "\\begin{tabular}{lrrrr}\n\\toprule\n"
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
    return " & ".join(map(_tex, columns)) + r" \\"


def _tex(text: str) -> str:
    """Text with LaTeX's special characters made harmless."""
    return text.translate(_SPECIAL)
