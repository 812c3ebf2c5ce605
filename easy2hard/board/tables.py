"""The tables of a board in markdown: ranking, floors, ceilings, and every level and budget of an entry."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from itertools import groupby

from tabulate import tabulate

from easy2hard.board.sheet import Gap, Row, Sheet
from easy2hard.board.standing import Oracle, Standing, show_figure
from easy2hard.board.twins import Pair
from easy2hard.record import Record
from easy2hard.units import show, show_count, show_interval, show_macs, show_spread


def ranking(rows: Iterable[Row], easy: str, hard: str, submissions: str) -> str:
    """The layout of the paper's Table 1, and what a reader must know beside it."""
    lines = []
    for rank, one in rows:
        metric, at_easy = one.asked.metric, one.figure(easy, one.asked.metric)
        lines.append(
            {
                "rank": rank or "–",
                "model": name(one.record, submissions),
                "parameters": f"{one.record.model.params_total:,}",
                "MACs per iteration": show_count(one.record.model.macs_per_iteration),
                "MACs per answer": show_macs(at_easy.macs) if at_easy else "n/a",
                f"easy {easy}": show_figure(metric, at_easy),
                f"hard {hard}": one.shown(hard, metric),
                "headline": headline(one),
                "95 % interval": "–" if one.fault else show_interval(metric, one.ci95),
                "answer": answer(one.record),
                **_oracle(metric, one.oracle),
                "seeds": _seeds(len(one.seeds.filed), one.seeds.failed),
            }
        )
    return _table(lines, left=("model",))


def references(rows: Sequence[Row], levels: Iterable[str], submissions: str) -> str:
    """Floors, or ceilings that do not learn: every level at the declared answer, and no rank."""
    lines = []
    for _, one in rows:
        metric = one.asked.metric
        lines.append(
            {
                "model": name(one.record, submissions),
                "parameters": f"{one.record.model.params_total:,}",
                **{level: one.shown(level, metric) for level in levels},
                "headline": "n/a" if one.fault else show_spread(metric, one.headline, one.sd),
                "95 % interval": "–" if one.fault else show_interval(metric, one.ci95),
            }
        )
    return _table(lines, left=("model",))


def beside_paper(sheet: Sheet, submissions: str) -> str:
    """A paper's figures and ours at the two levels that it prints; a dash where there is no record."""
    lines = []
    easy, hard = f"easy {sheet.board.easy}", f"hard {sheet.board.hard}"
    for paper, ours, at_easy, at_hard in sheet.beside:
        recipe = f" ({ours.record.variant})" if ours and ours.record.variant else ""
        lines.append(
            {
                "model in the paper": escaped(paper.model),
                "entry": f"[{paper.entry}]({submissions}/{paper.entry}){recipe}",
                f"{easy}, paper": at_easy[0],
                f"{easy}, ours": at_easy[1],
                f"{hard}, paper": at_hard[0],
                f"{hard}, ours": at_hard[1],
                "seeds": _seeds(len(ours.seeds.filed), ours.seeds.failed) if ours else "–",
            }
        )
    return _table(lines, left=("entry",))


def twins(found: Iterable[Pair], submissions: str) -> str:
    """The same nets by two recipes, side by side; seeds of both."""
    lines = []
    for pair in found:
        sides = [one.seeds for one in pair.sides if one]
        seeds = " and ".join(_seeds(len(side.filed), side.failed) for side in sides)
        lines.append({"model": name(pair.shown.record, submissions), **pair.figures, "seeds": seeds})
    return _table(lines)


def gaps(found: Iterable[Gap], metric: str, submissions: str) -> str:
    """What training on a hard level gives the same model, and how far the entry stays below it."""
    lines = []
    for gap in found:
        lines.append(
            {
                "model": name(gap.ceiling.record, submissions),
                "level": gap.level,
                "trained on it": show_figure(metric, gap.trained),
                "trained on easy": show_figure(metric, gap.entry),
                "extrapolation gap": show(metric, gap.value),
                "seeds": _seeds(len(gap.ceiling.filed), gap.ceiling.failed),
            }
        )
    return _table(lines, left=("model",))


def every_budget(one: Standing) -> str:
    """Every level and budget of an entry as a table."""
    return _table(budget_rows(one))


def budget_rows(one: Standing) -> list[dict[str, str]]:
    """A row for each budget and exit rule; the declared answer in bold (`**`), n/a for what it cannot run."""
    metric, levels = one.asked.metric, one.asked.levels
    known = {(cell.level, cell.budget, cell.exit) for cell in one.record.cells if cell.level in levels}
    lines = list(_by_budget(one, {budget for _, budget, exit in known if exit is None}))
    for rule in sorted({exit for _, _, exit in known if exit}):
        most = {
            level: max((b for lv, b, e in known if (lv, e) == (level, rule)), default=0) for level in levels
        }
        lines.append(
            {
                "iterations": f"exit: {rule}",
                **{level: _cell(one, level, most[level], rule) for level in levels},
            }
        )
    figures = {level: one.figure(level, metric) for level in levels}
    ends = {
        level: show_interval(metric, figure.ci95 if figure else None) for level, figure in figures.items()
    }
    lines.append({"iterations": "95 % interval at the answer", **ends})
    for other in dict.fromkeys(cell.metric for cell in one.record.cells):
        if other != metric:
            shown = {level: one.shown(level, other) for level in levels}
            lines.append({"iterations": f"{other} at the answer", **shown})
    heads = {level: f"{level} ({one.asked.kind(level)})" for level in levels}
    return [{heads.get(key, key): text for key, text in line.items()} for line in lines]


def _by_budget(one: Standing, measured: set[int]) -> Iterator[dict[str, str]]:
    """A row for each budget, ascending; neighbours that were not measured for the same reason share one."""
    levels = one.asked.levels
    budgets = sorted(measured.union(*map(one.asked.level_budgets, levels)))
    for _, group in groupby(budgets, lambda budget: budget if budget in measured else one.absent(budget)):
        first, *rest = group
        named = f"{first} … {rest[-1]}" if rest else str(first)
        absent = None if first in measured else one.absent(first)
        yield {"iterations": named, **{level: absent or _cell(one, level, first, None) for level in levels}}


def answer(record: Record) -> str:
    """The declared answer in words."""
    declared = record.declared_answer
    if declared.isdigit():
        return f"iteration {declared}" if record.model.iterative else "one pass"
    return "last iteration" if declared == "last" else f"exit: {declared}"


def escaped(text: str) -> str:
    """Text of a submission, unable to break a table or to bring markup."""
    return (
        escape(text, quote=False)
        .replace("|", "\\|")
        .replace("\n", " ")
        .replace("[", "\\[")
        .replace("]", "\\]")
    )


def _cell(one: Standing, level: str, budget: int, exit: str | None) -> str:
    """One cell of the grid."""
    metric = one.asked.metric
    figure, declared = one.figure(level, metric, budget, exit), one.record.answer_cell(level, metric)
    if figure is None:
        return one.absent(budget)
    text = show_figure(metric, figure) + (f" after {figure.iterations:.1f}" if exit else "")
    chosen = declared is not None and (declared.budget, declared.exit) == (budget, exit)
    return f"**{text}**" if chosen else text


def name(record: Record, submissions: str) -> str:
    """The title as a link to the entry, and what it is told; `submissions` is the folder of the entries."""
    told = f" (is told the {' and '.join(record.model.needs)})" if record.model.needs else ""
    return f"[{escaped(record.title)}]({submissions}/{record.model.id}){escaped(told)}"


def headline(one: Standing) -> str:
    """The mean over the hard levels in bold, and its spread over seeds."""
    if one.fault:
        return "n/a"
    metric = one.asked.metric
    value, _, sd = show_spread(metric, one.headline, one.sd).partition(" ± ")
    return f"**{value}**" + (f" ± {sd}" if sd else "")


def _oracle(metric: str, oracle: Oracle | None) -> dict[str, str]:
    """The columns that compare budgets; a dash where one of the two was not measured."""
    if oracle is None:
        return dict.fromkeys(("gain", "overthinking", "*oracle*"), "n/a")
    same = len(set(oracle.budgets)) == 1
    budgets = oracle.budgets[:1] if same else oracle.budgets
    gain, over = ("–" if by is None else show(metric, by) for by in (oracle.gain, oracle.overthinking))
    best = f"*{show(metric, oracle.value)} at {', '.join(map(str, budgets))}*"
    return {"gain": gain, "overthinking": over, "*oracle*": best}


def _seeds(count: int, failed: int) -> str:
    return f"{count} ({failed} failed)" if failed else str(count)


def _table(lines: Sequence[Mapping[str, str]], left: tuple[str, ...] = ()) -> str:
    """Rows as a markdown table, figures to the right."""
    columns = list(lines[0])
    align = ["left" if column in left or not index else "right" for index, column in enumerate(columns)]
    rows = [[line[column] for column in columns] for line in lines]
    return tabulate(rows, columns, tablefmt="pipe", colalign=align, disable_numparse=True)
