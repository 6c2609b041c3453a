"""Check that each framework really trains: relu-to-relu must end where theory says."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Largest distance of w from its expectation with batches of 1,000.
TOLERANCE = 0.05


def assert_learnt(start: Any, end: Any, steps: int) -> None:
    """Check each weight after gradient descent with learning rate 0.01.

    The gradient is w − 1 where w > 0, and w where w < 0: from a positive start w nears 1, from a negative one 0.

    Args:
        start: the weights before the first step.
        end: the weights after the last.
        steps: their number.
    """
    start, end = np.asarray(start), np.asarray(end)
    limit = np.where(start > 0, 1, 0)
    expected = limit + (start - limit) * 0.99**steps
    worst = np.abs(end - expected).max()
    assert worst < TOLERANCE, f"after {steps} steps a weight is {worst:.3f} off what it must be"


def assert_falls(before: float, after: float) -> None:
    """Check that a network has learnt: its loss has fallen by more than half."""
    assert after < before / 2, f"the loss went from {before:.1f} to {after:.1f} only"
