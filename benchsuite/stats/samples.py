"""Tests and quantiles of samples of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchsuite.stats.proportion import CONFIDENCE

if TYPE_CHECKING:
    import numpy as np


def quantile(values: np.ndarray, share: float) -> float | None:
    """Compute the smallest value with that share at or below it; None where there is none, or it is not finite."""
    import numpy as np

    if not len(values):
        return None
    value = float(np.quantile(values, share, method="inverted_cdf"))
    return value if np.isfinite(value) else None


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
