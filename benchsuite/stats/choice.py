"""The best of several settings, and the best of several starts."""

from __future__ import annotations

import math
from collections.abc import Sequence


def best_of(order: Sequence[float], values: Sequence[float], number: int) -> float:
    """Compute the expected value of the best of some settings, chosen at random without replacement.

    The best is the one that comes first in `order`; its value must come from other data, or it is biased upwards.

    Args:
        order: sort key of each setting, the best one first.
        values: value of each setting.
        number: of settings that are chosen, at least 1 and at most all of them.

    Source: all subsets have the same probability, so that the setting of rank j is the best of k among n in
    C(n - j, k - 1) of C(n, k) subsets; see J. Dodge et al. (2019), Show your work, EMNLP 2019, for draws with
    replacement, and P. T. Sivaprasad et al. (2020), Optimizer benchmarking needs to account for hyperparameter tuning,
    ICML 2020.
    """
    ranked = sorted(range(len(values)), key=order.__getitem__)
    total = math.comb(len(ranked), number)
    shares = (math.comb(len(ranked) - rank, number - 1) / total for rank in range(1, len(ranked) + 1))
    return sum(share * values[place] for share, place in zip(shares, ranked, strict=True))


def any_success(successes: int, trials: int, starts: int) -> float:
    """Estimate the probability that one of several starts succeeds or more, without bias.

    Args:
        successes: of the trials.
        trials: at least as many as starts.
        starts: number of starts.

    Source: the uniformly minimum-variance unbiased estimator of 1 - (1 - p)^m; M. Chen et al. (2021), Evaluating large
    language models trained on code, arXiv:2107.03374, there pass@k.
    """
    return 1 - math.comb(trials - successes, starts) / math.comb(trials, starts)


def starts_needed(rate: float, confidence: float = 0.99) -> float | None:
    """Compute the number of starts of which one succeeds with a given probability; None for a rate of zero.

    Args:
        rate: of success of one start.
        confidence: the probability.

    Source: the geometric distribution, log(1 - confidence) / log(1 - rate).
    """
    if not rate:
        return None
    return max(1.0, math.log(1 - confidence) / math.log(1 - rate)) if rate < 1 else 1.0


def plateau(rates: Sequence[float], tolerance: float) -> tuple[int, int]:
    """Find the first and last index of the plateau: neighbours of the highest rate within `tolerance` of it."""
    best = max(rates)
    first = last = list(rates).index(best)
    while first > 0 and rates[first - 1] >= best - tolerance:
        first -= 1
    while last < len(rates) - 1 and rates[last + 1] >= best - tolerance:
        last += 1
    return first, last
