"""Times to success, with censored trainings."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchsuite.stats.proportion import CONFIDENCE, rate_interval

if TYPE_CHECKING:
    import numpy as np

#: Tolerance for rounding in products of shares.
_ROUNDING = 1e-9


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


def expected_time_interval(
    times: np.ndarray, succeeded: np.ndarray, confidence: float = CONFIDENCE, resamples: int = 999
) -> tuple[float, float | None]:
    """Compute a bootstrap interval of the expected running time, by expanded percentiles.

    Args:
        times: (n,) as of `expected_running_time`.
        succeeded: (n,) whether each training succeeded.
        confidence: the coverage.
        resamples: number of samples that are drawn, with a fixed seed.

    Returns:
        Its ends; the upper one is None where samples without a success are too frequent. Without any success, the
        lower end is the time of all trainings.

    Source: B. Efron (1979), Annals of Statistics 7, 1-26; T. C. Hesterberg (2015), American Statistician 69, 371-386,
    for the expansion of percentiles, by which small samples keep the coverage of Student's t.
    """
    import numpy as np
    from scipy.stats import norm, t

    number = len(times)
    if not succeeded.any():
        return float(times.sum()), None
    counts = np.random.default_rng(0).multinomial(number, np.full(number, 1 / number), resamples)
    with np.errstate(divide="ignore"):
        drawn = (counts @ times) / (counts @ succeeded.astype(float))
    tail = norm.sf((number / (number - 1)) ** 0.5 * t.isf((1 - confidence) / 2, number - 1)) if number > 1 else 0.0
    low, high = np.quantile(drawn, [tail, 1 - tail], method="inverted_cdf")
    return float(low), float(high) if np.isfinite(high) else None
