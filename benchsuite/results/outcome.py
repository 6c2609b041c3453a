"""Outcomes of trainings, with one definition for each."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from benchsuite.case import LAST, Criterion, as_numbers
from benchsuite.results.trace import Trace

#: A seed is stuck when, over the last quarter of the schedule, its metric moves by less than this share of its
#: distance to the criterion's threshold. Measured against the metric itself, an R² near zero would never be stuck.
STUCK_SHARE = 0.01


#: The steps to success of a training that did not converge.
NEVER = -1


class Outcome(StrEnum):
    """The outcome of one training: the first, in this order, whose definition holds."""

    DIVERGED = "diverged"
    CONVERGED = "converged"
    LOST = "lost"
    DEAD = "dead"
    COLLAPSED = "collapsed"
    STUCK = "stuck"
    SLOW = "slow"


#: The definition of each outcome, in words.
DEFINITIONS = {
    Outcome.DIVERGED: "the loss or a parameter is not a finite number",
    Outcome.CONVERGED: "the criterion holds, at the last evaluation unless it names others",
    Outcome.LOST: "the criterion held at an earlier evaluation, but not at the last",
    Outcome.DEAD: "the gradient on the evaluation data is exactly zero",
    Outcome.COLLAPSED: "the prediction is the same for every input of the evaluation data",
    Outcome.STUCK: "in the last quarter of the schedule the metric moved by less than"
    f" {100 * STUCK_SHARE:g} % of its distance to the criterion",
    Outcome.SLOW: "none of these: it was still moving when the schedule ended",
}


def classify(trace: Trace, criterion: Criterion) -> np.ndarray:
    """Classify each seed of `trace`, as an array of n strings."""
    values = trace.metrics[criterion.metric]
    conditions = {
        Outcome.DIVERGED: _diverged(trace),
        Outcome.CONVERGED: criterion.met(values),
        Outcome.LOST: criterion.holds(values).any(axis=1),
        Outcome.DEAD: trace.gradient_norm[:, -1] == 0,
        Outcome.COLLAPSED: _collapsed(trace),
        Outcome.STUCK: _stuck(trace, criterion),
    }
    names = [outcome.value for outcome in conditions]
    return np.select(list(conditions.values()), names, default=Outcome.SLOW.value)


def steps_to_success(trace: Trace, criterion: Criterion) -> np.ndarray:
    """Find when each seed succeeded, as (n,) steps; NEVER where it did not.

    That is the evaluation from which on the criterion held to the end, or the first one at which it held where the
    criterion need not hold at the last.
    """
    values = trace.metrics[criterion.metric]
    held = criterion.holds(values)
    if criterion.when == LAST:
        held = np.logical_and.accumulate(held[:, ::-1], axis=1)[:, ::-1]
    return np.where(criterion.met(values), trace.steps[held.argmax(axis=1)], NEVER)


def _diverged(trace: Trace) -> np.ndarray:
    return ~(trace.finite & np.isfinite(trace.metrics["loss"])).all(axis=1)


def _collapsed(trace: Trace) -> np.ndarray:
    if trace.prediction_spread is None:
        return np.zeros(len(trace.seeds), bool)
    return trace.prediction_spread == 0


def _stuck(trace: Trace, criterion: Criterion) -> np.ndarray:
    values = as_numbers(trace.metrics[criterion.metric])
    quarter = np.searchsorted(trace.steps, 0.75 * trace.steps[-1], side="right") - 1
    before, end = values[:, quarter], values[:, -1]
    with np.errstate(invalid="ignore", over="ignore"):  # a metric without a value, or beyond all numbers
        moved = np.abs(end - before) >= STUCK_SHARE * np.abs(criterion.threshold - before)
    same = (before == end) | (np.isnan(before) & np.isnan(end))
    return ~moved & (np.isfinite(before) & np.isfinite(end) | same)
