"""What all tables in a terminal share: columns, and figures as a person reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from benchsuite.errors import printable
from benchsuite.results import Outcome, Summary

#: What is said of a case without a treatment.
UNTREATED = "untreated"

_THREE_DIGITS = 100

#: Smaller p-values are as good as this.
_TINY = 1e-9


@dataclass(frozen=True)
class Column:
    """A column of a table whose rows are made from objects of one kind.

    Args:
        title: above it.
        cell: object → what stands in its row.
        justify: where in the column.
        style: of all its cells.
        folds: whether its cells may be broken into lines.
        once: whether a cell is left empty that is the same as the one above it.
        link: object → where its cell leads to on a page.
    """

    title: str
    cell: Callable[[Any], str | Text]
    justify: Literal["left", "right"] = "right"
    style: str = ""
    folds: bool = False
    once: bool = False
    link: Callable[[Any], str] | None = None

    def text(self, row: Any) -> str:
        """What stands in a row, as plain text."""
        return printable(str(self.cell(row)))


def table(rows: Iterable[Any], columns: Iterable[Column], style: str = "", gap: int = 2) -> Table:
    """A table without lines, one row for each of `rows`."""
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
    """A table below its title and above what its words mean, for a terminal and for a page.

    Args:
        title: above it; it may be empty.
        rows: what it shows.
        columns: how.
        meanings: sentences below it.
        style: of the table in a terminal.
        gap: between its columns there.
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
        """What stands in every row, as plain text."""
        return [[column.text(row) for column in self.columns] for row in self.rows]


def case_name(summary: Summary) -> str:
    """The case, and below it what keeps its figures apart."""
    name, _, marks = summary.label.partition(" (")
    return "\n".join([name, *filter(None, marks.removesuffix(")").split(", "))])


def failures(outcomes: Mapping[str, int]) -> str:
    """How the seeds that did not converge ended, the most frequent first."""
    failed = {name: n for name, n in outcomes.items() if name != Outcome.CONVERGED and n}
    return "\n".join(f"{n:,} {name}" for name, n in sorted(failed.items(), key=lambda item: -item[1])) or "none"


def interval(ends: Iterable[float]) -> str:
    """An interval of a share, in percent."""
    low, high = ends
    return f"{100 * low:.1f}–{100 * high:.1f} %"


def points(*differences: float) -> str:
    """A difference of shares, or the ends of an interval of one, in points of a hundred."""
    return " to ".join(f"{100 * difference:+.1f}" for difference in differences)


def median_steps(summary: Summary) -> str:
    """The median of the steps to success, or that it is beyond the end."""
    time = summary.time_to_success
    return f"> {time['censored_at']:,}" if time["median"] is None else count(time["median"])


def percent(share: float | None) -> str:
    """A share in percent; "-" for none."""
    return "-" if share is None else f"{100 * share:.1f} %"


def p_value(value: float | None) -> str:
    """A p-value to two significant digits, as far as anybody cares; "-" for none."""
    if value is None:
        return "-"
    return f"{value:.2g}" if value >= _TINY else f"< {_TINY:g}"


def number(value: float | None) -> str:
    """A figure to four significant digits, with separators where it is large; "-" for none."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e7 else f"{value:.4g}"  # noqa: PLR2004  # from there on by its power


def count(value: float | None) -> str:
    """A whole number; "-" for none."""
    return "-" if value is None else f"{value:,.0f}"


def per_second(value: float) -> str:
    """A rate of at least three significant digits."""
    return f"{value:#.3g}".rstrip(".") if value < _THREE_DIGITS else f"{value:,.0f}"


def size(value: int | None) -> str:
    """A number of bytes for a person, in MiB; "-" for none."""
    return "-" if value is None else f"{value / 2**20:,.0f} MiB" if value >= 2**20 else "< 1 MiB"


def seconds(value: float | None) -> str:
    """A time for a person: three significant digits and a unit that suits it; "-" for none."""
    if value is None:
        return "-"
    for limit, factor, unit in ((0.9995e-3, 1e6, "µs"), (0.9995, 1e3, "ms"), (600, 1, "s")):
        if value < limit:
            return f"{value * factor:.3g} {unit}"
    return f"{value / 60:.0f} min"
