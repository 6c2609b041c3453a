"""Terminal: tables of a run for a terminal.

In: summaries, results, comparisons, checks and estimates.
Out: renderables of rich, whose cells are plain text too.
"""

from benchsuite.report import count, interval, number, per_second, percent, points, seconds
from benchsuite.report.terminal.changes import changes_table, compare_tables
from benchsuite.report.terminal.checks import audit_table, check_table
from benchsuite.report.terminal.findings import (
    claims_table,
    diagnostics_table,
    groups_table,
    metrics_table,
    near_table,
    starts_table,
    threshold_table,
)
from benchsuite.report.terminal.forecast import forecast_table
from benchsuite.report.terminal.overview import CASE, COST, RESULT, constant_notes, legend
from benchsuite.report.terminal.replay import replay_diagnostics, replay_table
from benchsuite.report.terminal.summary import header_lines, header_lines_of, render, run_tables, untrained_tables
from benchsuite.report.terminal.sweep import (
    describe_plateau,
    group_curves,
    group_ladders,
    group_sweeps,
    ladder_tables,
    published_rate,
    sweep_tables,
    swept_options,
    values_of,
)
from benchsuite.report.terminal.tables import UNTREATED, Column, Sheet, failures, median_steps, table
from benchsuite.report.terminal.treatments import Inapplicable, as_untrained, cells_of, treatment_tables

__all__ = [
    "CASE",
    "COST",
    "RESULT",
    "UNTREATED",
    "Column",
    "Inapplicable",
    "Sheet",
    "as_untrained",
    "audit_table",
    "cells_of",
    "changes_table",
    "check_table",
    "claims_table",
    "compare_tables",
    "constant_notes",
    "count",
    "describe_plateau",
    "diagnostics_table",
    "failures",
    "forecast_table",
    "group_curves",
    "group_ladders",
    "group_sweeps",
    "groups_table",
    "header_lines",
    "header_lines_of",
    "interval",
    "ladder_tables",
    "legend",
    "median_steps",
    "metrics_table",
    "near_table",
    "number",
    "per_second",
    "percent",
    "points",
    "published_rate",
    "render",
    "replay_diagnostics",
    "replay_table",
    "run_tables",
    "seconds",
    "starts_table",
    "sweep_tables",
    "swept_options",
    "table",
    "threshold_table",
    "treatment_tables",
    "untrained_tables",
    "values_of",
]
