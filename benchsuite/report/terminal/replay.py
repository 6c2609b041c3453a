"""Tables of one training: its evaluations and its diagnostics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from rich.table import Table

from benchsuite.report import number
from benchsuite.report.terminal.tables import Column, table
from benchsuite.results import Trace


def replay_table(trace: Trace, parameter_names: Sequence[str]) -> Table:
    """Return a table of the evaluations of the first seed of `trace`, one row each."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    training = [f"training {name}" for name in trace.train]
    for title in ("step", *training, *trace.metrics, "|gradient|", *parameter_names):
        table.add_column(title, justify="right")
    for when, step in enumerate(trace.steps):
        values = [metric[0, when] for metric in (*trace.train.values(), *trace.metrics.values())]
        values += [trace.gradient_norm[0, when], *trace.parameters[0, when]]
        table.add_row(f"{step:,}", *("-" if np.isnan(value) else f"{value:.6g}" for value in values))
    return table


def replay_diagnostics(trace: Trace, facts: Mapping[str, float], readings: Mapping[str, str]) -> Table:
    """Return a table of the diagnostics of the first seed of `trace` and of its data."""
    values = {**{name: float(column[0]) for name, column in trace.diagnostics.items()}, **facts}
    return table(
        [(name, values[name]) for name in readings],
        [
            Column("diagnostic", lambda item: item[0], "left"),
            Column("value", lambda item: number(item[1]), style="bold"),
            Column("meaning", lambda item: readings[item[0]], "left", folds=True),
        ],
    )
