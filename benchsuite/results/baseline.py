"""Controls of a criterion: constant predictions that meet it, and seeds too near to its bound to tell.

A criterion that a constant prediction meets does not show that anything was learnt: with 2 % of a rare class, 98 % are
right without looking at the input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from benchsuite.case import Criterion, as_numbers

#: Values of the targets that are tried as constants, the most frequent first, and numbers from which on few are tried.
_VALUES, _LARGE = 16, 10**6

#: Metrics of real numbers, which are no shares of the evaluation examples.
_NO_SHARES = ("loss", "r2", "largest_error")

#: How far from a whole number a count may be that was computed as a float32 share.
_COUNT_ROUNDING = 0.01

#: Standard errors within which a seed is too near to the bound to tell.
_NEAR = 2


def constant_meeting(
    criterion: Criterion, metric: Callable[[Any, Any], Any], target: np.ndarray, outputs: tuple[int, ...]
) -> str:
    """Find a constant prediction that meets a criterion.

    Args:
        criterion: the criterion.
        metric: its metric, (prediction, target) → a scalar, or a truth value for each example.
        target: (n, …) the targets of the evaluation data: numbers, or classes as whole numbers.
        outputs: the shape of one prediction.

    Returns:
        What it is, such as "the mean of the targets"; empty where none does.
    """
    labels = target.dtype.kind in "biu" and outputs != target.shape[1:]
    for name, constant in _classes(target, outputs[-1]) if labels else _numbers(target):
        prediction = np.broadcast_to(np.float32(constant), (len(target), *outputs))
        if criterion.holds(_value(metric(prediction, target))):
            return name
    return ""


def _value(measured: Any) -> Any:
    """The value of a metric; truth values are counted, as whole numbers."""
    values = np.asarray(measured)
    return as_numbers(values).mean() if values.dtype == bool else values


def _numbers(target: np.ndarray) -> Iterator[tuple[str, Any]]:
    values = as_numbers(target)
    yield "the mean of the targets", values.mean(axis=0)
    yield "0", 0.0
    yield "1", 1.0
    if values.size <= _LARGE:
        yield "the median of the targets", np.median(values, axis=0)
        if values.size == len(values):
            yield from ((f"the target {value:g}", value) for value in _frequent(values))


def _classes(target: np.ndarray, classes: int) -> Iterator[tuple[str, Any]]:
    chosen = [(label, share) for label, share in _frequent(target).items() if 0 <= label < classes]
    for label, _ in chosen:
        yield f"class {label:g}", np.eye(classes)[int(label)]
    shares = np.full(classes, np.finfo(np.float32).tiny)
    for label, share in chosen:
        shares[int(label)] = share
    yield "the shares of the classes", np.log(shares)


def _frequent(values: np.ndarray) -> dict[float, float]:
    """The most frequent values with their shares."""
    found, counts = np.unique(values, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:_VALUES]
    return dict(zip(found[order].tolist(), (counts[order] / values.size).tolist(), strict=True))


def share_near_bound(criterion: Criterion | None, final: Mapping[str, np.ndarray], examples: int) -> float | None:
    """Compute the share of seeds that end within two standard errors of the bound.

    The standard error is the binomial one of a share of the evaluation examples, at the bound or at the seed's own
    share, whichever is larger: with as many other examples, such a seed may well have ended on the other side.

    Args:
        criterion: the criterion; None where it is not known.
        final: metric → (n,) at the last evaluation.
        examples: the number of evaluation examples; 0 where there are none.

    Returns:
        The share; None where the metric does not count examples.
    """
    if criterion is None or not examples or criterion.metric in _NO_SHARES or not 0 <= criterion.threshold <= 1:
        return None
    shares = as_numbers(final[criterion.metric])
    counts = shares * examples
    with np.errstate(invalid="ignore"):
        whole = (np.abs(counts - np.round(counts)) <= _COUNT_ROUNDING) & (np.abs(2 * shares - 1) <= 1 + _COUNT_ROUNDING)
    if not whole.all():
        return None
    variance = np.maximum(criterion.threshold * (1 - criterion.threshold), np.clip(shares * (1 - shares), 0, None))
    error = np.sqrt(variance / examples)
    return float(((np.abs(shares - criterion.threshold) <= _NEAR * error) & (error > 0)).mean())
