"""Metrics of a prediction against its target, for JAX and NumPy arrays.

Every function takes `prediction` and `target`, examples along the first axis. Those of regression take two of one shape
and return a scalar array; accuracies return a truth value for each example, of which the suite counts the true ones.
"""

from __future__ import annotations

from typing import Any

#: The smallest magnitude of a target in a percentage (`K.epsilon()` of Keras 2.2).
PERCENTAGE_FLOOR = 1e-7


def mean_squared_error(prediction: Any, target: Any) -> Any:
    """Compute the mean squared difference over all examples and outputs."""
    return ((prediction - target) ** 2).mean()


def mean_absolute_percentage_error(prediction: Any, target: Any) -> Any:
    """Compute the mean absolute percentage error 100 · mean(|y - p| / max(|y|, 1e-7)), in percent.

    Source: `mean_absolute_percentage_error` in keras/losses.py of Keras 2.2.4.
    """
    return (100 * abs(target - prediction) / abs(target).clip(PERCENTAGE_FLOOR)).mean()


def r2(prediction: Any, target: Any) -> Any:
    """Compute the coefficient of determination 1 - SSE/SST, with SST about the mean of each output.

    Source: `sklearn.metrics.r2_score(multioutput="variance_weighted")`.
    """
    unexplained = ((target - prediction) ** 2).sum()
    total = ((target - target.mean(axis=0)) ** 2).sum()
    return (total - unexplained) / total  # XLA compiles 1 - …/total to another division where seeds train side by side


def largest_error(prediction: Any, target: Any) -> Any:
    """Compute the largest absolute difference over all examples and outputs, the ε of approximation theorems."""
    return abs(prediction - target).max()


def accuracy(prediction: Any, target: Any) -> Any:
    """Whether the largest output of each example is that of its class, (n,).

    Args:
        prediction: (n, k) a score for each class; logits or probabilities.
        target: (n,) the classes as whole numbers from 0, or (n, k) as one-hot rows.
    """
    classes = target if target.ndim < prediction.ndim else target.argmax(axis=-1)
    return prediction.argmax(axis=-1) == classes


def binary_accuracy(prediction: Any, target: Any, threshold: float = 0.5) -> Any:
    """Whether all outputs of each example are on the side of the threshold that the target says, (n,).

    Args:
        prediction: (n,) or (n, k) probabilities; logits with `partial(binary_accuracy, threshold=0)`.
        target: of the same shape, 0 or 1, or truth values.
        threshold: from which prediction on an output means 1.
    """
    right = (prediction >= threshold) == (target >= 1 / 2)
    return right.reshape(len(right), -1).all(axis=1)
