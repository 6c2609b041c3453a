"""Intervals and tests of paired proportions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchsuite.stats.proportion import CONFIDENCE, combine_squares, rate_p_value

if TYPE_CHECKING:
    import numpy as np


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
    return combine_squares((both + regressed, trials), (both + fixed, trials), phi, confidence)


def visible_regressions(level: float) -> int:
    """Compute the smallest number of regressed seeds, with none fixed, that McNemar's exact test rejects."""
    import math

    return math.ceil(1 - math.log2(level))


#: Discordant pairs up to which the sign-flip test is exact.
_EXACT_PAIRS = 300

#: The smallest weight of a pair is this number of units of the grid of the exact test.
_UNITS = 16


def sign_flip_p_value(fixed: Sequence[int], regressed: Sequence[int], weights: Sequence[float]) -> float:
    """Compute the two-sided p-value that a weighted sum of paired differences is zero.

    Under the hypothesis every discordant pair is equally likely to be fixed or regressed, as in McNemar's test; the
    sum is that of `weights` · (fixed - regressed). Its distribution is computed exactly, from its characteristic
    function, with weights rounded to a grid; beyond 300 discordant pairs it is taken as normal.

    Args:
        fixed: (c,) pairs of each case that failed before and succeeded after.
        regressed: (c,) pairs that succeeded before and failed after.
        weights: (c,) positive weight of one pair of each case.

    Source: R. A. Fisher (1935), The design of experiments, section 21, the randomisation test of paired differences.
    """
    import numpy as np
    from scipy.stats import norm

    found, pairs = np.subtract(fixed, regressed), np.add(fixed, regressed)
    used = pairs > 0
    if not used.any():
        return 1.0
    found, pairs, each = found[used], pairs[used], np.asarray(weights, float)[used]
    if pairs.sum() > _EXACT_PAIRS:
        return float(2 * norm.sf(abs(each @ found) / np.sqrt(each**2 @ pairs)))
    steps = np.rint(each * _UNITS / each.min()).astype(int)
    steps //= np.gcd.reduce(steps)
    return _tails(steps, pairs, abs(int(steps @ found)))


def _tails(steps: np.ndarray, pairs: np.ndarray, beyond: int) -> float:
    """Compute P(|S| ≥ beyond) of a sum S of `pairs` signs of each size in `steps`."""
    import numpy as np

    largest = int(steps @ pairs)
    size = 1 << (2 * largest).bit_length()
    waves = np.cos(2 * np.pi * np.outer(np.arange(size // 2 + 1), steps) / size)
    mass = np.fft.irfft(np.prod(waves**pairs, axis=1), size)  # of S modulo size, which holds all of its values
    values = np.minimum(np.arange(size), size - np.arange(size))  # |S|
    return float(min(1.0, max(mass[values >= beyond].sum(), 2.0 ** (1 - float(pairs.sum())))))


def pairs_to_decide(
    difference: float, discordant: Sequence[float], weights: Sequence[float], level: float = 0.05, power: float = 0.8
) -> int:
    """Compute the pairs in each case at which a difference of given size is detected.

    Args:
        difference: the weighted mean of the differences that is to be detected, such as 0.05.
        discordant: (c,) expected share of discordant pairs of each case; it is raised to the difference if needed.
        weights: (c,) of the cases, which sum to one.
        level: of the two-sided test.
        power: probability of detection.

    Source: R. J. Connor (1987), Biometrics 43, 207-211, for one case; the variances of several are added.
    """
    import math

    from scipy.stats import norm

    shares = [max(share, difference) for share in discordant]
    null = sum(weight**2 * share for weight, share in zip(weights, shares, strict=True))
    shifted = sum(weight**2 * (share - difference**2) for weight, share in zip(weights, shares, strict=True))
    deviations = norm.isf(level / 2) * null**0.5 + norm.ppf(power) * shifted**0.5
    return math.ceil((deviations / difference) ** 2)
