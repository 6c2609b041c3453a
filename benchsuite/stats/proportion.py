"""Intervals and tests of proportions."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

#: Coverage of all confidence intervals.
CONFIDENCE = 0.95

#: A claim is refuted when its p-value is below this level.
LEVEL = 0.01

#: Tolerance for rounding in products of shares.
_ROUNDING = 1e-9


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
    return combine_squares(before, after, 0.0, confidence)


def combine_squares(
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
