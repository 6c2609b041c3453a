"""Render a run in Markdown, for a pull request or the summary of a job."""

from __future__ import annotations

import re
from collections.abc import Iterator

from benchsuite.comparison import LEVEL
from benchsuite.errors import printable
from benchsuite.report import AnswerRow, count, interval, percent
from benchsuite.report.html.claims import ClaimGroup, claim_groups
from benchsuite.report.html.content import ReportContent
from benchsuite.report.html.matrix import BETTER, WORSE, Matrix, MatrixCell
from benchsuite.report.terminal import (
    Column,
    Sheet,
    changes_table,
    constant_notes,
    failures,
    ladder_tables,
    median_steps,
    sweep_tables,
    untrained_tables,
)
from benchsuite.results import REFUTED

#: Characters with a meaning in Markdown or HTML.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>&|~#!])")


def render_markdown(report: ReportContent) -> str:
    """Render the answer, its table, changes, claims and treatments; the provenance comes last."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: ReportContent) -> Iterator[str]:
    yield f"# {escape_markdown(heading(report))}"
    yield ""
    if report.changes:
        yield f"{escape_markdown(report.answer.sentence)}."
        yield ""
    for sheet in _sheets(report):
        yield from sheet_lines(sheet)
    for group in claim_groups(report.summaries):
        yield from _claim_lines(group)
    if report.matrix:
        yield from _matrix_lines(report.matrix)
    summaries = [result.summary for result in report.results]
    for part in (*ladder_tables(summaries), *sweep_tables(summaries)):
        yield from sheet_lines(part)
    yield f"<sub>{escape_markdown(report.provenance)}</sub>"


def heading(report: ReportContent) -> str:
    """The result of a comparison, or the answer of a run."""
    return report.changes.sentence if report.changes else report.answer.sentence


def _sheets(report: ReportContent) -> Iterator[Sheet]:
    """The answer, with synthetic data apart, the changes, and what was not trained to the end."""
    for stand_in in (False, True):
        rows = [row for row in report.answer.untreated if row.stand_in == stand_in]
        if rows:
            title = "On STAND-IN data (synthetic), not comparable with other results" if stand_in else ""
            summaries = [row.summary for row in rows if row.summary]
            yield Sheet(title, rows, ANSWER, constant_notes(summaries))
    if report.changes and report.changes.changed:
        yield from changes_table(report.changes.changed, report.reference, LEVEL)
    yield from untrained_tables(report.inapplicable)


def _seeds(row: AnswerRow) -> str:
    return f"{row.seeds:,} of {row.planned_seeds:,}" if row.planned_seeds > row.seeds else count(row.seeds)


ANSWER = (
    Column("case", lambda r: r.label, "left", "bold"),
    Column("rate", lambda r: percent(r.rate) + (" †" if r.summary and r.summary.constant_meets else "")),
    Column("95 % interval", lambda r: interval(r.interval) if r.interval else "-"),
    Column("seeds", _seeds),
    Column("steps to success", lambda r: median_steps(r.summary) if r.summary else "-"),
    Column("failed as", lambda r: failures(r.outcomes).replace("\n", ", ") if r.summary else r.state, "left"),
)


def _claim_lines(group: ClaimGroup) -> Iterator[str]:
    """The refuted claims with their tests; of the others their number."""
    yield f"**Claims of the sources: {group.title}**"
    yield ""
    if group.verdict == REFUTED:
        for line in group.lines:
            text = f"{line.case}: {line.statement} Tested: {line.check}. Observed: {line.found}. {line.test}"
            yield f"- {escape_markdown(text)}"
        yield ""


def _matrix_lines(matrix: Matrix) -> Iterator[str]:
    yield f"**{escape_markdown(matrix.title)}**"
    yield ""
    yield _row(["case", matrix.lead, *matrix.columns])
    yield _row(["---", *["---:"] * (1 + len(matrix.columns))], escape=False)
    for row in matrix.rows:
        cells = [_cell(cell) for cell in row.cells]
        yield _row([row.case, row.lead]).removesuffix("|") + f"| {' | '.join(cells)} |"
    yield ""
    yield f"<sub>{escape_markdown(matrix.notes[0].partition(' Open it')[0])}</sub>  "
    yield from (f"<sub>{escape_markdown(note)}</sub>  " for note in matrix.notes[1:])
    yield ""


def _cell(cell: MatrixCell | None) -> str:
    """A cell with its interval; significant differences are bold."""
    if cell is None:
        return ""
    below = f" ({cell.below})" if cell.below else ""
    mark = f" {cell.mark}" if cell.mark else ""
    text = escape_markdown(f"{cell.text}{below}{mark}")
    return f"**{text}**" if cell.kind in (BETTER, WORSE) else text


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
