"""Tables that all reports share, and formats of what a summary holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from benchsuite.errors import printable
from benchsuite.report import count, p_value
from benchsuite.report.terminal.grid import Column, Grid, Prose, wrap_words
from benchsuite.results import FUNCTION_EVALUATIONS, GRADIENT_EVALUATIONS, Outcome, Summary

#: Name of a case without a treatment.
UNTREATED = "untreated"

#: Spaces between columns that are fitted.
_GAP = 2

#: The fewest cells of a shortened text, and those that it has before less important columns.
_SHORTEST, _READABLE = 20, 40


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
class FittedTable:
    """A table with one line a row: columns that do not fit are left out, the least important first, and named below.

    Args:
        rows: objects, one for each row.
        columns: from left to right; those without any text are left out silently.
        importance: titles of the columns, the most important first; the first two are always shown.
        shortened: title of a column whose text is cut between words to fit; empty for none.
        hint: what shows the columns that were left out.
    """

    rows: Sequence[Any]
    columns: Sequence[Column]
    importance: Sequence[str]
    shortened: str = ""
    hint: str = "-v shows them"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        width, columns = options.max_width, {column.title: column for column in self.columns}
        used = [name for name in self.importance if any(columns[name].text(row) for row in self.rows)]
        if not used:
            return
        kept, room = used[:1], 0
        for name in used[1:]:
            if name == self.shortened:
                room = min(width - self._grid(kept).width - _GAP, _READABLE)
                kept += [name] if room >= _SHORTEST else []
            elif name == used[1] or self._grid([*kept, name], room).fits(width):
                kept.append(name)
        if self.shortened in kept:
            room = width - self._grid([name for name in kept if name != self.shortened]).width - _GAP
        yield self._grid(kept, room)
        if left_out := [name for name in used if name not in kept]:
            yield Prose(f"left out at {width} columns: {', '.join(left_out)}; {self.hint}", "dim")

    def _grid(self, names: Sequence[str], room: int = 0) -> Grid:
        columns = [column for column in self.columns if column.title in names]
        return table(self.rows, [self._short(column, room) for column in columns], gap=_GAP)

    def _short(self, column: Column, room: int) -> Column:
        if column.title != self.shortened or not room:
            return column
        return replace(column, cell=lambda row: _shorten(column.text(row), room))


def _shorten(text: str, width: int) -> str:
    """Cut a text between words, but not behind a number, with an ellipsis where something is left out."""
    lines = wrap_words(Text(text.replace("\n", " ")), width)
    if len(lines) == 1:
        return text
    start = wrap_words(lines[0], width - 2)[0].plain
    return f"{re.sub(r' [0-9,]+$', '', start).rstrip(' ,;:.')} …"


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
