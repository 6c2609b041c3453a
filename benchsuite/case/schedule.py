"""How long a case trains, and what success means."""

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
    """How long a seed trains, how often it is evaluated, and how many seeds there are unless the user says so.

    Args:
        steps: length in optimiser steps, for a Stream.
        epochs: length in passes over the training examples, for a Table.
        evaluate_every: the distance of evaluations, in the unit of the length; must divide it.
        seeds: random starts by default.
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
            f"Schedule evaluates every {self.evaluate_every} of {self.length} {self.unit}, which leaves a rest",
            "choose evaluate_every as a divisor of the length, so that the last evaluation is the end",
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
    """What success means: a bound on one metric of the evaluation data.

    Args:
        metric: "loss", "r2" or a name among the case's metrics.
        at_least: the metric must reach this from below, or
        at_most: the metric must reach this from above.
    """

    metric: str
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        require(
            (self.at_least is None) != (self.at_most is None),
            f"Criterion on {self.metric!r} has at_least={self.at_least} and at_most={self.at_most}",
            "give exactly one of the two",
        )
        require(
            isinstance(self.threshold, int | float) and math.isfinite(self.threshold),
            f"Criterion on {self.metric!r} has the bound {self.threshold!r}",
            "give a finite number",
        )

    @property
    def threshold(self) -> float:
        """The bound, whichever side it is on."""
        return self.at_least if self.at_least is not None else self.at_most  # type: ignore[return-value]  # as above

    def holds(self, values: Any) -> Any:
        """Where an array of values of the metric meets the bound; NaN never does."""
        return values >= self.at_least if self.at_least is not None else values <= self.at_most

    def __str__(self) -> str:
        return f"{self.metric} {'≥' if self.at_least is not None else '≤'} {self.threshold:g}"
