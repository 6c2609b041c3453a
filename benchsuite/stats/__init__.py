"""Statistics: confidence intervals and tests, computed by SciPy where it has them.

In: counts of successes, times to success, and estimates of several cases.
Out: intervals, p-values and sample sizes; SciPy is imported inside the functions, as pytest should start quickly.
"""

from benchsuite.stats.choice import any_success, best_of, plateau, starts_needed
from benchsuite.stats.means import combined_interval, mean_coverage, mean_interval
from benchsuite.stats.multiple import holm, rank_intervals
from benchsuite.stats.paired import (
    paired_difference_interval,
    paired_p_value,
    pairs_to_decide,
    sign_flip_p_value,
    visible_regressions,
)
from benchsuite.stats.proportion import (
    CONFIDENCE,
    LEVEL,
    difference_interval,
    rate_interval,
    rate_p_value,
    rates_p_value,
    trials_for,
    visible_drop,
)
from benchsuite.stats.samples import (
    means_p_value,
    prediction_p_value,
    quantile,
    rank_p_value,
    ratio_interval,
    smallest_rank_p_value,
)
from benchsuite.stats.times import Survival, expected_running_time, expected_time_interval, time_to_success

__all__ = [
    "CONFIDENCE",
    "LEVEL",
    "Survival",
    "any_success",
    "best_of",
    "combined_interval",
    "difference_interval",
    "expected_running_time",
    "expected_time_interval",
    "holm",
    "mean_coverage",
    "mean_interval",
    "means_p_value",
    "paired_difference_interval",
    "paired_p_value",
    "pairs_to_decide",
    "plateau",
    "prediction_p_value",
    "quantile",
    "rank_intervals",
    "rank_p_value",
    "rate_interval",
    "rate_p_value",
    "rates_p_value",
    "ratio_interval",
    "sign_flip_p_value",
    "smallest_rank_p_value",
    "starts_needed",
    "time_to_success",
    "trials_for",
    "visible_drop",
    "visible_regressions",
]
