"""Every seed has exactly one outcome, and it is the one that its definition says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from toys import trace

from benchsuite import Criterion
from benchsuite.results.outcome import DEFINITIONS, Outcome, classify, steps_to_success

R2 = Criterion("r2", at_least=0.99)


@pytest.mark.parametrize(
    ("r2", "outcome"),
    [
        ([0.0, 0.5, 0.9, 0.98, 0.995], "converged"),
        ([0.0, 0.995, 0.9, 0.5, 0.2], "lost"),
        ([-3.0, -0.5, -0.47, -0.47, -0.47], "stuck"),
        ([0.5, 0.1, 1e-3, 1e-5, 1e-7], "stuck"),
        ([0.0, 0.2, 0.4, 0.6, 0.8], "slow"),
        ([0.0, 0.9, 0.95, 0.96, 0.961], "slow"),
        ([0.0, 0.5, np.nan, 0.7, 0.995], "diverged"),
        ([0.0, 0.5, -np.inf, -np.inf, -np.inf], "diverged"),
    ],
)
def test_outcome_follows_the_metric(r2: list[float], outcome: str) -> None:
    """The course of the criterion's metric decides."""
    assert classify(trace([r2]), R2).tolist() == [outcome]


def test_dead_is_a_gradient_of_exactly_zero_at_the_end() -> None:
    """A seed that nothing can move any more is dead, one that hardly moves is stuck."""
    still = [[0.0, 0.0, 0.0, 0.0, 0.0]] * 2
    gradient = np.array([[1.0, 1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0, 1e-30]])

    assert classify(trace(still, gradient_norm=gradient), R2).tolist() == ["dead", "stuck"]


def test_converged_with_zero_gradient_is_converged() -> None:
    """The exact solution has no gradient either, and is no failure."""
    found = trace([[0.0, 0.5, 0.9, 1.0, 1.0]], gradient_norm=np.zeros((1, 5)))

    assert classify(found, R2).tolist() == ["converged"]


def test_infinite_parameter_is_diverged_whatever_the_metric() -> None:
    """A parameter that is no number makes the training worthless, even if it is not needed."""
    finite = np.array([[True, True, True, True, False]])

    assert classify(trace([[0.0, 0.5, 0.9, 1.0, 1.0]], finite=finite), R2).tolist() == ["diverged"]


def test_metric_that_does_not_decide_may_be_no_number() -> None:
    """R² of a constant target is not defined, which is no fault of a seed that is judged by its loss."""
    metrics = {"loss": np.array([[3.0, 1.0, 0.1]]), "r2": np.full((1, 3), -np.inf)}

    assert classify(trace([[0.0] * 3], metrics=metrics), Criterion("loss", at_most=0.2)).tolist() == ["converged"]


def test_criterion_from_above() -> None:
    """A bound may be an upper one."""
    loss = trace([[0.0] * 3], metrics={"loss": np.array([[3.0, 1.0, 0.1]])})

    assert classify(loss, Criterion("loss", at_most=0.2)).tolist() == ["converged"]


def test_short_schedule_is_measured_from_its_start() -> None:
    """With one evaluation after the start, the last quarter begins at the start."""
    assert classify(trace([[0.0, 0.5], [0.5, 0.5]]), R2).tolist() == ["slow", "stuck"]


def test_steps_to_success_are_those_after_which_it_lasts() -> None:
    """Success counts from the evaluation on from which the criterion held to the end."""
    course = trace([[0.0, 0.995, 0.9, 0.995, 0.999], [1.0, 1.0, 1.0, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0, 0.0]])

    assert steps_to_success(course, R2).tolist() == [30, 0, -1]


@given(
    arrays(float, (7, 5), elements=st.floats(allow_nan=True, allow_infinity=True)),
    arrays(float, (7, 5), elements=st.sampled_from([0.0, 1e-30, 1.0])),
    arrays(bool, (7, 5)),
)
def test_every_seed_has_one_outcome(r2: np.ndarray, gradient: np.ndarray, finite: np.ndarray) -> None:
    """No seed is dropped, whatever its numbers; steps to success are given for just the converged ones."""
    course = trace(r2.tolist(), gradient_norm=gradient, finite=finite)

    outcomes = classify(course, R2)

    assert set(outcomes) <= {outcome.value for outcome in Outcome}
    converged = outcomes == "converged"
    assert (steps_to_success(course, R2)[converged] >= 0).all()


def test_every_outcome_is_defined_in_words() -> None:
    """What the tables show is explained."""
    assert set(DEFINITIONS) == set(Outcome)
