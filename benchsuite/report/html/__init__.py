"""HTML: a run as one page without network access, and as Markdown.

In: run folders, and a reference to compare with.
Out: index.html, summary.md and a picture of the rates.
"""

from benchsuite.report.html.markdown import escape_markdown, render_markdown, sheet_lines
from benchsuite.report.html.matrix import ABSENT, LOST, SHARE, Matrix, MatrixCell, MatrixRow
from benchsuite.report.html.page import (
    PAGE,
    SUMMARY,
    chart_library,
    collect_content,
    environment,
    render_page,
    write_report,
)
from benchsuite.report.html.section import Fold, Part, Section, figures_of

__all__ = [
    "ABSENT",
    "LOST",
    "PAGE",
    "SHARE",
    "SUMMARY",
    "Fold",
    "Matrix",
    "MatrixCell",
    "MatrixRow",
    "Part",
    "Section",
    "chart_library",
    "collect_content",
    "environment",
    "escape_markdown",
    "figures_of",
    "render_markdown",
    "render_page",
    "sheet_lines",
    "write_report",
]
