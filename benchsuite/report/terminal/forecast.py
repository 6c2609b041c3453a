"""What is going to run: seeds, memory and time of each case, as far as earlier runs tell."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from benchsuite.execution import Forecast
from benchsuite.report.terminal.tables import Column, seconds, size, table

COLUMNS = (
    Column("case", lambda f: f.label, "left", "bold", folds=True),
    Column("seeds", lambda f: f"{f.seeds:,}"),
    Column("so many for", lambda f: f.reason, "left", folds=True),
    Column("memory", lambda f: size(f.memory)),
    Column("time", lambda f: seconds(f.seconds)),
    Column("as in run", lambda f: f.run or "-", "left", folds=True),
)


def forecast_table(found: Sequence[Forecast]) -> RenderableType:
    """The table, and what all of it takes."""
    known = [forecast.seconds for forecast in found if forecast.seconds is not None]
    memory = max((forecast.memory or 0 for forecast in found), default=0)
    unknown = len(found) - len(known)
    takes = f"{seconds(sum(known))}, {size(memory)}" if known else "no earlier run here tells how long"
    rest = f", and {unknown} of which no earlier run here tells" if known and unknown else ""
    return Group(
        table(found, COLUMNS),
        Text(f"{len(found)} to run, {sum(forecast.seeds for forecast in found):,} seeds: {takes}{rest}"),
    )
