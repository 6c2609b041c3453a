"""Terminal: tables of a run for a terminal.

In: summaries, results, comparisons, checks and estimates.
Out: renderables of rich, whose cells are plain text too.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchsuite.report import count, interval, number, p_value, per_second, percent, points, seconds
    from benchsuite.report.terminal.answer import AnswerTable, answer_tables
    from benchsuite.report.terminal.cases import case_description, case_list, treatment_list
    from benchsuite.report.terminal.changes import changes_table, compare_tables
    from benchsuite.report.terminal.commands import (
        audit_table,
        check_table,
        forecast_table,
        replay_diagnostics,
        replay_table,
    )
    from benchsuite.report.terminal.findings import (
        claims_table,
        diagnostics_table,
        groups_table,
        metrics_table,
        near_table,
        starts_table,
        threshold_table,
    )
    from benchsuite.report.terminal.grid import Column, Prose
    from benchsuite.report.terminal.summary import (
        CASE,
        COST,
        RESULT,
        SECTIONS,
        constant_notes,
        header_lines,
        header_lines_of,
        legend,
        render,
        run_sections,
        run_tables,
        untrained_tables,
    )
    from benchsuite.report.terminal.sweep import (
        describe_best,
        describe_plateau,
        group_curves,
        group_ladders,
        group_sweeps,
        ladder_tables,
        published_rate,
        rank,
        sweep_tables,
        swept_options,
        values_of,
    )
    from benchsuite.report.terminal.tables import UNTREATED, Sheet, directed_p_value, failures, median_steps, table
    from benchsuite.report.terminal.treatments import Inapplicable, as_untrained, cells_of, treatment_tables

__all__ = [
    "CASE",
    "COST",
    "RESULT",
    "SECTIONS",
    "UNTREATED",
    "AnswerTable",
    "Column",
    "Inapplicable",
    "Prose",
    "Sheet",
    "answer_tables",
    "as_untrained",
    "audit_table",
    "case_description",
    "case_list",
    "cells_of",
    "changes_table",
    "check_table",
    "claims_table",
    "compare_tables",
    "constant_notes",
    "count",
    "describe_best",
    "describe_plateau",
    "diagnostics_table",
    "directed_p_value",
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
    "p_value",
    "per_second",
    "percent",
    "points",
    "published_rate",
    "rank",
    "render",
    "replay_diagnostics",
    "replay_table",
    "run_sections",
    "run_tables",
    "seconds",
    "starts_table",
    "sweep_tables",
    "swept_options",
    "table",
    "threshold_table",
    "treatment_list",
    "treatment_tables",
    "untrained_tables",
    "values_of",
]

#: The modules of the names, those that import least first: a list of cases needs no tables of results.
_MODULES = ("grid", "tables", "cases", "changes", "commands", "findings", "sweep", "summary", "treatments", "answer")


def __getattr__(name: str) -> Any:
    """Import the module of a public name when the name is first used (PEP 562)."""
    for module in _MODULES if name in __all__ else ():
        names = vars(import_module(f"{__name__}.{module}"))
        if name in names:
            return names[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
