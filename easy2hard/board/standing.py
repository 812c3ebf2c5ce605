"""How an entry stands: its figures on a board, each taken over its training seeds, and its rank."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from easy2hard import statistics
from easy2hard.archive import Seeds
from easy2hard.errors import UserError
from easy2hard.record import Cell, Record
from easy2hard.statistics import Scores
from easy2hard.suite import Suite
from easy2hard.units import show_spread

_Interval = tuple[float, float]


class Figure(NamedTuple):
    """A cell, over the training seeds of an entry."""

    value: float  # mean over seeds
    sd: float | None  # standard deviation over seeds; None for a single one
    ci95: _Interval | None  # over samples: the ends averaged over seeds
    n: int
    iterations: float
    macs: float
    budget: int


class Oracle(NamedTuple):
    """What the best budget of each hard level would give: known only by looking at the test data."""

    value: float
    budgets: tuple[int, ...]  # one per hard level
    gain: float | None  # over the training budget; None where that was not measured
    overthinking: float | None  # best minus last budget; None where that was not measured


@dataclass(frozen=True)
class Standing:
    """An entry on one track of a board."""

    seeds: Seeds
    asked: Suite
    levels: tuple[str, ...]  # whose mean is the headline

    @property
    def record(self) -> Record:
        return self.seeds.record

    @property
    def name(self) -> str:
        """The entry, and its recipe where that is not the track's own."""
        return " ".join(filter(None, (self.record.model.id, self.record.variant)))

    def figure(
        self, level: str, metric: str, budget: int | None = None, exit: str | None = None
    ) -> Figure | None:
        """The figure at a budget or exit rule (None: the declared answer); None where the entry has none."""
        return _figure(self.seeds.cells(level, metric, budget, exit))

    def shown(self, level: str, metric: str) -> str:
        """The declared answer's figure as it is written."""
        return show_figure(metric, self.figure(level, metric))

    @cached_property
    def fault(self) -> str | None:
        """Why the entry has no headline; None for one that has."""
        if self.seeds.fault:
            return self.seeds.fault
        if not self.levels:
            return f"there is no hard level of {self.asked.name} that every entry here was asked."
        missing = [level for level in self.levels if not self.seeds.cells(level, self.asked.metric)]
        if missing:
            return f"it gives no answer '{self.record.declared_answer}' at level {', '.join(missing)}."
        return None

    @cached_property
    def by_seed(self) -> list[float]:
        """The headline of each training seed."""
        cells = [self.seeds.cells(level, self.asked.metric) for level in self.levels]
        return [float(np.mean([cell.value for cell in of_seed])) for of_seed in zip(*cells, strict=True)]

    @property
    def headline(self) -> float:
        """The mean over seeds and hard levels of the ranking metric at the declared answer."""
        return float(np.mean(self.by_seed))

    @property
    def sd(self) -> float | None:
        """The standard deviation of the headline over seeds; None for a single one."""
        return statistics.spread(self.by_seed)

    @cached_property
    def scores(self) -> list[dict[str, Scores]] | None:
        """The per-sample scores of the declared answer, per seed; None where a file is not there."""
        try:
            return self.seeds.answers(self.levels, self.asked.metric)
        except UserError:
            return None

    @cached_property
    def ci95(self) -> _Interval | None:
        """The 95 % interval of the headline over samples; None without the per-sample scores.

        Shares combine Wilson's interval of each level; everything else is bootstrapped over sample ids.
        """
        if self.scores is None:
            return None
        if all(np.isin(of_level.values, (0, 1)).all() for seed in self.scores for of_level in seed.values()):
            return self._combined_wilson(self.scores)
        values, strata = statistics.contributions(self.scores, self.levels)
        sums = statistics.resampled_sums(values.mean(axis=1)[:, None], strata)
        low, high = np.quantile(sums, [0.025, 0.975])
        return float(low), float(high)

    def _combined_wilson(self, scores: Sequence[dict[str, Scores]]) -> _Interval:
        """Wilson's intervals of independent levels, their distances from the mean added as squares."""
        distances = []
        for level in self.levels:
            ends = np.mean([statistics.wilson_ci(seed[level].values) for seed in scores], axis=0)
            share = np.mean([seed[level].values.mean() for seed in scores])
            distances.append(np.abs(ends - share) / len(self.levels))
        below, above = np.sqrt(np.square(distances).sum(axis=0))
        return self.headline - float(below), self.headline + float(above)

    @cached_property
    def reach(self) -> _Interval:
        """Stands for the interval of the headline where per-sample scores are missing: wide, so that it ties.

        The levels' intervals averaged, and the standard deviation over seeds on either side.
        """
        figures = [self.figure(level, self.asked.metric) for level in self.levels]
        ends = np.array([figure.ci95 or (figure.value, figure.value) for figure in figures if figure])
        low, high = ends.mean(axis=0)
        sd = self.sd or 0.0
        return float(low) - sd, float(high) + sd

    @cached_property
    def better(self) -> int:
        """1 where a higher value of the ranking metric is better, -1 where a lower one is."""
        cells = self.seeds.cells(self.levels[0], self.asked.metric)
        return 1 if cells and cells[0].higher_is_better else -1

    @cached_property
    def most(self) -> float:
        """The most iterations that the entry can run; infinite where nothing bounds it.

        An older record does not say. Where it has the suite's budgets up to some point, the model ends there; where
        it has others, it was asked others, and nothing bounds it as far as anybody knows.
        """
        said = self.record.model.max_iterations
        if said is not None:
            return math.inf if said == "unbounded" else said
        ran = {level: set(self._budgets(level)) for level in self.asked.levels if self._budgets(level)}
        own = any(
            budget < max(of_level) and budget not in of_level
            for level, of_level in ran.items()
            for budget in self.asked.level_budgets(level)
        )
        return math.inf if own or not ran else max(map(max, ran.values()))

    def absent(self, budget: int) -> str:
        """What stands in place of a figure: n/a beyond what the entry can run, a dash where nobody asked."""
        return "n/a" if budget > self.most else "–"

    @cached_property
    def oracle(self) -> Oracle | None:
        """Best, training and last budget compared at every hard level, then averaged.

        None for an entry that does not iterate.
        """
        if not self.record.model.iterative or self.fault:
            return None
        rows = []
        for level in self.levels:
            values = self._curve(level)
            if not values:
                return None
            best = max(values, key=lambda budget: (self.better * values[budget], -budget))
            trained = values.get(self.record.model.train_iterations or 0, np.nan)
            able = [budget for budget in self.asked.level_budgets(level) if budget <= self.most]
            last = values.get(max(able, default=max(values)), np.nan)
            rows.append((values[best], values[best] - trained, values[best] - last, best))
        value, gain, over, _ = np.mean(rows, axis=0)
        return Oracle(
            value=float(value),
            budgets=tuple(best for *_, best in rows),
            gain=None if np.isnan(gain) else self.better * float(gain),
            overthinking=None if np.isnan(over) else self.better * float(over),
        )

    def _curve(self, level: str) -> dict[int, float]:
        """The ranking metric at every fixed budget that the entry ran."""
        figures = {budget: self.figure(level, self.asked.metric, budget) for budget in self._budgets(level)}
        return {budget: figure.value for budget, figure in figures.items() if figure}

    def _budgets(self, level: str) -> list[int]:
        """The fixed budgets that the record has at a level, ascending."""
        return sorted({c.budget for c in self.record.cells if c.level == level and c.exit is None})


def show_figure(metric: str, figure: Figure | None) -> str:
    """A figure with its spread over seeds; n/a for one that the entry cannot give, never 0."""
    return show_spread(metric, figure.value, figure.sd) if figure else "n/a"


def rank(standings: Sequence[Standing]) -> list[str]:
    """The ranks of standings in order of merit: `1=` for a tie, nothing for one without a headline."""
    fit = [one for one in standings if not one.fault]
    ranks = statistics.ranks(len(fit), lambda a, b: differ(fit[a], fit[b]))
    marked = [f"{place}=" if ranks.count(place) > 1 else str(place) for place in ranks]
    return marked + [""] * (len(standings) - len(fit))


def order(standings: Sequence[Standing]) -> list[Standing]:
    """The standings in order of merit, those without a headline last."""
    fit = sorted((one for one in standings if not one.fault), key=_merit)
    return fit + sorted((one for one in standings if one.fault), key=lambda one: one.name)


def differ(a: Standing, b: Standing) -> bool:
    """Whether two entries differ significantly: on shared samples, or, without scores, by their intervals."""
    if a.scores is None or b.scores is None:
        return a.reach[0] > b.reach[1] or b.reach[0] > a.reach[1]
    values, strata = statistics.contributions([*a.scores, *b.scores], a.levels)
    return statistics.differ(values[:, : len(a.scores)], values[:, len(a.scores) :], strata)


def _merit(one: Standing) -> tuple[float, str]:
    return -one.better * one.headline, one.name


def _figure(cells: Sequence[Cell]) -> Figure | None:
    if not cells:
        return None
    ends = [cell.ci95 for cell in cells if cell.ci95]
    known = len(ends) == len(cells)
    return Figure(
        value=_mean(cell.value for cell in cells),
        sd=statistics.spread([cell.value for cell in cells]),
        ci95=(_mean(low for low, _ in ends), _mean(high for _, high in ends)) if known else None,
        n=cells[0].n,
        iterations=_mean(cell.iterations for cell in cells),
        macs=_mean(cell.macs for cell in cells),
        budget=max(cell.budget for cell in cells),
    )


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))
