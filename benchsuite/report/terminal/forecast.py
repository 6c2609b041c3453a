"""Table of planned seeds with memory and time estimated from earlier runs."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from benchsuite.errors import BenchsuiteError
from benchsuite.execution import Forecast
from benchsuite.report import seconds, size
from benchsuite.report.terminal.tables import Column, table

COLUMNS = (
    Column("case", lambda f: f.label, "left", "bold", folds=True),
    Column("seeds", lambda f: f"{f.seeds:,}"),
    Column("reason", lambda f: f.reason, "left", folds=True),
    Column("memory", lambda f: size(f.memory)),
    Column("time", lambda f: seconds(f.seconds)),
    Column("estimated from", lambda f: f.run or "-", "left", folds=True),
)


def forecast_table(found: Sequence[Forecast], failures: Sequence[BenchsuiteError] = ()) -> RenderableType:
    """Return the table with the totals below, and the errors of what cannot be run."""
    known = [forecast.seconds for forecast in found if forecast.seconds is not None]
    memory = max((forecast.memory or 0 for forecast in found), default=0)
    unknown = len(found) - len(known)
    takes = f"{seconds(sum(known))}, {size(memory)}" if known else "no earlier run to estimate the time from"
    rest = f", and {unknown} without an estimate" if known and unknown else ""
    return Group(
        table(found, COLUMNS),
        Text(f"{len(found)} to run, {sum(forecast.seeds for forecast in found):,} seeds: {takes}{rest}"),
        *(Text(f"cannot be run: {error}", "red") for error in failures),
    )
