"""Confidence intervals and statistical tests, computed by SciPy.

SciPy is imported inside the functions, so that starting pytest does not import it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

#: Coverage of all confidence intervals.
CONFIDENCE = 0.95

#: Tolerance for rounding in products of shares.
_ROUNDING = 1e-9

#: A claim is refuted when its p-value is below this level.
LEVEL = 0.01


@lru_cache(10_000)  # the cases of a run have the same counts again and again
def rate_interval(successes: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Compute Wilson's score interval of a proportion.

    Args:
        successes: number of successes.
        trials: number of trials; 0 gives (0, 1).
        confidence: the coverage, between 0 and 1.

    Source: E. B. Wilson (1927), J. Am. Stat. Assoc. 22, 209-212; `scipy.stats.binomtest`.
    """
    if trials == 0:
        return (0.0, 1.0)
    from scipy.stats import binomtest

    interval = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    return (float(interval.low), float(interval.high))


def trials_for(half_width: float, low: float = 0.0, high: float = 1.0, confidence: float = CONFIDENCE) -> int:
    """Compute the sample size at which Wilson's interval has at most a given half-width.

    It holds for every rate from `low` to `high`.

    Args:
        half_width: between 0 and 1/2.
        low: the smallest expected rate.
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
    """Compute the p-value of the exact binomial test that the true proportion is `rate`.

    Args:
        successes: number of successes.
        trials: number of trials.
        rate: the proportion under test.
        alternative: "less" where only a smaller true proportion would contradict, "greater" where only a larger one.
    """
    from scipy.stats import binomtest

    return float(binomtest(successes, trials, rate, alternative).pvalue)


@dataclass(frozen=True)
class Survival:
    """The cumulative share of successes over time, estimated from censored observations.

    Args:
        times: (k,) the times at which the share increases.
        share: (k,) the cumulative share of successes.
        low: (k,) the lower end of its pointwise confidence interval.
        high: (k,) the upper end.
    """

    times: np.ndarray
    share: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def median(self) -> float | None:
        """Compute the median time to success; None where fewer than half succeeded."""
        return self._first(self.share)

    def median_interval(self) -> tuple[float | None, float | None]:
        """Compute a confidence interval of the median, where the interval of the share meets one half.

        Source: R. Brookmeyer, J. Crowley (1982), Biometrics 38, 29-41.
        """
        return self._first(self.high), self._first(self.low)

    def _first(self, share: np.ndarray) -> float | None:
        reached = (share >= 1 / 2 - _ROUNDING).nonzero()[0]
        return float(self.times[reached[0]]) if len(reached) else None


def time_to_success(times: np.ndarray, succeeded: np.ndarray, confidence: float = CONFIDENCE) -> Survival:
    """Compute the Kaplan-Meier estimate of the cumulative share of successes, with log-log intervals.

    Args:
        times: (n,) the time of success, or of censoring.
        succeeded: (n,) whether each training succeeded.
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
    # The log-log interval is undefined where all have succeeded: use that of the proportion.
    all_succeeded = np.array(rate_interval(len(times), len(times), confidence))[:, None]
    low, high = np.where(np.isnan(ends), all_succeeded, ends)
    return Survival(cdf.quantiles[grows], cdf.probabilities[grows], low, high)


def expected_running_time(times: np.ndarray, succeeded: np.ndarray) -> float | None:
    """Compute the expected running time per success: the total time over the number of successes.

    Args:
        times: (n,) the time of success, or the length of a failed training.
        succeeded: (n,) whether each training succeeded; None is returned where none did.

    Source: N. Hansen et al. (2021), COCO: a platform for comparing continuous optimizers in a black-box setting,
    Optimization Methods and Software 36, 114-144, there ERT.
    """
    return float(times.sum() / succeeded.sum()) if succeeded.any() else None


def prediction_p_value(value: float, sample: np.ndarray, of: int = 1) -> float:
    """Compute the two-sided p-value that `value` is from the same normal distribution as `sample`.

    It is below 5 % where `value` is outside of the 95 % prediction interval for one further observation, or for
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
    """Compute the two-sided p-value of McNemar's exact test.

    Args:
        fixed: trials that failed before and succeeded after.
        regressed: trials that succeeded before and failed after.

    Source: Q. McNemar (1947), Psychometrika 12, 153-157; `scipy.stats.binomtest`, both kinds being equally likely.
    """
    return rate_p_value(fixed, fixed + regressed, 1 / 2) if fixed + regressed else 1.0


def paired_difference_interval(
    both: int, fixed: int, regressed: int, neither: int, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Compute Newcombe's interval of the difference of two paired proportions, after minus before.

    Args:
        both: trials that succeeded before and after; the four counts must not all be 0.
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
    """Compute Newcombe's interval of the difference of two independent proportions, after minus before.

    Args:
        before: (successes, trials) of the first sample; at least one trial.
        after: (successes, trials) of the second sample.
        confidence: the coverage, between 0 and 1.

    Source: R. G. Newcombe (1998), Statistics in Medicine 17, 873-890, there method 10.
    """
    return _squared_and_added(before, after, 0.0, confidence)


def _squared_and_added(
    before: tuple[int, int], after: tuple[int, int], phi: float, confidence: float
) -> tuple[float, float]:
    """Combine Wilson's intervals of two proportions with correlation phi to that of their difference."""
    one, other = before[0] / before[1], after[0] / after[1]
    (one_low, one_high), (other_low, other_high) = (rate_interval(*counts, confidence) for counts in (before, after))

    def distance(first: float, second: float) -> float:
        return max(first**2 - 2 * phi * first * second + second**2, 0.0) ** 0.5

    low = other - one - distance(other - other_low, one_high - one)
    high = other - one + distance(other_high - other, one - one_low)
    return max(low, -1.0), min(high, 1.0)


def rates_p_value(before: tuple[int, int], after: tuple[int, int]) -> float:
    """Compute the two-sided p-value of Fisher's exact test for two proportions.

    Args:
        before: (successes, trials) of the first sample.
        after: (successes, trials) of the second sample.
    """
    import numpy as np
    from scipy.stats import fisher_exact

    table = np.array([[successes, trials - successes] for successes, trials in (before, after)])
    return float(fisher_exact(table).pvalue)


#: Pairs of values up to which the rank test is exact, which takes about 20 ms.
_EXACT_PAIRS = 40_000


def rank_p_value(before: np.ndarray, after: np.ndarray) -> float:
    """Compute the two-sided p-value of the exact Mann-Whitney U test."""
    from scipy.stats import mannwhitneyu

    # By default SciPy uses an approximation from nine values on, with a smallest p-value ten times as large.
    exact = len(before) * len(after) <= _EXACT_PAIRS
    return float(mannwhitneyu(before, after, method="exact" if exact else "auto").pvalue)


def smallest_rank_p_value(before: int, after: int) -> float:
    """Compute the smallest p-value of the Mann-Whitney U test for samples of given sizes."""
    import math

    return min(1.0, 2 / math.comb(before + after, before))


def ratio_interval(before: np.ndarray, after: np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Compute Welch's interval of the ratio of two geometric means, after by before.

    Args:
        before: (n,) at least two positive numbers.
        after: (m,) the same.
        confidence: the coverage, between 0 and 1.

    Source: B. L. Welch (1947), Biometrika 34, 28-35; `scipy.stats.ttest_ind`, of the logarithms.
    """
    import numpy as np
    from scipy.stats import ttest_ind

    logarithms = np.log(after), np.log(before)
    if not any(values.std() for values in logarithms):
        ratio = float(np.exp(logarithms[0][0] - logarithms[1][0]))
        return ratio, ratio
    low, high = ttest_ind(*logarithms, equal_var=False).confidence_interval(confidence)
    return float(np.exp(low)), float(np.exp(high))


def visible_regressions(level: float) -> int:
    """Compute the smallest number of regressed seeds, with none fixed, that McNemar's exact test rejects."""
    import math

    return math.ceil(1 - math.log2(level))


def visible_drop(rate: float, before: int, after: int, level: float, power: float) -> float:
    """Compute the drop of a rate that Fisher's exact test detects with a given power.

    Args:
        rate: rate before the drop.
        before: trials before the drop.
        after: trials after the drop.
        level: level of the two-sided test.
        power: probability of detection.

    Returns:
        The drop; the whole rate where even that would not be detected.

    Source: J. T. Casagrande, M. C. Pike, P. G. Smith (1978), Biometrics 34, 483-486; for samples of two sizes J. L.
    Fleiss, A. Tytun, H. K. Ury (1980), Biometrics 36, 343-346.
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    ratio = after / before
    alarm, found = norm.isf(level / 2), norm.ppf(power)

    def missing(drop: float) -> float:
        """Compute the number of additional trials that detecting the drop would need."""
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
    """Adjust p-values for multiple tests by Holm's method.

    Source: S. Holm (1979), Scand. J. Stat. 6, 65-70.
    """
    adjusted, largest = list(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def plateau(rates: Sequence[float], tolerance: float) -> tuple[int, int]:
    """Find the first and last index of the plateau: neighbours of the highest rate within `tolerance` of it."""
    best = max(rates)
    first = last = list(rates).index(best)
    while first > 0 and rates[first - 1] >= best - tolerance:
        first -= 1
    while last < len(rates) - 1 and rates[last + 1] >= best - tolerance:
        last += 1
    return first, last
