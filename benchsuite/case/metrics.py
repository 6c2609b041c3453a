"""Metrics of a prediction against its target, on JAX or NumPy arrays alike.

Every function takes `prediction` and `target` of one shape, examples along the first axis, and returns a scalar array.
"""

from __future__ import annotations

from typing import Any

#: The smallest magnitude a target counts with in a percentage (`K.epsilon()` of Keras 2.2).
PERCENTAGE_FLOOR = 1e-7


def mean_squared_error(prediction: Any, target: Any) -> Any:
    """The mean of the squared differences over all examples and outputs."""
    return ((prediction - target) ** 2).mean()


def mean_absolute_percentage_error(prediction: Any, target: Any) -> Any:
    """100 · mean(|y - p| / max(|y|, 1e-7)), in percent.

    Source: `mean_absolute_percentage_error` in keras/losses.py of Keras 2.2.4.
    """
    return (100 * abs(target - prediction) / abs(target).clip(PERCENTAGE_FLOOR)).mean()


def r2(prediction: Any, target: Any) -> Any:
    """The share of the target's variance that is learnt: 1 - SSE/SST, SST about each output's own mean.

    Source: `sklearn.metrics.r2_score(multioutput="variance_weighted")`.
    """
    unexplained = ((target - prediction) ** 2).sum()
    total = ((target - target.mean(axis=0)) ** 2).sum()
    return (total - unexplained) / total  # of 1 - …/total, XLA makes another division where seeds train side by side


def largest_error(prediction: Any, target: Any) -> Any:
    """The largest absolute difference of any output on any example: the ε of universal approximation theorems."""
    return abs(prediction - target).max()
