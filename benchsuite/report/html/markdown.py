"""A run in Markdown, for a pull request or the summary of a job."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from benchsuite.comparison.gate import LEVEL
from benchsuite.errors import plain
from benchsuite.report.html.section import WIDTH, Story
from benchsuite.report.terminal.changes import changes_table
from benchsuite.report.terminal.header import header_of
from benchsuite.report.terminal.overview import CASE, COST, RESULT
from benchsuite.report.terminal.sweep import sweeps
from benchsuite.report.terminal.tables import Sheet
from benchsuite.report.terminal.treatments import treatments

#: What Markdown or HTML would read as its own.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>&|~#!])")


def markdown(story: Story) -> str:
    """The rates, the costs, the verdicts on the sources, and what has changed."""
    return "\n".join(_lines(story)) + "\n"


def _lines(story: Story) -> Iterator[str]:
    yield "# Of many random starts, how many learnt it"
    yield ""
    for run in story.runs:
        for line in header_of(run):
            yield escaped(line) + "  "
    yield ""
    if story.changes:
        for sheet in changes_table(story.changes, story.reference, LEVEL):
            yield from sheet_lines(sheet)
    for stand_in in (False, True):
        records = [record for record in story.records if record.stand_in == stand_in]
        if records:
            title = "On STAND-IN data, not comparable with any other" if stand_in else ""
            yield from sheet_lines(Sheet(title, records, (CASE, *RESULT)))
            yield from sheet_lines(Sheet("", records, (CASE, *COST)))
    for part in (*treatments(story.results, story.inapplicable, WIDTH), *sweeps([r.record for r in story.results])):
        if isinstance(part, Sheet) and part.title:
            yield from sheet_lines(part)
    verdicts = Counter(claim["verdict"] for record in story.records for claim in record.claims)
    if verdicts:
        yield "Statements of the sources: " + ", ".join(f"{verdict} {n}" for verdict, n in verdicts.items()) + "."


def sheet_lines(sheet: Sheet) -> Iterator[str]:
    """A table as lines of Markdown."""
    if sheet.title:
        yield f"**{escaped(sheet.title)}**"
        yield ""
    yield _row([column.title for column in sheet.columns])
    yield _row(["---:" if column.justify == "right" else "---" for column in sheet.columns], escape=False)
    yield from (_row(cells) for cells in sheet.cells())
    yield ""
    for meaning in sheet.meanings:
        yield f"<sub>{escaped(meaning)}</sub>  "
    if sheet.meanings:
        yield ""


def _row(cells: list[str], *, escape: bool = True) -> str:
    return f"| {' | '.join(escaped(cell) if escape else cell for cell in cells)} |"


def escaped(text: str) -> str:
    """A text that says in Markdown what it says."""
    return _SPECIAL.sub(r"\\\1", plain(text)).replace("\n", "<br>")
