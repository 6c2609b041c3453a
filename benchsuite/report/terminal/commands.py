"""Tables of single commands: checks, audits, estimates of costs, and replays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from benchsuite.errors import BenchsuiteError
from benchsuite.report import number, seconds, size
from benchsuite.report.terminal.grid import Column, Prose
from benchsuite.report.terminal.tables import table
from benchsuite.results import Trace
from benchsuite.testing import AuditResult

if TYPE_CHECKING:
    from benchsuite.execution import Forecast
    from benchsuite.testing import CheckResult

_COLOURS = {"passed": "green", "failed": "bold red", "not checked": "yellow"}

FINDINGS = (
    Column("trained", lambda f: f.way, "left", "bold"),
    Column("seeds", lambda f: f"{f.seeds:,}"),
    Column("different outcomes", lambda f: f"{f.outcomes:,}"),
    Column("different values", lambda f: f"{f.figures:,} of {f.of:,}"),
    Column("largest difference", lambda f: f"{f.largest:.1g}" if f.figures else "-"),
)

CHECKS = (
    Column("check", lambda check: check.name, "left", "bold"),
    Column("verdict", lambda check: Text(check.verdict, _COLOURS[check.verdict]), "left"),
    Column(
        "found",
        lambda check: f"{check.found}\ntry: {check.hint}" if check.hint else check.found,
        "left",
        folds=True,
    ),
)


def audit_table(found: Sequence[AuditResult], title: str, compared: str) -> RenderableType:
    """Return a table of differences from training all seeds side by side.

    Args:
        found: the differences of each way.
        title: the case and its seeds.
        compared: the programs, blocks and devices; see `Audit.compared`.
    """
    most = max(found, key=lambda finding: finding.largest)
    same = all(finding.same for finding in found)
    differ = f"seeds do not end the same: {most.where} differs most, {most.way}"
    verdict, style = ("every seed ends the same to the last bit", "green") if same else (differ, "bold red")
    return Group(
        Prose(f"{title}, compared with all seeds side by side on all devices"),
        Prose(compared),
        table(found, FINDINGS),
        Prose(verdict, style),
    )


def check_table(found: Sequence[CheckResult], title: str) -> RenderableType:
    """Return a table of passed and failed checks with hints."""
    counts = {verdict: sum(check.verdict == verdict for check in found) for verdict in _COLOURS}
    summary = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    return Group(Prose(title, "bold"), table(found, CHECKS), Prose(summary))


COLUMNS = (
    Column("case", lambda f: f.label, "left", "bold", folds=True),
    Column("seeds", lambda f: f"{f.seeds:,}"),
    Column("reason", lambda f: f.reason, "left", folds=True),
    Column("memory", lambda f: size(f.memory)),
    Column("disk", lambda f: size(f.disk)),
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
        Prose(f"{len(found)} to run, {sum(forecast.seeds for forecast in found):,} seeds: {takes}{rest}"),
        Prose(f"rows and curves take at most {size(sum(forecast.disk for forecast in found))} on disk"),
        *(Prose(f"cannot be run: {error}", "red") for error in failures),
    )


def replay_table(trace: Trace, parameter_names: Sequence[str]) -> RenderableType:
    """Return a table of the evaluations of the first seed of `trace`, one row each."""

    def column(title: str, values: np.ndarray) -> Column:
        return Column(title, lambda when: "-" if np.isnan(values[when]) else f"{values[when]:.6g}")

    columns = [
        Column("step", lambda when: f"{trace.steps[when]:,}"),
        *(column(f"training {name}", values[0]) for name, values in trace.train.items()),
        *(column(name, values[0]) for name, values in trace.metrics.items()),
        column("|gradient|", trace.gradient_norm[0]),
        *(column(name, trace.parameters[0, :, place]) for place, name in enumerate(parameter_names)),
    ]
    return table(range(len(trace.steps)), columns)


def replay_diagnostics(trace: Trace, facts: Mapping[str, float], readings: Mapping[str, str]) -> RenderableType:
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
