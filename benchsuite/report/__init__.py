"""Report: results for people to read, in a terminal, as a page or as figures.

In: what a run folder stores, and comparisons of it; no JAX.
Out: the answer of a run in a sentence and rows, tables (`report.terminal`), an HTML page (`report.html`) and figures
(`report.figures`).
"""

from benchsuite.report.answer import Answer, AnswerRow, ClaimCounts, answer_rows, count_claims
from benchsuite.report.extras import require_extra
from benchsuite.report.formats import (
    count,
    interval,
    metric_name,
    number,
    p_value,
    per_second,
    percent,
    points,
    seconds,
    size,
)
from benchsuite.report.paths import check_path

__all__ = [
    "Answer",
    "AnswerRow",
    "ClaimCounts",
    "answer_rows",
    "check_path",
    "count",
    "count_claims",
    "interval",
    "metric_name",
    "number",
    "p_value",
    "per_second",
    "percent",
    "points",
    "require_extra",
    "seconds",
    "size",
]
