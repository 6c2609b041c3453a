"""Metrics agree with the libraries and formulas that define them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import r2_score

from benchsuite import accuracy, binary_accuracy, mean_absolute_percentage_error, mean_squared_error, r2

VALUES = arrays(float, st.tuples(st.integers(2, 20), st.integers(1, 4)), elements=st.floats(-100, 100))


@given(VALUES, st.integers(0, 2**32 - 1))
def test_r2_is_scikit_learns_variance_weighted(target: np.ndarray, seed: int) -> None:
    """R² is the share of the variance that is learnt, over all outputs together."""
    target = target + np.random.default_rng(seed).normal(size=target.shape)
    prediction = target[::-1]

    expected = r2_score(target, prediction, multioutput="variance_weighted")

    assert r2(prediction, target) == pytest.approx(expected)


def test_perfect_prediction_and_the_mean_are_the_marks_of_r2() -> None:
    """All of the variance learnt is 1, the mean of each output alone is 0."""
    target = np.array([[1.0, 5.0], [3.0, 9.0]])

    assert r2(target, target) == 1
    assert r2(np.array([[2.0, 7.0], [2.0, 7.0]]), target) == 0


def test_mean_squared_error_is_over_all_outputs() -> None:
    """The mean is over examples and outputs alike."""
    assert mean_squared_error(np.array([[1.0, 2.0]]), np.array([[0.0, 0.0]])) == 2.5


def test_percentage_error_of_zero_targets_is_the_one_of_keras() -> None:
    """A target of zero counts as 1e-7, so that black pixels give the source's figures of 1e8."""
    prediction, target = np.array([0.5, 3.0]), np.array([0.0, 2.0])

    assert mean_absolute_percentage_error(prediction, target) == pytest.approx(100 * (0.5 / 1e-7 + 0.5) / 2)


def test_accuracy_is_a_truth_value_for_each_example() -> None:
    """The largest output is that of the class, given as a whole number or as a one-hot row."""
    scores = np.array([[0.1, 0.9], [2.0, -1.0], [0.3, 0.4]])
    classes = np.array([1, 0, 0])

    assert accuracy(scores, classes).tolist() == [True, True, False]
    assert accuracy(scores, np.eye(2)[classes]).tolist() == [True, True, False]


def test_binary_accuracy_takes_probabilities_or_logits() -> None:
    """All outputs of an example must be on the right side of the threshold."""
    assert binary_accuracy(np.array([0.6, 0.4, 0.5]), np.array([1, 0, 0])).tolist() == [True, True, False]
    assert binary_accuracy(np.array([[0.2], [-3.0]]), np.array([[1.0], [0.0]]), threshold=0).tolist() == [True, True]
    assert binary_accuracy(np.array([[0.9, 0.9]]), np.array([[1, 0]])).tolist() == [False]
