"""The length of a training, and the criterion of success."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from benchsuite.case.names import is_count
from benchsuite.errors import require

#: The units in which the length of a training is given.
STEPS, EPOCHS = "steps", "epochs"


@dataclass(frozen=True)
class Schedule:
    """The length of a training, the interval of its evaluations, and the default number of seeds.

    Args:
        steps: length in optimiser steps, for a Stream.
        epochs: length in passes over the training examples, for a Table.
        evaluate_every: interval of evaluations, in the unit of the length; must divide the length.
        seeds: default number of random starts.
    """

    steps: int | None = None
    epochs: int | None = None
    evaluate_every: int = 1
    seeds: int = 1000

    def __post_init__(self) -> None:
        require(
            (self.steps is None) != (self.epochs is None),
            f"Schedule has steps={self.steps} and epochs={self.epochs}",
            "give steps for a Stream, or epochs for a Table, and only one of them",
        )
        for name in ("length", "evaluate_every", "seeds"):
            value = getattr(self, name)
            require(is_count(value), f"Schedule's {name} is {value!r}", "give a whole number of at least 1")
        require(
            self.length % self.evaluate_every == 0,
            f"Schedule evaluates every {self.evaluate_every} of {self.length} {self.unit}, which leaves a remainder",
            "set evaluate_every to a divisor of the length",
        )

    @property
    def unit(self) -> str:
        """The unit of the length: "steps" or "epochs"."""
        return EPOCHS if self.steps is None else STEPS

    @property
    def length(self) -> int:
        """The number of steps or epochs."""
        return self.steps if self.steps is not None else self.epochs  # type: ignore[return-value]  # one of them is set

    @property
    def periods(self) -> int:
        """The number of evaluations after the one at the start."""
        return self.length // self.evaluate_every

    def with_evaluations(self, count: int) -> Schedule:
        """The same training with about `count` evaluations, at least as many as now; or one after every epoch."""
        wanted = max(1, self.length // count) if self.unit == STEPS else 1
        every = next(every for every in range(wanted, 0, -1) if self.evaluate_every % every == 0)
        return replace(self, evaluate_every=every)


@dataclass(frozen=True)
class Criterion:
    """The criterion of success: a bound on one metric of the evaluation data.

    Args:
        metric: "loss", "r2", "largest_error" or a name among the case's metrics.
        at_least: lower bound of the metric; or
        at_most: upper bound of the metric.
    """

    metric: str
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        require(
            (self.at_least is None) != (self.at_most is None),
            f"Criterion on {self.metric!r} has at_least={self.at_least} and at_most={self.at_most}",
            "give exactly one of at_least and at_most",
        )
        require(
            isinstance(self.threshold, int | float) and math.isfinite(self.threshold),
            f"Criterion on {self.metric!r} has the bound {self.threshold!r}",
            "give a finite number",
        )

    @property
    def threshold(self) -> float:
        """The bound, lower or upper."""
        return self.at_least if self.at_least is not None else self.at_most  # type: ignore[return-value]  # as above

    def holds(self, values: Any) -> Any:
        """Test which values of the metric meet the bound; NaN never does."""
        return values >= self.at_least if self.at_least is not None else values <= self.at_most

    def __str__(self) -> str:
        return f"{self.metric} {'≥' if self.at_least is not None else '≤'} {self.threshold:g}"
