"""Intervals and tests agree with published numbers."""

from __future__ import annotations

import itertools
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap, norm, ttest_1samp
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from benchsuite import stats


@pytest.mark.parametrize(
    ("successes", "trials", "interval"),
    [
        # R. G. Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3 (score, no correction).
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
    ],
)
def test_interval_is_wilsons(successes: int, trials: int, interval: tuple[float, float]) -> None:
    """The interval of a rate is the score interval."""
    assert stats.rate_interval(successes, trials) == pytest.approx(interval, abs=5e-5)


def test_interval_without_trials_says_nothing() -> None:
    """Nothing tried leaves every rate possible."""
    assert stats.rate_interval(0, 0) == (0, 1)


@given(st.integers(1, 2000), st.data())
def test_interval_holds_the_rate_and_stays_within_bounds(trials: int, data: st.DataObject) -> None:
    """The interval always has the observed rate within it, and never leaves [0, 1]."""
    successes = data.draw(st.integers(0, trials))

    low, high = stats.rate_interval(successes, trials)

    assert 0 <= low <= successes / trials + 1e-12
    assert successes / trials - 1e-12 <= high <= 1
    assert low < high


def test_p_value_is_that_of_the_exact_binomial_test() -> None:
    """Mendel's 682 of 925 at 3/4 gives p = 0.3825, as Conover (1971, pp. 97-104) and R's binom.test have it."""
    assert stats.rate_p_value(682, 925, 0.75) == pytest.approx(0.3825, abs=5e-5)


def test_p_value_of_a_certain_rate_is_all_or_nothing() -> None:
    """A rate of one is refuted by a single failure and by nothing else."""
    assert stats.rate_p_value(8, 8, 1.0) == 1
    assert stats.rate_p_value(7, 8, 1.0) == 0


#: Weeks of remission under 6-mercaptopurine, and whether the relapse was seen: E. J. Freireich et al. (1963), Blood 21,
#: 699-716; its Kaplan-Meier estimate is in D. R. Cox, D. Oakes (1984), Analysis of Survival Data, chapter 4.
REMISSION = {
    6: (1, 1, 1, 0), 7: (1,), 9: (0,), 10: (1, 0), 11: (0,), 13: (1,), 16: (1,), 17: (0,), 19: (0,), 20: (0,),
    22: (1,), 23: (1,), 25: (0,), 32: (0, 0), 34: (0,), 35: (0,),
}  # fmt: skip


@pytest.fixture
def remission() -> stats.Survival:
    """The estimate from these 21 patients."""
    pairs = [(week, bool(seen)) for week, patients in REMISSION.items() for seen in patients]
    weeks, seen = zip(*pairs, strict=True)
    return stats.time_to_success(np.array(weeks), np.array(seen))


def test_time_to_success_is_kaplan_meiers(remission: stats.Survival) -> None:
    """The share that is left is that of the textbook, and its median 23 weeks."""
    assert remission.times.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert 1 - remission.share == pytest.approx([0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448], abs=5e-4)
    assert remission.median() == 23


def test_interval_of_the_curve_is_log_log(remission: stats.Survival) -> None:
    """As Stata's `sts list` has it for these data: 0.6197 to 0.9516 are left after 6 weeks, 0.1881 to 0.6801 after 23.

    The median is then at least 13 weeks, and without an upper end.
    """
    assert (1 - remission.high[0], 1 - remission.low[0]) == pytest.approx((0.6197, 0.9516), abs=1e-4)
    assert (1 - remission.high[-1], 1 - remission.low[-1]) == pytest.approx((0.1881, 0.6801), abs=1e-4)
    assert remission.median_interval() == (13, None)


@given(st.permutations([*range(1, 13), *[0] * 12]))
def test_median_of_exactly_one_half_is_seen(when: list[int]) -> None:
    """When the twelfth of 24 succeeds, half have, whatever rounding says."""
    times = np.array([time or 99 for time in when])

    assert stats.time_to_success(times, times < 99).median() == 12


def test_time_of_what_never_or_always_succeeds() -> None:
    """Without a success there is no curve; with nothing else the interval is still one."""
    never = stats.time_to_success(np.array([5, 5]), np.array([False, False]))
    always = stats.time_to_success(np.array([5, 5]), np.array([True, True]))

    assert (len(never.times), never.median(), never.median_interval()) == (0, None, (None, None))
    assert (always.times.tolist(), always.share.tolist(), always.median()) == ([5], [1], 5)
    assert 0 < always.low[0] < always.high[0] == 1


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=40))
def test_curve_rises_within_its_interval(runs: list[tuple[int, bool]]) -> None:
    """Whatever happened, the share rises from step to step and stays within an interval in [0, 1]."""
    times, succeeded = (np.array(column) for column in zip(*runs, strict=True))

    curve = stats.time_to_success(times, succeeded)

    assert (np.diff([0, *curve.share]) > 0).all()
    assert ((curve.low <= curve.share + 1e-12) & (curve.share <= curve.high + 1e-12)).all()
    assert ((curve.low >= 0) & (curve.high <= 1)).all()


def test_expected_running_time_counts_what_failures_cost() -> None:
    """Two successes of 10 and 30 steps beside a failure of 100 cost 70 steps each."""
    assert stats.expected_running_time(np.array([10, 100, 30]), np.array([True, False, True])) == 70
    assert stats.expected_running_time(np.array([100]), np.array([False])) is None


def test_prediction_p_value_is_that_of_hahns_interval() -> None:
    """Five readings of mean 50.10 and deviation 1.31: 95 % of sixth ones are within 50.10 ± 3.04 · 1.31.

    Source: G. J. Hahn, W. Q. Meeker (1991), Statistical Intervals, chapter 4, the example of circuit packs.
    """
    spread = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    sample = 50.10 + 1.31 * spread / spread.std(ddof=1)

    assert stats.prediction_p_value(50.10 + 3.04 * 1.31, sample) == pytest.approx(0.05, abs=3e-4)
    assert stats.prediction_p_value(50.10, sample) == pytest.approx(1)


def test_prediction_from_equal_figures_is_all_or_nothing() -> None:
    """A sample that does not vary foretells itself and nothing else."""
    assert stats.prediction_p_value(2.0, np.array([2.0, 2.0])) == 1
    assert stats.prediction_p_value(2.1, np.array([2.0, 2.0])) == 0


def test_paired_p_value_is_the_published_one() -> None:
    """McNemar's exact test on the airway data of Fagerland et al. (2013), BMC Med. Res. Methodol. 13, 91: 0.070."""
    assert stats.paired_p_value(fixed=1, regressed=7) == pytest.approx(0.0703, abs=5e-5)
    assert stats.paired_p_value(fixed=7, regressed=1) == stats.paired_p_value(fixed=1, regressed=7)
    assert stats.paired_p_value(0, 0) == 1


def test_paired_difference_interval_is_the_published_one() -> None:
    """Newcombe's interval of the same data, as Fagerland et al. (2014), Stat. Med. 33, 2850-2875 print it."""
    low, high = stats.paired_difference_interval(both=1, fixed=1, regressed=7, neither=12)

    assert (low, high) == pytest.approx((-0.507, -0.026), abs=5e-4)


COUNTS = st.integers(0, 200)


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_paired_difference_interval_contains_the_difference(
    both: int, fixed: int, regressed: int, neither: int
) -> None:
    """It lies within -1 to 1, and turned round it is that of the opposite change."""
    trials = both + fixed + regressed + neither
    if not trials:
        return
    low, high = stats.paired_difference_interval(both, fixed, regressed, neither)

    assert -1 <= low <= (fixed - regressed) / trials <= high <= 1
    turned = stats.paired_difference_interval(both, regressed, fixed, neither)
    assert turned == pytest.approx((-high, -low), abs=1e-12)


def test_holm_is_the_worked_example() -> None:
    """Four tests: the smallest p-value is multiplied by 4, the next by 3, and none ends below the one before it."""
    assert stats.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert stats.holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=30))
def test_holm_keeps_the_order_and_never_lowers(p_values: list[float]) -> None:
    """An adjusted p-value is no smaller, at most 1, and smaller ones stay smaller."""
    adjusted = stats.holm(p_values)

    assert all(p <= after <= 1 for p, after in zip(p_values, adjusted, strict=True))
    assert [after for _, after in sorted(zip(p_values, adjusted, strict=True))] == sorted(adjusted)


@pytest.mark.parametrize(
    ("rates", "stretch"),
    [([0.1, 0.96, 1.0, 0.95, 0.2, 0.99], (1, 3)), ([0.0, 0.0], (0, 1)), ([0.5], (0, 0)), ([0.2, 0.4, 0.9], (2, 2))],
)
def test_plateau_is_the_stretch_around_the_best(rates: list[float], stretch: tuple[int, int]) -> None:
    """A second hill behind a valley is not part of it."""
    assert stats.plateau(rates, 0.05) == stretch


def test_best_of_some_settings_is_that_of_all_subsets() -> None:
    """The expected value of the best of k settings equals the mean over all subsets, each chosen by the order."""
    rng = np.random.default_rng(0)
    order, values = rng.permutation(7).tolist(), rng.random(7).tolist()

    for number in range(1, 8):
        chosen = [min(subset, key=order.__getitem__) for subset in itertools.combinations(range(7), number)]

        assert stats.best_of(order, values, number) == pytest.approx(np.mean([values[place] for place in chosen]))


def test_chance_of_any_success_is_that_of_all_subsets() -> None:
    """The chance that one of m starts succeeds equals the share of all subsets of m of the n starts with a success."""
    ended = [True, True, False, False, False, False]

    for starts in range(1, 7):
        shares = [any(subset) for subset in itertools.combinations(ended, starts)]

        assert stats.any_success(2, 6, starts) == pytest.approx(np.mean(shares))


def test_starts_needed_for_a_success() -> None:
    """At a rate of one half, 6.6 starts leave one failure in a hundred; no number does at a rate of zero."""
    assert stats.starts_needed(0.5) == pytest.approx(6.6439, abs=1e-4)
    assert stats.starts_needed(1.0) == 1
    assert stats.starts_needed(0.0) is None


def test_limits_combine_as_newcombes() -> None:
    """MOVER gives Newcombe's interval of independent rates: Statistics in Medicine 17 (1998), 873-890, table II (a)."""
    rates, limits = (56 / 70, 48 / 80), (stats.rate_interval(56, 70), stats.rate_interval(48, 80))
    opposite = [(rates[0], limits[0]), (-rates[1], (-limits[1][1], -limits[1][0]))]

    found = stats.combined_interval(*zip(*opposite, strict=True), weights=(1, 1))

    assert found == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_interval_of_a_mean_is_students() -> None:
    """The interval over families is that of SciPy's t-test; one family has none."""
    values = [0.1, 0.4, 0.2, 0.5]

    assert stats.mean_interval(values) == pytest.approx(tuple(ttest_1samp(values, 0).confidence_interval()))
    assert stats.mean_interval([0.1]) is None


def test_coverage_of_a_mean_is_measured() -> None:
    """Student's interval covers 95 % of nearly normal samples, and fewer where most values are equal."""
    normal = stats.mean_coverage(norm.ppf((np.arange(40) + 0.5) / 40).tolist())
    skewed = stats.mean_coverage([0.0] * 11 + [1.0])

    assert normal == pytest.approx(0.95, abs=0.015)
    assert skewed is not None
    assert skewed < 0.75
    assert stats.mean_coverage([0.1]) is None


def test_sign_flips_of_one_case_are_mcnemars() -> None:
    """The test of a mean over one case is McNemar's exact test, also far in the tail."""
    for fixed, regressed in ((5, 0), (10, 3), (0, 0), (40, 2), (7, 7)):
        assert stats.sign_flip_p_value([fixed], [regressed], [1.0]) == pytest.approx(
            stats.paired_p_value(fixed, regressed), rel=1e-6
        )


def test_sign_flips_of_several_cases_are_those_of_all_signs() -> None:
    """The p-value equals the share of all assignments of signs whose weighted sum is as large."""
    fixed, regressed, weights = (3, 1, 2), (0, 1, 0), (1.0, 0.5, 0.25)
    each = np.repeat(weights, np.add(fixed, regressed))
    observed = abs(np.dot(weights, np.subtract(fixed, regressed)))
    sums = [abs(np.dot(signs, each)) for signs in itertools.product((1, -1), repeat=len(each))]

    expected = np.mean(np.array(sums) >= observed - 1e-12)

    assert stats.sign_flip_p_value(fixed, regressed, weights) == pytest.approx(expected)


def test_sign_flips_of_many_pairs_are_nearly_normal() -> None:
    """Where the exact distribution gives way to the normal one, both agree to a few percent."""
    exact = stats.sign_flip_p_value([100, 80], [70, 49], [1.0, 1.3])
    normal = stats.sign_flip_p_value([101, 80], [71, 49], [1.0, 1.3])

    assert normal == pytest.approx(exact, rel=0.1)


def test_pairs_to_decide_are_connors() -> None:
    """Connor's formula for one case: 20 % discordant pairs and a difference of 10 points need 155; more cases fewer."""
    normal = (norm.isf(0.025) * 0.2**0.5 + norm.isf(0.2) * (0.2 - 0.01) ** 0.5) ** 2 / 0.01

    assert stats.pairs_to_decide(0.1, [0.2], [1.0]) == int(np.ceil(normal)) == 155
    assert stats.pairs_to_decide(0.1, [0.2] * 4, [0.25] * 4) < 155 / 3
    assert stats.pairs_to_decide(0.05, [0.0], [1.0]) > 1


def test_expected_steps_have_an_interval() -> None:
    """The bootstrap of a mean agrees with SciPy's; without a success there is only a lower end."""
    rng = np.random.default_rng(1)
    times, every = rng.exponential(100, 300), np.ones(300, bool)
    theirs = bootstrap((times,), np.mean, n_resamples=999, method="percentile", rng=rng).confidence_interval

    assert stats.expected_time_interval(times, every) == pytest.approx(tuple(theirs), rel=0.02)
    assert stats.expected_time_interval(np.full(10, 60.0), np.zeros(10, bool)) == (600, None)
    assert stats.expected_time_interval(np.full(3, 60.0), np.array([True, False, False]))[1] is None


def test_ranks_have_intervals() -> None:
    """An entry that beats one of two others and loses to none is first or second; the beaten one second or third."""
    better = [[False, False, True], [False, False, False], [False, False, False]]

    assert stats.rank_intervals(better) == [(1, 2), (1, 3), (2, 3)]


COUNTS = st.tuples(st.integers(0, 60), st.integers(1, 60)).map(lambda pair: (min(pair), max(pair)))


@settings(max_examples=40)
@given(before=COUNTS, after=COUNTS)
def test_intervals_of_rates_and_differences_are_those_of_statsmodels(
    before: tuple[int, int], after: tuple[int, int]
) -> None:
    """Wilson's and Newcombe's intervals agree with an independent library for any counts."""
    assert stats.rate_interval(*before) == pytest.approx(proportion_confint(*before, method="wilson"), abs=1e-12)
    theirs = confint_proportions_2indep(*after, *before, compare="diff", method="newcomb")
    assert stats.difference_interval(before, after) == pytest.approx(theirs, abs=1e-9)


@settings(max_examples=40)
@given(counts=st.tuples(*[st.integers(0, 40)] * 4), p_values=st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_paired_tests_and_adjustment_are_those_of_statsmodels(
    counts: tuple[int, int, int, int], p_values: list[float]
) -> None:
    """McNemar's exact test and Holm's adjustment agree with an independent library for any counts and p-values."""
    both, fixed, regressed, neither = counts
    expected = mcnemar([[both, regressed], [fixed, neither]], exact=True).pvalue if fixed + regressed else 1.0
    assert stats.paired_p_value(fixed, regressed) == pytest.approx(expected, abs=1e-12)
    with mock.patch("gc.collect"):  # statsmodels collects garbage at every call
        expected = multipletests(p_values, method="holm")[1]
    assert stats.holm(p_values) == pytest.approx(expected, abs=1e-12)
