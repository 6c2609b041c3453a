"""What one round leaves behind: its rows, some learning curves, and how long it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from benchsuite.rows import Columns, Rows
from benchsuite.trace import Trace

#: Seeds below this number keep their learning curves; of the others, only the row is kept.
CURVES_KEPT = 1000


@dataclass(frozen=True)
class Shard:
    """One round.

    Args:
        rows: one for each of its seeds.
        curves: name → (k, e, …) the evaluations of the first k seeds, as in `Trace`.
        seconds: training time of all rows of the round, every result waited for.
        first_run: whether the program ran for the first time, so that the time is no steady one.
        chunk_size: seeds trained side by side.
        device_count: devices that they were spread over.
    """

    rows: Rows
    curves: Columns
    seconds: float
    first_run: bool
    chunk_size: int
    device_count: int

    @property
    def seeds(self) -> np.ndarray:
        """(n,) the seeds, in ascending order."""
        return np.unique(self.rows.seeds)

    def at(self, setting: Mapping[str, float]) -> Shard:
        """The part of the round with an option at one of its values, and that part of its time."""
        if not setting:
            return self
        chosen = np.all([self.rows.settings[option] == value for option, value in setting.items()], axis=0)
        rows = self.rows[chosen]
        return replace(self, rows=rows, curves={}, seconds=self.seconds * len(rows) / len(self.rows))


def curves(trace: Trace) -> dict[str, np.ndarray]:
    """The evaluations to keep of a trace: those of the seeds below `CURVES_KEPT`."""
    kept = int((trace.seeds < CURVES_KEPT).sum())
    columns = {
        "gradient_norm": trace.gradient_norm,
        "parameters": trace.parameters,
        **{f"train.{name}": values for name, values in trace.train.items()},
        **{f"metric.{name}": values for name, values in trace.metrics.items()},
    }
    return {name: values[:kept].copy() for name, values in columns.items()}
