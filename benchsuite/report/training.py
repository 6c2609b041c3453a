"""The evaluations of one training, as a table for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.table import Table

from benchsuite.trace import Trace


def evaluations(trace: Trace, parameter_names: Sequence[str]) -> Table:
    """One line for each evaluation of the first seed of `trace`."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    training = [f"training {name}" for name in trace.train]
    for title in ("step", *training, *trace.metrics, "|gradient|", *parameter_names):
        table.add_column(title, justify="right")
    for number, step in enumerate(trace.steps):
        values = [metric[0, number] for metric in (*trace.train.values(), *trace.metrics.values())]
        values += [trace.gradient_norm[0, number], *trace.parameters[0, number]]
        table.add_row(f"{step:,}", *("-" if np.isnan(value) else f"{value:.6g}" for value in values))
    return table
