"""Render a run in Markdown, for a pull request or the summary of a job."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from benchsuite.comparison import LEVEL
from benchsuite.errors import printable
from benchsuite.report.html.section import WIDTH, ReportContent
from benchsuite.report.terminal import (
    CASE,
    COST,
    RESULT,
    Sheet,
    changes_table,
    constant_notes,
    header_lines_of,
    ladder_tables,
    sweep_tables,
    treatment_tables,
    untrained_tables,
)

#: Characters with a meaning in Markdown or HTML.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>&|~#!])")


def render_markdown(report: ReportContent) -> str:
    """Render rates, costs, changes, treatments and verdicts on claims."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: ReportContent) -> Iterator[str]:
    yield "# Convergence rates"
    yield ""
    for run in report.runs:
        for line in header_lines_of(run):
            yield escape_markdown(line) + "  "
    yield ""
    if report.changes:
        for sheet in changes_table(report.changes, report.reference, LEVEL):
            yield from sheet_lines(sheet)
    for stand_in in (False, True):
        summaries = [summary for summary in report.summaries if summary.stand_in == stand_in]
        if summaries:
            title = "On STAND-IN data (synthetic), not comparable with other results" if stand_in else ""
            yield from sheet_lines(Sheet(title, summaries, (CASE, *RESULT)))
            yield from sheet_lines(Sheet("", summaries, (CASE, *COST), constant_notes(summaries)))
    for part in (
        *untrained_tables(report.inapplicable),
        *treatment_tables(report.results, report.inapplicable, WIDTH),
        *ladder_tables([r.summary for r in report.results]),
        *sweep_tables([r.summary for r in report.results]),
    ):
        if isinstance(part, Sheet) and part.title:
            yield from sheet_lines(part)
    verdicts = Counter(claim["verdict"] for summary in report.summaries for claim in summary.claims)
    if verdicts:
        yield "Claims of the sources: " + ", ".join(f"{verdict} {n}" for verdict, n in verdicts.items()) + "."


def sheet_lines(sheet: Sheet) -> Iterator[str]:
    """Render a table as lines of Markdown."""
    if sheet.title:
        yield f"**{escape_markdown(sheet.title)}**"
        yield ""
    yield _row([column.title for column in sheet.columns])
    yield _row(["---:" if column.justify == "right" else "---" for column in sheet.columns], escape=False)
    yield from (_row(cells) for cells in sheet.cells())
    yield ""
    for meaning in sheet.meanings:
        yield f"<sub>{escape_markdown(meaning)}</sub>  "
    if sheet.meanings:
        yield ""


def _row(cells: list[str], *, escape: bool = True) -> str:
    return f"| {' | '.join(escape_markdown(cell) if escape else cell for cell in cells)} |"


def escape_markdown(text: str) -> str:
    """Escape text for Markdown."""
    return _SPECIAL.sub(r"\\\1", printable(text)).replace("\n", "<br>")
