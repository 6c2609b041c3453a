"""The loss of a case as a function of its parameters, the paths that trainings take on it, and where starts lead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchsuite.results.trace import Trace
from benchsuite.system import files
from benchsuite.variants import Start


@dataclass(frozen=True)
class TrainingPath:
    """The training of one start.

    Args:
        label: what the start is called.
        trace: of this start alone.
        outcome: how it ended.
        names: of the trace's parameters.
        named: whether the case names it; else it is a seed.
    """

    label: str
    trace: Trace
    outcome: str
    names: Sequence[str]
    named: bool


def parameter_values(paths: Sequence[TrainingPath]) -> dict[str, np.ndarray]:
    """All values that every parameter takes on the paths."""
    names = paths[0].names if paths else ()
    return {
        name: np.concatenate([path.trace.parameters[:, :, number].ravel() for path in paths])
        for number, name in enumerate(names)
    }


@dataclass(frozen=True)
class Surface:
    """The loss on the evaluation data over a grid of one or two parameters.

    Args:
        title: what part it shows.
        axes: parameter → (k,) its values, one or two of them.
        loss: (k,) or (k of the second, k of the first).
        fixed: the other parameters.
    """

    title: str
    axes: Mapping[str, np.ndarray]
    loss: np.ndarray
    fixed: Start = field(default_factory=dict)

    def check(self) -> None:
        """Refuse what no grid gives.

        Raises:
            TypeError: a field is not of its kind.
            ValueError: the axes are not as long as the loss is wide, or are no numbers.
        """
        files.demand_fields(self)
        if any(values.dtype.kind not in "biuf" for values in (self.loss, *self.axes.values())):
            raise ValueError("it does not hold numbers")
        if len(self.axes) not in (1, 2) or self.loss.shape != tuple(map(np.size, reversed(list(self.axes.values())))):
            raise ValueError(f"its loss is of shape {self.loss.shape}")
        if not self.loss.size or not all(axis.ndim == 1 and np.isfinite(axis).all() for axis in self.axes.values()):
            raise ValueError("its axes are no axes")


@dataclass(frozen=True)
class BasinMap:
    """Where the trainings from a grid of starts end, all on the data of one seed.

    Args:
        axes: parameter → (k,) its values, two of them.
        outcomes: (k of the second, k of the first) outcomes; "" where a start was not trained.
        steps: the same shape, steps to success; `NEVER` where there was none.
        fixed: where the other parameters start.
        steps_trained: length of each training.
    """

    axes: Mapping[str, np.ndarray]
    outcomes: np.ndarray
    steps: np.ndarray
    fixed: Start
    steps_trained: int

    @property
    def trained(self) -> int:
        """How many starts were trained."""
        return int((self.outcomes != "").sum())


@dataclass(frozen=True)
class LandscapeResult:
    """All that is drawn of one case.

    Args:
        title: the case.
        surfaces: the loss.
        paths: on surfaces of the same parameters.
        basins: where starts lead, if that was asked for and there is a map.
        solution: parameter → value, or nothing.
    """

    title: str
    surfaces: Sequence[Surface]
    paths: Sequence[TrainingPath]
    basins: BasinMap | None
    solution: Start
