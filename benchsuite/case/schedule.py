"""The length of a training, and the criterion of success."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from benchsuite.errors import require
from benchsuite.names import is_count

if TYPE_CHECKING:
    import numpy as np

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


#: Evaluations at which a criterion may have to hold.
LAST, EVER, BEST = "last", "ever", "best"

#: How a criterion names them; the last evaluation goes without saying.
_WHEN = {LAST: "", EVER: " at any evaluation", BEST: " at the best evaluation"}

#: Units of rounding, of its type, that a metric may miss a bound by; but not one of these, which are no shares.
_ROUNDING_UNITS, _EXACT = 2, ("loss", "r2", "largest_error")


@dataclass(frozen=True)
class Criterion:
    """The criterion of success: a bound on one metric of the evaluation data.

    A share is rounded: the float32 mean of 41 times 1 is 0.99999994 under XLA. A value of the case's own metrics that
    misses the bound by no more than two units of rounding of its type (2^-22 of the bound for float32) meets it. Truth
    values count as 0 and 1.

    Args:
        metric: "loss", "r2", "largest_error" or a name among the case's metrics.
        at_least: lower bound of the metric; or
        at_most: upper bound of the metric.
        when: "last", the bound must hold at the last evaluation; "ever", at one of them at least; or "best", at the
            best of them, which is the same, and says that the best model of a training is the one that is kept.
    """

    metric: str
    at_least: float | None = None
    at_most: float | None = None
    when: Literal["last", "ever", "best"] = "last"

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
        require(
            self.when in _WHEN,
            f"Criterion on {self.metric!r} has when={self.when!r}",
            f"set when to {', '.join(map(repr, _WHEN))}",
        )

    @property
    def threshold(self) -> float:
        """The bound, lower or upper."""
        return self.at_least if self.at_least is not None else self.at_most  # type: ignore[return-value]  # as above

    def holds(self, values: Any) -> Any:
        """Test which values of the metric meet the bound; NaN never does."""
        bound, rounding = _rounded(self.threshold, values)
        slack = 0.0 if self.metric in _EXACT else rounding * abs(bound)
        values = as_numbers(values)
        return values >= bound - slack if self.at_least is not None else values <= bound + slack

    def met(self, values: Any) -> Any:
        """Test which of n trainings succeed: (n, e) values of the metric → (n,)."""
        held = self.holds(values)
        return held[:, -1] if self.when == LAST else held.any(axis=1)

    def __str__(self) -> str:
        bound = f"{self.threshold:g}"
        bound = bound if float(bound) == self.threshold else repr(self.threshold)
        return f"{self.metric} {'≥' if self.at_least is not None else '≤'} {bound}{_WHEN[self.when]}"


def as_numbers(values: Any) -> np.ndarray:
    """Convert values of a metric to float64; truth values are 0 and 1."""
    import numpy as np

    return np.asarray(values, np.float64)


def _rounded(bound: float, values: Any) -> tuple[float, float]:
    """Round a bound to the type of an array of values, and return the rounding that is allowed; none but to floats."""
    import numpy as np

    dtype = np.asarray(values).dtype
    return (float(dtype.type(bound)), _ROUNDING_UNITS * float(np.finfo(dtype).eps)) if dtype.kind == "f" else (bound, 0)
