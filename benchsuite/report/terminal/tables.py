"""Tables that all reports share, and formats of what a summary holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from benchsuite.errors import printable
from benchsuite.report import count, p_value
from benchsuite.report.terminal.grid import Column, Grid, Prose
from benchsuite.results import FUNCTION_EVALUATIONS, GRADIENT_EVALUATIONS, Outcome, Summary

#: Name of a case without a treatment.
UNTREATED = "untreated"


def table(rows: Iterable[Any], columns: Iterable[Column], style: str = "", gap: int = 2) -> Grid:
    """Make a table without lines, one row for each of `rows`."""
    columns, cells = list(columns), list[list[Text]]()
    above: list[Any] = [""] * len(columns)
    for row in rows:
        found = [column.cell(row) for column in columns]
        shown = [
            "" if column.once and now == last else now for column, now, last in zip(columns, found, above, strict=True)
        ]
        cells.append([_styled(cell, column.style) for cell, column in zip(shown, columns, strict=True)])
        above = found
    return Grid(columns, cells, style, gap)


def _styled(cell: str | Text, style: str) -> Text:
    if isinstance(cell, str):  # no markup in names
        return Text(printable(cell), style)
    made = cell.copy()
    made.stylize_before(style)
    return made


@dataclass(frozen=True)
class Sheet:
    """A table with title and legend, for a terminal and for a page.

    Args:
        title: heading; may be empty.
        rows: objects, one for each row.
        columns: in their order.
        meanings: lines of the legend.
        style: of the table in a terminal.
        gap: spaces between columns in a terminal.
    """

    title: str
    rows: Sequence[Any]
    columns: Sequence[Column]
    meanings: Sequence[str] = ()
    style: str = ""
    gap: int = 1

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        if self.title:
            yield Prose(f"\n{self.title}", "bold")
        yield table(self.rows, self.columns, self.style, self.gap)
        if self.meanings:
            yield Prose("\n".join(self.meanings), "dim")

    def cells(self) -> list[list[str]]:
        """Return the text of all cells, row by row."""
        return [[column.text(row) for column in self.columns] for row in self.rows]


def case_name(summary: Summary) -> str:
    """Format the name of a case with its marks below: protocol, data."""
    name, _, marks = summary.label.partition(" (")
    return "\n".join([name, *filter(None, marks.removesuffix(")").split(", "))])


def warning_notes(summaries: Iterable[Summary]) -> list[str]:
    """List the warnings of treated cases, each once."""
    found = {(summary.treatment, warning): summary for summary in summaries for warning in summary.warnings}
    return [f"WARNING: {treatment} of {summary.case}: {warning}" for (treatment, warning), summary in found.items()]


def evaluations_per_step(summary: Summary) -> str:
    """Format the evaluations of a step: "2.2 gradients, 8.2 losses"; "1 gradient" where they are not counted."""
    steps = summary.time_to_success["censored_at"]
    found = {diagnostic["name"]: (diagnostic["median"] or 0) / steps for diagnostic in summary.diagnostics}
    gradients, losses = found.get(GRADIENT_EVALUATIONS, 1), found.get(FUNCTION_EVALUATIONS, 0)
    texts = [f"{gradients:.3g} gradient" + ("" if gradients == 1 else "s")]
    return ", ".join([*texts, *([f"{losses:.3g} losses"] if losses else [])])


def failures(outcomes: Mapping[str, int]) -> str:
    """Format the counts of failed outcomes, the most frequent first."""
    failed = {name: n for name, n in outcomes.items() if name != Outcome.CONVERGED and n}
    return "\n".join(f"{n:,} {name}" for name, n in sorted(failed.items(), key=lambda item: -item[1])) or "none"


def median_steps(summary: Summary) -> str:
    """Format the median of the steps to success, or "> steps" if it is censored."""
    time = summary.time_to_success
    return f"> {time['censored_at']:,}" if time["median"] is None else count(time["median"])


def directed_p_value(value: float | None, difference: float) -> str:
    """Format a two-sided p-value with the direction of the difference: "↑ 0.012"; "-" for None."""
    arrow = "↑ " if difference > 0 else "↓ " if difference < 0 else ""
    return p_value(value) if value is None else f"{arrow}{p_value(value)}"
