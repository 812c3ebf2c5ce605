"""Statistics over per-sample scores: intervals, paired tests, ranks with ties. The same on every machine.

Random numbers come from the raw words of PCG64, whose stream NumPy promises never to change; the
distributions of `numpy.random.Generator` carry no such promise.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from easy2hard.errors import UserError

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

SIGNIFICANT = 0.05
_Z95 = 1.959963984540054  # the normal distribution's 97.5 % point
_CHUNK = 1 << 21  # resampled values held at a time


class Scores(NamedTuple):
    """One figure per sample of a level."""

    ids: I64  # (n,) no two alike
    values: F64  # (n,)


def standard_error(values: NDArray[np.floating]) -> float:
    """The standard error of the mean of `values` (n,); 0 for a single value, which shows no spread."""
    return float(np.std(values, ddof=1) / math.sqrt(len(values))) if len(values) > 1 else 0.0


def spread(values: Sequence[float]) -> float | None:
    """The standard deviation over training seeds; None where there is one seed only."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def wilson_ci(values: NDArray[np.floating]) -> tuple[float, float]:
    """Wilson's 95 % interval of a share, from 0s and 1s (n,). It has width even where all are alike."""
    n, share = len(values), float(np.mean(values))
    centre = (share + _Z95**2 / (2 * n)) / (1 + _Z95**2 / n)
    half = _Z95 * math.sqrt(share * (1 - share) / n + _Z95**2 / (4 * n**2)) / (1 + _Z95**2 / n)
    return min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half))


def bootstrap_ci(
    values: NDArray[np.floating], *, seed: int = 0, resamples: int = 2000
) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of the mean of `values` (n,); they must be finite."""
    low, high = bootstrap_cis(values[:, None], seed=seed, resamples=resamples)[0]
    return float(low), float(high)


def bootstrap_cis(columns: NDArray[np.floating], *, seed: int = 0, resamples: int = 2000) -> F64:
    """`bootstrap_ci` of every column of (n, k), as (k, 2).

    All columns share their resamples, so that a hundred cost little more than one.
    """
    sums = resampled_sums(columns, seed=seed, resamples=resamples)
    return np.quantile(sums / len(columns), [0.025, 0.975], axis=0).T


def confidence_intervals(columns: NDArray[np.floating], *, seed: int = 0) -> F64:
    """95 % intervals (k, 2) of the means of (n, k): Wilson's for a column of 0s and 1s, else bootstrap."""
    binary = np.isin(columns, (0, 1)).all(axis=0)
    intervals = np.empty((columns.shape[1], 2))
    intervals[binary] = np.array([wilson_ci(column) for column in columns.T[binary]]).reshape(-1, 2)
    if not binary.all():
        intervals[~binary] = bootstrap_cis(columns[:, ~binary], seed=seed)
    return intervals


def resampled_sums(
    columns: NDArray[np.floating], strata: I64 | None = None, *, seed: int = 0, resamples: int = 2000
) -> F64:
    """Sums over rows drawn with replacement from (n, k), as (resamples, k).

    Rows are drawn within their stratum (`strata`: (n,) labels): every resample has as many of each
    as the data.
    """
    if not np.isfinite(columns).all():
        raise UserError("scores that are not finite have no mean; cap them where they are scored.")
    labels = np.zeros(len(columns), np.int64) if strata is None else strata
    sums = np.zeros((resamples, columns.shape[1]))
    for stratum, label in enumerate(np.unique(labels)):
        rows = columns[labels == label].astype(np.float64)
        n, words = len(rows), np.random.PCG64([seed, stratum])
        chunk = max(1, _CHUNK // n)
        for start in range(0, resamples, chunk):
            times = min(chunk, resamples - start)
            drawn = _below(words, n, times * n).reshape(times, n) + n * np.arange(times)[:, None]
            counts = np.bincount(drawn.ravel(), minlength=times * n).reshape(times, n)
            sums[start : start + times] += counts @ rows
    return sums


def contributions(columns: Sequence[Mapping[str, Scores]], levels: Sequence[str]) -> tuple[F64, I64]:
    """What each sample id adds to a column's mean over `levels`: (ids, columns), and the ids' strata (ids,).

    Only ids that all columns share at a level count. An id that occurs at several levels is one row:
    image i is the same picture at every noise level, so its scores are no independent evidence.
    Ids that occur at the same levels make one stratum. Raises `UserError` where nothing is shared.
    """
    shared = {level: reduce(np.intersect1d, [column[level].ids for column in columns]) for level in levels}
    empty = [level for level, ids in shared.items() if not len(ids)]
    if empty:
        raise UserError(f"no sample of level {', '.join(empty)} was scored by both; compare the same track.")
    ids = reduce(np.union1d, shared.values())
    values, strata = np.zeros((len(ids), len(columns))), np.zeros(len(ids), np.int64)
    for bit, (level, wanted) in enumerate(shared.items()):
        rows = np.searchsorted(ids, wanted)
        strata[rows] += 1 << bit
        for position, column in enumerate(columns):
            there, scored = column[level]
            order = np.argsort(there, kind="stable")
            found = scored[order][np.searchsorted(there[order], wanted)]
            values[rows, position] += found / (len(levels) * len(wanted))
    return values, strata


def sign_flip_test(differences: F64, *, seed: int = 0, resamples: int = 4000) -> float:
    """The two-sided p value of "these paired differences (n,) are symmetric about 0".

    A permutation test: the signs are flipped at random. Where all differences are of one size, as
    with solved or not solved, it is McNemar's exact test, and is computed as such.
    """
    moved = differences[differences != 0]
    if not len(moved):
        return 1.0
    if np.ptp(np.abs(moved)) == 0:
        return _binomial_test(int((moved > 0).sum()), len(moved))
    observed, total = abs(float(moved.sum())), float(moved.sum())
    words, reached = np.random.PCG64([seed, len(moved)]), 0
    chunk = max(1, _CHUNK // len(moved))
    for start in range(0, resamples, chunk):
        shape = (min(chunk, resamples - start), len(moved))
        raw = words.random_raw(-(-shape[0] * shape[1] // 64)).astype("<u8").view(np.uint8)
        kept = np.unpackbits(raw)[: shape[0] * shape[1]].reshape(shape)
        reached += int((np.abs(2 * (kept @ moved) - total) >= observed * (1 - 1e-12)).sum())
    return (1 + reached) / (1 + resamples)


def paired_ci(
    a: F64, b: F64, strata: I64 | None = None, *, seed: int = 0, resamples: int = 2000
) -> tuple[float, float]:
    """The 95 % bootstrap interval of sum(a) - sum(b) over sample ids and training seeds: (n, seeds of each).

    Ids are drawn once for both, seeds for each apart. Few seeds drawn with replacement vary too
    little, by (k - 1) / k in variance; their deviations are stretched by as much.
    """
    sums = resampled_sums(np.hstack([a, b]), strata, seed=seed, resamples=resamples)
    words = np.random.PCG64([seed, a.shape[1], b.shape[1]])
    gap = _over_seeds(sums[:, : a.shape[1]], words) - _over_seeds(sums[:, a.shape[1] :], words)
    low, high = np.quantile(gap, [0.025, 0.975])
    return float(low), float(high)


def differ(a: F64, b: F64, strata: I64) -> bool:
    """Whether two entries differ: over samples (paired test), and over samples and seeds (interval)."""
    if sign_flip_test(a.mean(axis=1) - b.mean(axis=1)) >= SIGNIFICANT:
        return False
    low, high = paired_ci(a, b, strata)
    return low > 0 or high < 0


def ranks(count: int, differs: Callable[[int, int], bool]) -> list[int]:
    """The ranks of `count` entries in order of merit; an entry ties with those above while it does not differ
    from the first of them.

    The next rank counts everybody above: 1, 1, 3. Comparing with the first of a tie, not with the
    neighbour, keeps a chain of small differences from making the best and the worst equal.
    """
    ranked: list[int] = []
    for position in range(count):
        first = ranked[-1] - 1 if ranked else 0
        ranked.append(ranked[-1] if ranked and not differs(first, position) else position + 1)
    return ranked


def _over_seeds(sums: F64, words: np.random.PCG64) -> F64:
    """The mean over seeds drawn with replacement, for every resample: (resamples, seeds) -> (resamples,)."""
    times, seeds = sums.shape
    mean: F64 = sums.mean(axis=1)
    if seeds == 1:
        return mean
    drawn = np.take_along_axis(sums, _below(words, seeds, times * seeds).reshape(times, seeds), axis=1)
    stretched: F64 = mean + math.sqrt(seeds / (seeds - 1)) * (drawn.mean(axis=1) - mean)
    return stretched


def _below(words: np.random.PCG64, bound: int, count: int) -> I64:
    """`count` integers from 0 to `bound` - 1; the bias of multiply-shift stays below bound / 2^32."""
    raw = words.random_raw(-(-count // 2)).astype("<u8").view("<u4")[:count].astype(np.uint64)
    return ((raw * np.uint64(bound)) >> np.uint64(32)).astype(np.int64)


def _binomial_test(successes: int, n: int) -> float:
    """The exact two-sided p value of `successes` out of `n` tosses of a fair coin."""
    tail, ways = 0, 1
    for k in range(min(successes, n - successes) + 1):
        tail += ways
        ways = ways * (n - k) // (k + 1)
    return min(1.0, 2 * tail / (1 << n))
