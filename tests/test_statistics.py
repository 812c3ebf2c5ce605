"""Intervals, paired tests and ranks: against SciPy, and against what they promise."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from easy2hard import statistics
from easy2hard.errors import UserError
from easy2hard.statistics import Scores


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_the_bootstrap_agrees_with_the_normal_interval_on_many_samples(rng: np.random.Generator) -> None:
    values = rng.normal(25, 3, 5000)
    low, high = statistics.bootstrap_ci(values)
    half = 1.96 * statistics.standard_error(values)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)


def test_the_same_scores_give_the_same_interval(rng: np.random.Generator) -> None:
    values = rng.normal(size=100)
    assert statistics.bootstrap_ci(values) == statistics.bootstrap_ci(values.copy())


def test_another_seed_draws_other_resamples(rng: np.random.Generator) -> None:
    values = rng.normal(size=100)
    assert statistics.bootstrap_ci(values, seed=1) != statistics.bootstrap_ci(values)


def test_the_random_words_are_the_same_under_every_numpy() -> None:
    assert statistics.bootstrap_ci(np.arange(10.0), resamples=200) == pytest.approx((2.9, 6.4))


def test_a_column_has_the_same_interval_alone_and_in_company(rng: np.random.Generator) -> None:
    columns = rng.normal(size=(80, 3))
    alone = statistics.bootstrap_ci(columns[:, 1])
    assert statistics.bootstrap_cis(columns)[1] == pytest.approx(alone)


def test_chunks_do_not_change_the_resamples(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    columns = rng.normal(size=(50, 2))
    whole = statistics.resampled_sums(columns, resamples=40)
    monkeypatch.setattr(statistics, "_CHUNK", 150)
    assert statistics.resampled_sums(columns, resamples=40) == pytest.approx(whole)


def test_scores_that_are_not_finite_are_refused() -> None:
    with pytest.raises(UserError, match="not finite"):
        statistics.bootstrap_ci(np.array([1.0, np.inf]))


@pytest.mark.parametrize("successes", [0, 1, 30, 99, 100])
def test_wilson_agrees_with_scipy(successes: int) -> None:
    values = np.repeat([1.0, 0.0], [successes, 100 - successes])
    expected = stats.binomtest(successes, 100).proportion_ci(method="wilson")
    assert statistics.wilson_ci(values) == pytest.approx((expected.low, expected.high))


def test_a_share_of_one_hundred_percent_still_has_an_interval(rng: np.random.Generator) -> None:
    intervals = statistics.confidence_intervals(np.column_stack([np.ones(50), rng.normal(size=50)]))
    assert intervals[0, 0] < 0.95
    assert intervals[0, 1] == 1


def test_strata_are_drawn_apart() -> None:
    columns = np.repeat([1.0, 100.0], [90, 10])[:, None]
    sums = statistics.resampled_sums(columns, np.repeat([0, 1], [90, 10]), resamples=50)
    assert np.unique(sums).tolist() == [1090.0]


def test_the_permutation_test_agrees_with_the_t_test_on_normal_differences(rng: np.random.Generator) -> None:
    differences = rng.normal(0.1, 1, 400)
    expected = stats.ttest_1samp(differences, 0).pvalue
    assert statistics.sign_flip_test(differences) == pytest.approx(expected, abs=0.02)


def test_the_permutation_test_holds_its_level_under_the_null_hypothesis(rng: np.random.Generator) -> None:
    tests = [statistics.sign_flip_test(row, resamples=400) < 0.05 for row in rng.normal(size=(400, 30))]
    assert 0.02 < np.mean(tests) < 0.085


def test_the_permutation_test_of_few_differences_is_that_of_all_their_signs() -> None:
    differences = np.array([1.0, 2.0, -3.5, 4.0])
    sums = [abs(np.dot(signs, differences)) for signs in product((-1, 1), repeat=4)]
    expected = np.mean([total >= abs(differences.sum()) for total in sums])
    assert statistics.sign_flip_test(differences) == pytest.approx(expected, abs=0.03)
    assert statistics.sign_flip_test(np.array([1.0, 2.0])) == pytest.approx(
        0.5, abs=0.03
    )  # itself, and its mirror


def test_a_permutation_test_counts_the_data_among_the_resamples_so_that_p_is_never_zero() -> None:
    assert statistics.sign_flip_test(np.arange(1.0, 60.0), resamples=400) == 1 / 401


def test_solved_or_not_is_tested_by_mcnemar_exactly() -> None:
    differences = np.repeat([1.0, -1.0, 0.0], [12, 4, 84])
    assert statistics.sign_flip_test(differences) == pytest.approx(stats.binomtest(12, 16).pvalue)


def test_no_difference_at_all_is_no_evidence() -> None:
    assert statistics.sign_flip_test(np.zeros(10)) == 1.0


def test_the_paired_interval_covers_the_true_difference(rng: np.random.Generator) -> None:
    covered = 0
    for _ in range(100):
        shared, ids = rng.normal(size=(60, 1)), np.zeros(60, np.int64)
        a, b = (shared + rng.normal(scale=0.5, size=(60, 1)) for _ in range(2))
        low, high = statistics.paired_ci((a + 1) / 60, b / 60, ids, resamples=300)
        covered += low < 1 < high
    assert 85 <= covered <= 100


def test_seeds_that_scatter_widen_the_paired_interval(rng: np.random.Generator) -> None:
    base, ids = rng.normal(size=(200, 1)) / 200, np.zeros(200, np.int64)
    steady = base + np.array([0.0, 0.0, 0.0]) / 200
    scattered = base + np.array([-1.0, 0.0, 1.0]) / 200
    narrow, wide = (np.subtract(*statistics.paired_ci(a, base, ids)[::-1]) for a in (steady, scattered))
    assert narrow < 0.01
    assert 1.5 < wide < 3


def test_means_over_resampled_seeds_vary_as_a_mean_of_as_many_seeds_does() -> None:
    seeds = np.array([0.0, 1.0, 5.0])
    means = statistics._over_seeds(np.tile(seeds, (50_000, 1)), np.random.PCG64(0))
    assert means.mean() == pytest.approx(seeds.mean(), rel=0.02)
    assert means.std() == pytest.approx(seeds.std(ddof=1) / 3**0.5, rel=0.02)


def test_a_difference_smaller_than_the_spread_over_seeds_is_none(rng: np.random.Generator) -> None:
    ids = np.zeros(300, np.int64)
    a = (rng.normal(scale=0.01, size=(300, 1)) + np.array([0.0, 0.5, 1.0])) / 300
    b = (rng.normal(scale=0.01, size=(300, 1)) + np.array([0.1, 0.6, 1.1])) / 300
    assert statistics.sign_flip_test(a.mean(axis=1) - b.mean(axis=1)) < 0.001
    assert not statistics.differ(a, b, ids)


def test_only_shared_ids_count_and_their_order_does_not() -> None:
    a = {"1": Scores(np.array([2, 0, 1]), np.array([30.0, 10.0, 20.0]))}
    b = {"1": Scores(np.array([0, 2, 7]), np.array([1.0, 3.0, 99.0]))}
    values, _ = statistics.contributions([a, b], ["1"])
    assert values.tolist() == [[5.0, 0.5], [15.0, 1.5]]


def test_contributions_add_up_to_the_mean_over_levels_of_different_sizes() -> None:
    column = {
        "1": Scores(np.arange(4), np.array([1.0, 2.0, 3.0, 4.0])),
        "2": Scores(np.arange(2), np.array([10.0, 20.0])),
    }
    values, strata = statistics.contributions([column], ["1", "2"])
    assert values.sum() == pytest.approx((2.5 + 15) / 2)
    assert len(set(strata[:2])) == 1
    assert strata[2] != strata[0]


def test_ids_of_one_level_of_the_other_and_of_both_are_three_strata() -> None:
    column = {level: Scores(np.array(ids), np.ones(2)) for level, ids in (("1", [0, 1]), ("2", [1, 2]))}
    _, strata = statistics.contributions([column], ["1", "2"])
    assert len(set(strata)) == 3


def test_nothing_shared_is_refused() -> None:
    one, other = ({"1": Scores(np.array([i]), np.ones(1))} for i in (0, 1))
    with pytest.raises(UserError, match="level 1"):
        statistics.contributions([one, other], ["1"])


@pytest.mark.parametrize(
    ("values", "expected"),
    [([], []), ([9], [1]), ([9, 9, 5], [1, 1, 3]), ([9, 8.5, 8, 7.5], [1, 1, 3, 3])],
)
def test_a_tie_shares_the_rank_of_its_first_and_does_not_chain(
    values: list[float], expected: list[int]
) -> None:
    assert statistics.ranks(len(values), lambda a, b: values[a] - values[b] > 0.6) == expected
