"""Intervals and tests: pure functions on numbers, over SciPy.

SciPy is imported when a figure is asked for, so that starting pytest does not pay for it.
"""

from __future__ import annotations

#: The confidence of every interval that the suite prints.
CONFIDENCE = 0.95

#: A claim is refuted when its p-value is below this level.
LEVEL = 0.01


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


def rate_p_value(successes: int, trials: int, rate: float) -> float:
    """The two-sided p-value of the exact binomial test that the true proportion is `rate`."""
    from scipy.stats import binomtest

    return float(binomtest(successes, trials, rate).pvalue)
