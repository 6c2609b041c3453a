"""Outcomes of trainings, with one definition for each."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from benchsuite.case import Criterion
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
    STUCK = "stuck"
    SLOW = "slow"


#: The definition of each outcome, in words.
DEFINITIONS = {
    Outcome.DIVERGED: "the loss, the criterion's metric or a parameter is not a finite number",
    Outcome.CONVERGED: "the criterion holds at the last evaluation",
    Outcome.LOST: "the criterion held at an earlier evaluation, but not at the last",
    Outcome.DEAD: "the gradient on the evaluation data is exactly zero",
    Outcome.STUCK: "in the last quarter of the schedule the metric moved by less than 1 % of its way to the criterion",
    Outcome.SLOW: "none of these: it was still moving when the schedule ended",
}


def classify(trace: Trace, criterion: Criterion) -> np.ndarray:
    """Classify each seed of `trace`, as an array of n strings."""
    held = criterion.holds(trace.metrics[criterion.metric])
    conditions = {
        Outcome.DIVERGED: _diverged(trace, criterion),
        Outcome.CONVERGED: held[:, -1],
        Outcome.LOST: held.any(axis=1),
        Outcome.DEAD: trace.gradient_norm[:, -1] == 0,
        Outcome.STUCK: _stuck(trace, criterion),
    }
    names = [outcome.value for outcome in conditions]
    return np.select(list(conditions.values()), names, default=Outcome.SLOW.value)


def steps_to_success(trace: Trace, criterion: Criterion) -> np.ndarray:
    """Find the evaluation from which on the criterion held, as (n,) steps; NEVER where it did not."""
    held = criterion.holds(trace.metrics[criterion.metric])
    held_to_the_end = np.logical_and.accumulate(held[:, ::-1], axis=1)[:, ::-1]
    first = trace.steps[held_to_the_end.argmax(axis=1)]
    return np.where(held[:, -1], first, NEVER)


def _diverged(trace: Trace, criterion: Criterion) -> np.ndarray:
    decisive = [values for name, values in trace.metrics.items() if name in ("loss", criterion.metric)]
    return ~np.all([trace.finite, *map(np.isfinite, decisive)], axis=(0, 2))


def _stuck(trace: Trace, criterion: Criterion) -> np.ndarray:
    values = trace.metrics[criterion.metric]
    quarter = np.searchsorted(trace.steps, 0.75 * trace.steps[-1], side="right") - 1
    before, end = values[:, quarter], values[:, -1]
    with np.errstate(invalid="ignore"):  # infinite metrics: such a seed has diverged
        return np.abs(end - before) < STUCK_SHARE * np.abs(criterion.threshold - before)
