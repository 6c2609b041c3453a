"""What a run folder holds of a case: its figures, the rows that they were taken from, and some learning curves."""

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
        seeds: (k,) which.
        steps: (e,) optimiser steps before each evaluation.
        columns: name → (k, e, …), as `round_result.curves` names them: "metric.loss", "parameters" and so on.
    """

    seeds: np.ndarray = field(default_factory=lambda: np.empty(0, int))
    steps: np.ndarray = field(default_factory=lambda: np.empty(0, int))
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)


class Result(NamedTuple):
    """The figures of a case, or of one value of an option that is swept over, its rows, and what else was kept."""

    summary: Summary
    rows: SeedTable
    curves: Curves = Curves()
    surfaces: Sequence[Surface] = ()
