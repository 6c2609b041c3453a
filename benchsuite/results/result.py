"""Results of a case: summary, rows, learning curves and loss surfaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from benchsuite.results.landscape import Surface
from benchsuite.results.seeds import SeedTable
from benchsuite.results.summary import Summary


@dataclass(frozen=True)
class Curves:
    """The evaluations of the first k seeds of a case.

    Args:
        seeds: (k,) their numbers.
        steps: (e,) optimiser steps before each evaluation.
        columns: name → (k, e, …), as in `RoundResult.curves`: "metric.loss", "parameters" and so on.
    """

    seeds: np.ndarray = field(default_factory=lambda: np.empty(0, int))
    steps: np.ndarray = field(default_factory=lambda: np.empty(0, int))
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)


#: Why a case has no result, or less than was requested.
INAPPLICABLE, FAILED, NOT_RUN, UNFINISHED = "does not apply", "failed", "not run", "unfinished"


class Untrained(NamedTuple):
    """A case, treated or not, that was not trained to the end; `state` is one of the words above."""

    case: str
    treatment: str
    reason: str
    state: str = INAPPLICABLE

    @classmethod
    def of(cls, case_id: str, reason: str, state: str) -> Untrained:
        """Make it from the id of a case, such as "line+adam"."""
        case, _, treatment = case_id.partition("+")
        return cls(case, treatment, reason, state)

    @property
    def id(self) -> str:
        """The id of the case."""
        return "+".join(filter(None, (self.case, self.treatment)))


class Result(NamedTuple):
    """The summary of a case, or of one value of a sweep, with its rows, curves and surfaces."""

    summary: Summary
    rows: SeedTable
    curves: Curves = Curves()
    surfaces: Sequence[Surface] = ()
