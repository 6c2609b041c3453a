"""Controls of a criterion: constant predictions, and seeds near the bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchsuite import Criterion, accuracy, binary_accuracy, r2
from benchsuite.results import constant_meeting, share_near_bound

RARE = np.array([1] * 2 + [0] * 98)


def cross_entropy(prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The mean of -log softmax at the class."""
    logs = prediction - np.log(np.exp(prediction).sum(axis=-1, keepdims=True))
    return -np.take_along_axis(logs, target[:, None], axis=-1).mean()


def recall_of_rare(prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The share of the rare class that is found."""
    return accuracy(prediction, target)[target == 1].mean()


@pytest.mark.parametrize(
    ("criterion", "metric", "target", "outputs", "said"),
    [
        (Criterion("a", at_least=0.95), accuracy, RARE, (2,), "class 0"),
        (Criterion("a", at_least=0.99), accuracy, RARE, (2,), ""),
        (Criterion("a", at_least=0.98), accuracy, RARE, (2,), "class 0"),
        (Criterion("a", at_least=0.9), recall_of_rare, RARE, (2,), "class 1"),
        (Criterion("a", at_most=0.1), cross_entropy, RARE, (2,), "the shares of the classes"),
        (Criterion("a", at_most=0.09), cross_entropy, RARE, (2,), ""),
        (Criterion("a", at_least=0.95), binary_accuracy, RARE.astype(np.float32), (), "the mean of the targets"),
        (Criterion("a", at_least=0.95), accuracy, np.eye(2)[RARE], (2,), "the mean of the targets"),
        (Criterion("r2", at_least=0), r2, np.arange(9.0), (), "the mean of the targets"),
        (Criterion("r2", at_least=0.01), r2, np.arange(9.0), (), ""),
        (Criterion("a", at_least=0.5), lambda p, y: p == y, np.array([3, 3, 7]), (), "the median of the targets"),
        (Criterion("a", at_least=0.5), lambda p, y: p == y, np.array([3, 3, 5, 7, 9, 9, 9, 9]), (), "the target 9"),
    ],
)
def test_best_constant_is_found(
    criterion: Criterion, metric: Callable[..., Any], target: np.ndarray, outputs: tuple[int, ...], said: str
) -> None:
    """Means, medians, classes and their shares are tried, whatever the kind of the targets."""
    assert constant_meeting(criterion, metric, target, outputs) == said


def near(bound: float, shares: list[float], examples: int = 100) -> float | None:
    """The share of seeds near the bound of an accuracy."""
    return share_near_bound(Criterion("accuracy", at_least=bound), {"accuracy": np.array(shares)}, examples)


def test_seeds_near_the_bound_are_within_two_standard_errors() -> None:
    """With 100 examples and a bound of 0.9 the standard error is 0.03, or a seed's own where that is larger."""
    assert near(0.9, [0.96, 0.97, 0.84, 0.83, 0.82, 0.5]) == pytest.approx(3 / 6)
    assert near(0.9, [0.91, 0.89], examples=10_000) is not None
    assert near(0.9, [0.91, 0.89], examples=10_000) == 0


def test_all_examples_right_is_not_near_a_bound_of_all() -> None:
    """A seed with all right met a bound of 1; one with a single error may meet it on other examples."""
    assert near(1.0, [1.0, 0.99, 0.5]) == pytest.approx(1 / 3)
    assert near(1.0, [np.float32(0.99999994)], examples=41) == 0


def test_metric_that_counts_no_examples_has_no_standard_error() -> None:
    """It is a share of the examples, or nothing is said."""
    assert near(0.9, [0.905, 0.895]) is None
    assert near(0.9, [np.nan, 0.9]) is None
    assert share_near_bound(Criterion("r2", at_least=0.99), {"r2": np.ones(3)}, 100) is None
    assert share_near_bound(None, {}, 100) is None
    assert near(0.9, [0.9], examples=0) is None
