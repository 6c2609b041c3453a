"""Loss surfaces of a case, paths of trainings on them, and basin maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchsuite.results.trace import Trace
from benchsuite.variants import Start


@dataclass(frozen=True)
class TrainingPath:
    """The training of one start.

    Args:
        label: the name of the start.
        trace: of this start alone.
        outcome: of the training.
        names: of the trace's parameters.
        named: whether the case names the start; else it is a seed.
    """

    label: str
    trace: Trace
    outcome: str
    names: Sequence[str]
    named: bool


def parameter_values(paths: Sequence[TrainingPath]) -> dict[str, np.ndarray]:
    """Collect all values that every parameter takes on the paths."""
    names = paths[0].names if paths else ()
    return {
        name: np.concatenate([path.trace.parameters[:, :, number].ravel() for path in paths])
        for number, name in enumerate(names)
    }


@dataclass(frozen=True)
class Surface:
    """The loss on the evaluation data over a grid of one or two parameters.

    Args:
        title: the part that it shows.
        axes: parameter → (k,) its values, one or two of them.
        loss: (k,) or (k of the second, k of the first).
        fixed: the other parameters.
    """

    title: str
    axes: Mapping[str, np.ndarray]
    loss: np.ndarray
    fixed: Start = field(default_factory=dict)

    def check(self) -> None:
        """Check the shapes and kinds of the arrays.

        Raises:
            ValueError: the axes do not fit to the loss, or the arrays are not numeric.
        """
        if any(values.dtype.kind not in "biuf" for values in (self.loss, *self.axes.values())):
            raise ValueError("its arrays are not numeric")
        if len(self.axes) not in (1, 2) or self.loss.shape != tuple(map(np.size, reversed(list(self.axes.values())))):
            raise ValueError(f"its loss is of shape {self.loss.shape}")
        if not self.loss.size or not all(axis.ndim == 1 and np.isfinite(axis).all() for axis in self.axes.values()):
            raise ValueError("its axes are empty, not finite or not one-dimensional")


@dataclass(frozen=True)
class BasinMap:
    """The outcomes of trainings from a grid of starts, all on the data of one seed.

    Args:
        axes: parameter → (k,) its values, two of them.
        outcomes: (k of the second, k of the first) outcomes; "" where a start was not trained.
        steps: the same shape, steps to success; `NEVER` where there was none.
        fixed: the starts of the other parameters.
        steps_trained: optimiser steps of each training.
    """

    axes: Mapping[str, np.ndarray]
    outcomes: np.ndarray
    steps: np.ndarray
    fixed: Start
    steps_trained: int

    @property
    def trained(self) -> int:
        """The number of trained starts."""
        return int((self.outcomes != "").sum())


@dataclass(frozen=True)
class LandscapeResult:
    """The surfaces, paths and basins of one case.

    Args:
        title: the case.
        surfaces: the loss.
        paths: on surfaces of the same parameters.
        basins: the basin map, where one was requested and the case has one.
        solution: parameter → value, or empty.
    """

    title: str
    surfaces: Sequence[Surface]
    paths: Sequence[TrainingPath]
    basins: BasinMap | None
    solution: Start
