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


class Result(NamedTuple):
    """The summary of a case, or of one value of a sweep, with its rows, curves and surfaces."""

    summary: Summary
    rows: SeedTable
    curves: Curves = Curves()
    surfaces: Sequence[Surface] = ()
