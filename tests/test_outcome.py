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
        ([0.0, 0.5, -np.inf, -np.inf, -np.inf], "diverged"),  # as is the loss of this trace
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


@pytest.mark.parametrize(
    ("values", "criterion", "outcome"),
    [
        ([0.0, -9.0, -np.inf, -np.inf, -np.inf], Criterion("log", at_most=-12), "converged"),
        ([0.0, -np.inf, -9.0, -9.0, -9.0], Criterion("log", at_most=-12), "lost"),
        ([np.inf] * 5, Criterion("log", at_most=-12), "stuck"),
        ([np.nan] * 5, Criterion("log", at_most=-12), "stuck"),
        ([0.0, 0.0, 0.0, np.nan, 5.0], Criterion("log", at_most=-12), "slow"),
        ([0.0, 0.0, 0.0, 5.0, np.nan], Criterion("log", at_most=-12), "slow"),
    ],
)
def test_no_finite_training_has_diverged(values: list[float], criterion: Criterion, outcome: str) -> None:
    """A metric without a value is no success, but the loss and the parameters say whether a training diverged."""
    course = trace([[0.5] * 5], metrics={"loss": np.full((1, 5), 0.5), "log": np.array([values])})

    assert classify(course, criterion).tolist() == [outcome]


@pytest.mark.parametrize("when", ["ever", "best"])
def test_criterion_may_hold_at_any_evaluation(when: str) -> None:
    """Success counts from the first evaluation that met it, and nothing is lost after that."""
    course = trace([[0.0, 0.995, 0.2, 0.995, 0.1], [0.0, 0.1, np.nan, 0.2, 0.3], [0.0, 0.1, 0.2, 0.3, 0.4]])
    criterion = Criterion("r2", at_least=0.99, when=when)  # type: ignore[arg-type]

    assert classify(course, criterion).tolist() == ["converged", "diverged", "slow"]
    assert steps_to_success(course, criterion).tolist() == [10, -1, -1]


def test_truth_values_are_numbers() -> None:
    """A metric may be a truth value: 0 or 1."""
    solved = np.array([[False, True, True], [False, False, False]])
    course = trace([[0.0] * 3] * 2, metrics={"loss": np.ones((2, 3)), "solved": solved})
    criterion = Criterion("solved", at_least=1)

    assert classify(course, criterion).tolist() == ["converged", "stuck"]
    assert steps_to_success(course, criterion).tolist() == [10, -1]


def test_prediction_that_ignores_its_input_has_collapsed() -> None:
    """Whatever the gradient of an output bias; one example alone shows no spread."""
    spread = np.array([0.0, 0.0, 1e-9, np.nan])
    course = trace([[0.0] * 5, [0.0, 0.0, 0.0, 0.2, 0.4], [0.0] * 5, [0.0] * 5], prediction_spread=spread)

    assert classify(course, R2).tolist() == ["collapsed", "collapsed", "stuck", "stuck"]
    assert classify(trace([[1.0] * 5], prediction_spread=np.zeros(1)), R2).tolist() == ["converged"]


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
