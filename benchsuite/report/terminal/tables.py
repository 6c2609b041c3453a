"""Columns, tables and number formats that all reports share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from benchsuite.errors import printable
from benchsuite.report import count
from benchsuite.results import FUNCTION_EVALUATIONS, GRADIENT_EVALUATIONS, Outcome, Summary

#: Name of a case without a treatment.
UNTREATED = "untreated"


@dataclass(frozen=True)
class Column:
    """A column of a table whose rows are objects of one type.

    Args:
        title: column head.
        cell: object → text of its cell.
        justify: alignment.
        style: of all cells.
        folds: whether long text wraps.
        once: whether a cell equal to the one above is left empty.
        link: object → address that its cell links to on a page.
    """

    title: str
    cell: Callable[[Any], str | Text]
    justify: Literal["left", "right"] = "right"
    style: str = ""
    folds: bool = False
    once: bool = False
    link: Callable[[Any], str] | None = None

    def text(self, row: Any) -> str:
        """Return the text of the cell of a row."""
        return printable(str(self.cell(row)))


def table(rows: Iterable[Any], columns: Iterable[Column], style: str = "", gap: int = 2) -> Table:
    """Make a table without lines, one row for each of `rows`."""
    made = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="dim", style=style)
    columns = list(columns)
    for column in columns:
        made.add_column(
            column.title, justify=column.justify, style=column.style, no_wrap=not column.folds, overflow="fold"
        )
    above: list[str | Text] = [""] * len(columns)
    for row in rows:
        cells = [column.cell(row) for column in columns]
        shown = [
            "" if column.once and now == last else now for column, now, last in zip(columns, cells, above, strict=True)
        ]
        made.add_row(
            *(Text(printable(cell)) if isinstance(cell, str) else cell for cell in shown)
        )  # no markup in names
        above = cells
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
            yield Text(printable(f"\n{self.title}"), "bold")
        yield table(self.rows, self.columns, self.style, self.gap)
        if self.meanings:
            yield Text(printable("\n".join(self.meanings)), "dim")

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
