"""Intervals of means over cases."""

from __future__ import annotations

from collections.abc import Sequence

from benchsuite.stats.proportion import CONFIDENCE

#: Samples that the coverage of an interval is measured on.
_REPEATS = 4000


def combined_interval(
    estimates: Sequence[float], intervals: Sequence[tuple[float, float]], weights: Sequence[float]
) -> tuple[float, float]:
    """Compute the interval of a weighted sum of independent estimates from their own intervals (MOVER).

    Args:
        estimates: (c,) such as rates, or differences of rates.
        intervals: (c,) their confidence intervals, whose coverage that of the sum is.
        weights: (c,) positive weights.

    Source: G. Y. Zou, A. Donner (2008), Construction of confidence limits about effect measures: a general approach,
    Statistics in Medicine 27, 1693-1702.
    """
    terms = list(zip(estimates, intervals, weights, strict=True))
    total = sum(weight * value for value, _, weight in terms)
    below = sum((weight * (value - low)) ** 2 for value, (low, _), weight in terms) ** 0.5
    above = sum((weight * (high - value)) ** 2 for value, (_, high), weight in terms) ** 0.5
    return total - below, total + above


def mean_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float] | None:
    """Compute Student's interval of a mean; None for fewer than two values.

    Args:
        values: (n,) a sample.
        confidence: the coverage where the values are normally distributed.

    Source: Student (1908), Biometrika 6, 1-25; `scipy.stats.t`.
    """
    import numpy as np
    from scipy.stats import t

    if len(values) < 2:  # noqa: PLR2004  # a deviation needs two
        return None
    half = t.isf((1 - confidence) / 2, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5
    mean = float(np.mean(values))
    return mean - float(half), mean + float(half)


def mean_coverage(values: Sequence[float], confidence: float = CONFIDENCE) -> float | None:
    """Measure the coverage of Student's interval on samples drawn from the values themselves.

    It is well below the nominal one where there are few values, or most of them are equal.

    Args:
        values: (n,) a sample, taken as the population; samples of n are drawn from it with a fixed seed.
        confidence: the nominal coverage.

    Returns:
        The share of the intervals that hold the mean of the values; None for fewer than two values.

    Source: W.-Y. Loh (1987), Calibrating confidence coefficients, J. Am. Stat. Assoc. 82, 155-162.
    """
    import numpy as np
    from scipy.stats import t

    number = len(values)
    if number < 2:  # noqa: PLR2004  # a deviation needs two
        return None
    drawn = np.random.default_rng(0).choice(np.asarray(values, float), (_REPEATS, number))
    half = t.isf((1 - confidence) / 2, number - 1) * drawn.std(axis=1, ddof=1) / number**0.5
    rounding = 1e-12  # of means of equal values
    return float((abs(drawn.mean(axis=1) - np.mean(values)) <= half + rounding).mean())
