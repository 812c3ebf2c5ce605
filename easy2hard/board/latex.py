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
    """One table per track that has entries; bands are divided by a rule."""
    return "% rendered by `easy2hard leaderboard`: a change made here is lost\n" + "\n".join(
        map(_table, sheets)
    )


def _table(sheet: Sheet) -> str:
    head = ["Model", "Parameters", f"Easy ({sheet.board.easy})", f"Hard ({sheet.board.hard})", "Mean of hard"]
    blocks = [[_row(sheet, one) for _, one in rows] for rows in sheet.bands.values() if rows]
    if not blocks:
        return f"% {sheet.track} track: no records yet\n"
    body = "\n\\midrule\n".join("\n".join(block) for block in blocks)
    return (
        f"% {sheet.track} track, {_tex(label(sheet.asked.metric))}\n\\begin{{tabular}}{{lrrrr}}\n\\toprule\n"
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
