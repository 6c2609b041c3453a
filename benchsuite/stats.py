"""Intervals and tests: pure functions on numbers, over SciPy.

SciPy is imported when a figure is asked for, so that starting pytest does not pay for it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

#: The confidence of every interval that the suite prints.
CONFIDENCE = 0.95

#: A product of shares that should be one half may be a little less.
_ROUNDING = 1e-9

#: A claim is refuted when its p-value is below this level.
LEVEL = 0.01


@lru_cache(10_000)  # the cases of a run have the same counts again and again
def rate_interval(successes: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's score interval of a proportion, which stays honest at 0 of n and n of n.

    Args:
        successes: how many of the trials succeeded.
        trials: how many there were; 0 gives (0, 1).
        confidence: the coverage, between 0 and 1.

    Source: E. B. Wilson (1927), J. Am. Stat. Assoc. 22, 209-212; `scipy.stats.binomtest`.
    """
    if trials == 0:
        return (0.0, 1.0)
    from scipy.stats import binomtest

    interval = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    return (float(interval.low), float(interval.high))


def trials_for(half_width: float, low: float = 0.0, high: float = 1.0, confidence: float = CONFIDENCE) -> int:
    """The trials after which Wilson's interval is no wider than twice `half_width`, at any rate from `low` to `high`.

    Args:
        half_width: between 0 and 1/2.
        low: the smallest rate that is expected.
        high: the largest.
        confidence: the coverage, between 0 and 1.

    Source: the interval's width, z √(p q n + z² / 4) / (n + z²) to either side, solved for n; see `rate_interval`.
    """
    import math

    from scipy.stats import norm

    rate = min(max(low, 1 / 2), high)
    z2, h2 = float(norm.isf((1 - confidence) / 2)) ** 2, half_width**2
    middle = z2 * (2 * h2 - rate * (1 - rate))
    return max(1, math.ceil((-middle + math.sqrt(middle**2 - h2 * z2**2 * (4 * h2 - 1))) / (2 * h2) - _ROUNDING))


@lru_cache(10_000)
def rate_p_value(
    successes: int, trials: int, rate: float, alternative: Literal["two-sided", "less", "greater"] = "two-sided"
) -> float:
    """The p-value of the exact binomial test that the true proportion is `rate`.

    Args:
        successes: how many of the trials succeeded.
        trials: how many there were.
        rate: the proportion under test.
        alternative: "less" where only a smaller true proportion would contradict, "greater" where only a larger one.
    """
    from scipy.stats import binomtest

    return float(binomtest(successes, trials, rate, alternative).pvalue)


@dataclass(frozen=True)
class Survival:
    """The share of trainings that have succeeded by a time, where some were not watched until they did.

    Args:
        times: (k,) the times at which the share grows.
        share: (k,) the share that has succeeded by then.
        low: (k,) the lower end of its pointwise interval.
        high: (k,) the upper end.
    """

    times: np.ndarray
    share: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def median(self) -> float | None:
        """The first time by which half have succeeded; None where that time was not seen."""
        return self._first(self.share)

    def median_interval(self) -> tuple[float | None, float | None]:
        """An interval of the median: where the share's own interval meets one half.

        Source: R. Brookmeyer, J. Crowley (1982), Biometrics 38, 29-41.
        """
        return self._first(self.high), self._first(self.low)

    def _first(self, share: np.ndarray) -> float | None:
        reached = (share >= 1 / 2 - _ROUNDING).nonzero()[0]
        return float(self.times[reached[0]]) if len(reached) else None


def time_to_success(times: np.ndarray, succeeded: np.ndarray, confidence: float = CONFIDENCE) -> Survival:
    """The Kaplan-Meier estimate of the share that has succeeded by a time, with log-log intervals.

    Args:
        times: (n,) when each training succeeded, or else when it was last watched.
        succeeded: (n,) whether it did.
        confidence: the coverage of the pointwise intervals.

    Source: E. L. Kaplan, P. Meier (1958), J. Am. Stat. Assoc. 53, 457-481; `scipy.stats.ecdf`.
    """
    import numpy as np
    from scipy.stats import CensoredData, ecdf

    if not succeeded.any():
        return Survival(*np.empty((4, 0)))
    cdf = ecdf(CensoredData.right_censored(times, ~succeeded)).cdf
    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The confidence interval is undefined")
        interval = cdf.confidence_interval(confidence, method="log-log")
    grows = np.isin(cdf.quantiles, times[succeeded])
    ends = np.stack([interval.low.probabilities, interval.high.probabilities])[:, grows]  # type: ignore[attr-defined]  # scipy-stubs
    # Where all have succeeded the log-log interval has no value: there it is that of the proportion.
    all_succeeded = np.array(rate_interval(len(times), len(times), confidence))[:, None]
    low, high = np.where(np.isnan(ends), all_succeeded, ends)
    return Survival(cdf.quantiles[grows], cdf.probabilities[grows], low, high)


def expected_running_time(times: np.ndarray, succeeded: np.ndarray) -> float | None:
    """What one success costs when failures are started afresh: the time of all over the number that succeeded.

    Args:
        times: (n,) when each training succeeded, or else how long it ran in vain.
        succeeded: (n,) whether it did; None is returned where none did.

    Source: N. Hansen et al. (2021), COCO: a platform for comparing continuous optimizers in a black-box setting,
    Optimization Methods and Software 36, 114-144, there ERT.
    """
    return float(times.sum() / succeeded.sum()) if succeeded.any() else None


def prediction_p_value(value: float, sample: np.ndarray, of: int = 1) -> float:
    """The two-sided p-value that `value` comes from the normal distribution that `sample` was drawn from.

    It is below 5 % exactly where `value` is outside of the 95 % prediction interval for one further observation, or for
    the mean of several.

    Args:
        value: the further observation, or the mean of them.
        sample: (n,) at least two numbers.
        of: the number of further observations.

    Source: G. J. Hahn (1969), J. Am. Stat. Assoc. 64, 878-888.
    """
    import numpy as np
    from scipy.stats import t

    deviation = sample.std(ddof=1) * np.sqrt(1 / of + 1 / len(sample))
    if deviation == 0:
        return float(value == sample[0])
    return float(2 * t.sf(abs(value - sample.mean()) / deviation, len(sample) - 1))


def means_p_value(mean: float, deviation: float, runs: int, sample: np.ndarray) -> float:
    """The two-sided p-value of Welch's test that a published mean and that of a sample are the same.

    Args:
        mean: the published mean.
        deviation: its standard deviation, over the runs.
        runs: the number of its runs, at least two.
        sample: (n,) at least two numbers.

    Source: B. L. Welch (1947), Biometrika 34, 28-35; `scipy.stats.ttest_ind_from_stats`.
    """
    from scipy.stats import ttest_ind_from_stats

    own = float(sample.std(ddof=1))
    if not own and not deviation:
        return float(mean == sample[0])
    ours = float(sample.mean()), own, len(sample)
    return float(ttest_ind_from_stats(mean, deviation, runs, *ours, equal_var=False).pvalue)


def paired_p_value(fixed: int, regressed: int) -> float:
    """The two-sided p-value of McNemar's exact test that a change neither helps nor harms.

    Args:
        fixed: trials that failed before and succeeded after.
        regressed: trials that succeeded before and failed after.

    Source: Q. McNemar (1947), Psychometrika 12, 153-157; `scipy.stats.binomtest`, both kinds being equally likely.
    """
    return rate_p_value(fixed, fixed + regressed, 1 / 2) if fixed + regressed else 1.0


def paired_difference_interval(
    both: int, fixed: int, regressed: int, neither: int, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Newcombe's interval of the difference of two proportions of the same trials, after minus before.

    Args:
        both: trials that succeeded before and after; there must be some in all four together.
        fixed: trials that failed before and succeeded after.
        regressed: trials that succeeded before and failed after.
        neither: trials that failed before and after.
        confidence: the coverage, between 0 and 1.

    Source: R. G. Newcombe (1998), Statistics in Medicine 17, 2635-2650, there method 10.
    """
    trials = both + fixed + regressed + neither
    margins = (both + fixed) * (regressed + neither) * (both + regressed) * (fixed + neither)
    excess = both * neither - fixed * regressed
    corrected = max(excess - trials / 2, 0) if excess > 0 else excess
    phi = corrected / margins**0.5 if margins else 0.0
    return _squared_and_added((both + regressed, trials), (both + fixed, trials), phi, confidence)


def difference_interval(
    before: tuple[int, int], after: tuple[int, int], confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Newcombe's interval of the difference of two proportions of independent trials, after minus before.

    Args:
        before: successes and trials, of which there must be some.
        after: the same of the others.
        confidence: the coverage, between 0 and 1.

    Source: R. G. Newcombe (1998), Statistics in Medicine 17, 873-890, there method 10.
    """
    return _squared_and_added(before, after, 0.0, confidence)


def _squared_and_added(
    before: tuple[int, int], after: tuple[int, int], phi: float, confidence: float
) -> tuple[float, float]:
    """The interval of a difference from Wilson's of the two proportions, whose correlation is phi."""
    one, other = before[0] / before[1], after[0] / after[1]
    (one_low, one_high), (other_low, other_high) = (rate_interval(*counts, confidence) for counts in (before, after))

    def distance(first: float, second: float) -> float:
        return max(first**2 - 2 * phi * first * second + second**2, 0.0) ** 0.5

    low = other - one - distance(other - other_low, one_high - one)
    high = other - one + distance(other_high - other, one - one_low)
    return max(low, -1.0), min(high, 1.0)


def rates_p_value(before: tuple[int, int], after: tuple[int, int]) -> float:
    """The two-sided p-value of Fisher's exact test that two proportions are the same.

    Args:
        before: successes and trials.
        after: the same of the others.
    """
    import numpy as np
    from scipy.stats import fisher_exact

    table = np.array([[successes, trials - successes] for successes, trials in (before, after)])
    return float(fisher_exact(table).pvalue)


#: Pairs of values up to which the rank test is exact; SciPy takes some 20 ms for so many.
_EXACT_PAIRS = 40_000


def rank_p_value(before: np.ndarray, after: np.ndarray) -> float:
    """The two-sided p-value of Mann and Whitney's exact rank test that two samples are of one distribution."""
    from scipy.stats import mannwhitneyu

    # Left to itself, SciPy approximates from nine values on, whose smallest p-value is ten times as large.
    exact = len(before) * len(after) <= _EXACT_PAIRS
    return float(mannwhitneyu(before, after, method="exact" if exact else "auto").pvalue)


def smallest_rank_p_value(before: int, after: int) -> float:
    """The smallest p-value of the rank test for samples of these sizes: all of one above all of the other."""
    import math

    return min(1.0, 2 / math.comb(before + after, before))


def visible_regressions(level: float) -> int:
    """How many regressed seeds, without a fixed one, McNemar's exact test calls a change at `level`."""
    import math

    return math.ceil(1 - math.log2(level))


def visible_drop(rate: float, before: int, after: int, level: float, power: float) -> float:
    """The drop of a rate that Fisher's exact test of two independent samples finds with a probability of `power`.

    Args:
        rate: before the drop.
        before: trials of the sample before it.
        after: trials of the one after it.
        level: of the two-sided test.
        power: the probability.

    Returns:
        The drop; the whole rate where even that would not be found.

    Source: J. T. Casagrande, M. C. Pike, P. G. Smith (1978), Biometrics 34, 483-486; for samples of two sizes J. L.
    Fleiss, A. Tytun, H. K. Ury (1980), Biometrics 36, 343-346.
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    ratio = after / before
    alarm, found = norm.isf(level / 2), norm.ppf(power)

    def missing(drop: float) -> float:
        """How many more trials the first sample would need for the drop to be found."""
        now = rate - drop
        mean = (rate + ratio * now) / (1 + ratio)
        deviations = alarm * ((1 + ratio) * mean * (1 - mean)) ** 0.5
        deviations += found * (ratio * rate * (1 - rate) + now * (1 - now)) ** 0.5
        uncorrected = deviations**2 / (ratio * drop**2)
        if not uncorrected:
            return -before
        corrected = uncorrected / 4 * (1 + (1 + 2 * (1 + ratio) / (uncorrected * ratio * drop)) ** 0.5) ** 2
        return float(corrected - before)

    smallest = rate * 1e-6
    if not rate or missing(rate) > 0:
        return rate
    return smallest if missing(smallest) <= 0 else float(brentq(missing, smallest, rate))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values of several tests, adjusted so that the chance of any false alarm stays at the level.

    Source: S. Holm (1979), Scand. J. Stat. 6, 65-70.
    """
    adjusted, largest = list(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def plateau(rates: Sequence[float], tolerance: float) -> tuple[int, int]:
    """The first and last place of the stretch around the highest rate in which all are within `tolerance` of it."""
    best = max(rates)
    first = last = list(rates).index(best)
    while first > 0 and rates[first - 1] >= best - tolerance:
        first -= 1
    while last < len(rates) - 1 and rates[last + 1] >= best - tolerance:
        last += 1
    return first, last
