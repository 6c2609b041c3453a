"""Results of one timed round: rows, some learning curves, and its duration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from msgspec import Meta

from benchsuite.results.plan import Count, Plan
from benchsuite.results.seeds import Columns, SeedTable
from benchsuite.results.trace import Trace
from benchsuite.seeds import SeedNumbers
from benchsuite.system import files

#: The first seeds of a run, this many, keep their learning curves; of the others only the row is stored.
CURVES_KEPT = 1000

#: An upper bound of a round's seconds: a lifetime.
_LONGEST = 3e9


#: Called with the number of seeds whose training has just been completed; fractions for parts of one.
OnTrained = Callable[[float], None]


@dataclass(frozen=True)
class RoundFacts:
    """The scalars of a `RoundResult`, as plain JSON values."""

    seconds: Annotated[float, Meta(gt=0, lt=_LONGEST)]
    first_run: bool
    chunk_size: Count
    device_count: Count


@dataclass(frozen=True)
class RoundResult:
    """One timed round.

    Args:
        rows: one for each of its seeds.
        curves: name → (k, e, …) the evaluations of the first k seeds, as in `Trace`.
        seconds: training time of all rows of the round, in seconds, until every result was there.
        first_run: whether the program ran for the first time, so that its time is not a steady one.
        chunk_size: lanes of a block, which are trained side by side on one device.
        device_count: devices that they were spread over.
    """

    rows: SeedTable
    curves: Columns
    seconds: float
    first_run: bool
    chunk_size: int
    device_count: int

    @property
    def seeds(self) -> np.ndarray:
        """(n,) the seeds, in ascending order."""
        return np.unique(self.rows.seeds)

    @property
    def facts(self) -> RoundFacts:
        """All but the arrays."""
        return RoundFacts(self.seconds, self.first_run, self.chunk_size, self.device_count)

    def check(self, plan: Plan | None = None) -> None:
        """Check rows, curves and times against their ranges and, if given, the plan.

        Raises:
            ValueError: one of them is of another kind, length or range.
        """
        files.decode(files.encode(self.facts), RoundFacts)
        self.rows.check(plan)
        if plan:
            self._check_rows(plan)
            self._check_curves(plan)

    def _check_rows(self, plan: Plan) -> None:
        if self.rows.settings.keys() != plan.sweep.keys():
            raise ValueError(f"it is a sweep over {', '.join(self.rows.settings) or 'nothing'}")
        for part in plan.parts:
            rows = self.at(part.setting).rows
            if len(rows) != len(self.seeds) or len(np.unique(rows.seeds)) != len(rows):
                raise ValueError(f"it does not hold each seed once{' for each value' if part.setting else ''}")

    def _check_curves(self, plan: Plan) -> None:
        kept = {len(curve) if curve.ndim else -1 for curve in self.curves.values()}
        if len(kept) > 1 or not kept <= set(range(len(self.rows) + 1)):
            raise ValueError("its curves are not those of its first seeds")
        for name, curve in self.curves.items():
            wide = (len(plan.parameter_names),) if name == "parameters" else ()
            if curve.dtype.kind not in "biuf" or curve.shape[1:] != (len(plan.steps), *wide):
                raise ValueError(f"its curve {name} is of {curve.dtype}, {curve.shape}")

    def at(self, setting: Mapping[str, float]) -> RoundResult:
        """Select the rows with the swept options at one combination of their values, with their share of the time.

        All of them where every value has rounds of its own.
        """
        if not (setting and self.rows.settings):
            return self
        swept = self.rows.settings.keys() & setting.keys()
        chosen = np.all([self.rows.settings[option] == setting[option] for option in swept], axis=0)
        if chosen.all():  # of a sweep of one value
            return self
        rows = self.rows[chosen]
        return replace(self, rows=rows, curves={}, seconds=self.seconds * len(rows) / len(self.rows))


def kept_curves(trace: Trace, seeds: int | SeedNumbers = CURVES_KEPT) -> dict[str, np.ndarray]:
    """Select the evaluations to keep of a trace: those of the first `CURVES_KEPT` seeds of a run.

    Args:
        trace: of some seeds of the run, or of its named starts.
        seeds: of the whole run.
    """
    first = range(CURVES_KEPT) if isinstance(seeds, int) else seeds.numbers[:CURVES_KEPT]
    kept = int((trace.seeds <= first[-1]).sum())
    columns = {
        "gradient_norm": trace.gradient_norm,
        "parameters": trace.parameters,
        **{f"train.{name}": values for name, values in trace.train.items()},
        **{f"metric.{name}": values for name, values in trace.metrics.items()},
    }
    return {name: values[:kept].copy() for name, values in columns.items()}
