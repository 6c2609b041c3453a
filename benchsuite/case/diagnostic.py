"""Figures that explain the outcome of a training, and the ranges of plots of its loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchsuite.case.dataset import Split
from benchsuite.errors import require, require_text


@dataclass(frozen=True, eq=False)
class Diagnostic:
    """A figure that explains the outcome of a training: one number for each seed, computed at its end.

    Args:
        name: name in tables and summaries.
        reading: definition and interpretation, in one sentence.
        of_model: (model, x, y) → scalar, pure JAX, on the evaluation data; (model, batch) → scalar in a case with
            objective or players; or
        of_data: (Split) → number, NumPy, on the rows of a table as loaded: the same for every seed.

    Raises:
        CaseError: both functions are given, or none.
    """

    name: str
    reading: str
    of_model: Callable[..., Any] | None = None
    of_data: Callable[[Split], float] | None = None

    def __post_init__(self) -> None:
        given = [function for function in (self.of_model, self.of_data) if function is not None]
        require(
            len(given) == 1 and callable(given[0]),
            f"Diagnostic {self.name!r} has {len(given)} functions",
            "give exactly one of of_model and of_data",
        )
        require_text(self.name, "a diagnostic's name")
        require_text(self.reading, f"the reading of diagnostic {self.name!r}")


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """Ranges of the plots of the loss as a function of the parameters.

    Args:
        ranges: parameter → (lowest, highest) value; by default a range that includes the paths.
        close_up: the same for a plot of a small part.
        basins: two parameters → (lowest, highest) start, for a grid of starts that is trained while all other
            parameters start at 0. A case with two parameters needs none.

    Raises:
        CaseError: a range is reversed, or `basins` has another number of parameters than two.
    """

    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    close_up: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    basins: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for ranges in (self.ranges, self.close_up, self.basins):
            for name, (low, high) in ranges.items():
                require(low < high, f"Landscape's range of {name} is {low} to {high}", "give the lowest value first")
        require(
            len(self.basins) in (0, 2),
            f"Landscape's basins have {len(self.basins)} parameters, expected 2",
            "name two parameters",
        )
