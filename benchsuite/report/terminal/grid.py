"""Layout of tables: columns that fit the width of a terminal, without a broken word or number."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import Any, Literal

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from benchsuite.errors import printable

#: Width that a column of wrapped text has at least, where its text is as long.
_COMFORTABLE = 28

#: Tables into which columns are distributed before a long first column has lines of its own.
_BLOCKS = 2

#: Columns that a long first column leaves room for, or has lines of its own.
_ESSENTIAL = 3

#: Spaces before what stands below a row.
_INDENT = 2


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


def wrap_words(text: Text, width: int) -> list[Text]:
    """Break a text into lines between words only; a longer word, such as an address, has a line of its own."""
    lines = []
    for line in text.split("\n", allow_blank=True):
        for part in line.divide(_breaks(line.plain, width)):
            part.rstrip()
            part.no_wrap, part.overflow = True, "ignore"
            lines.append(part)
    return lines


def _breaks(line: str, width: int) -> list[int]:
    """The places before the words that begin a new line."""
    places, start = list[int](), 0
    for word in re.finditer(r"\S+", line):
        if line[start : word.start()].strip() and cell_len(line[start : word.end()]) > width:
            start = word.start()
            places.append(start)
    return places


@dataclass(frozen=True)
class Prose:
    """A text that is broken between words only.

    Args:
        text: lines.
        style: of the whole text.
    """

    text: str
    style: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        yield from wrap_words(Text(printable(self.text), self.style), options.max_width)


@dataclass(frozen=True)
class _Measured:
    """The widths of a column, in cells of the terminal: of its longest word, and of its longest line."""

    least: int
    most: int
    folds: bool

    @property
    def wanted(self) -> int:
        """The width below which its text would be hard to read."""
        return max(self.least, min(self.most, _COMFORTABLE)) if self.folds else self.least


@dataclass(frozen=True)
class Grid:
    """A table without lines that no width breaks: what does not fit stands below.

    Long texts that do not fit stand below their row. Other columns that do not fit make a further table with the first
    column again. A first column that leaves no room for others has lines of its own.

    Args:
        columns: in their order.
        cells: row by row.
        style: of all rows.
        gap: spaces between columns.
    """

    columns: Sequence[Column]
    cells: Sequence[Sequence[Text]]
    style: str = ""
    gap: int = 2

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        width = options.max_width
        kept, below = self._kept(width)
        blocks = list(self._blocks(kept, width, alone=self._needed(kept[:_ESSENTIAL]) > width))
        if len(blocks) > _BLOCKS:  # a long first column, repeated in each of them
            blocks = min(blocks, list(self._blocks(kept, width, alone=True)), key=len)
        for number, block in enumerate(blocks):
            yield from _Block(self, block, [] if number else below, width).lines()

    @property
    def width(self) -> int:
        """The width of all columns side by side."""
        return self._needed(range(len(self.columns)))

    def fits(self, width: int) -> bool:
        """Whether all columns stand side by side in a width, the first one on lines of its own where it is long."""
        places = range(len(self.columns))
        return self._needed(places) <= width or (
            self._needed(places[:_ESSENTIAL]) > width and self._needed(places[1:]) + _INDENT <= width
        )

    @cached_property
    def sizes(self) -> list[_Measured]:
        """The widths of the columns."""
        return [
            _measure(column, [row[place] for row in self.cells], wraps=column.folds)
            for place, column in enumerate(self.columns)
        ]

    def _kept(self, width: int) -> tuple[list[int], list[int]]:
        """Split the columns into those that stand side by side, and the long texts that stand below each row."""
        kept, below = list(range(len(self.columns))), list[int]()
        for place in reversed([place for place in kept[1:] if self.columns[place].folds]):
            if self._needed(kept) <= width:
                break
            kept.remove(place)
            below.insert(0, place)
        return kept, below

    def _needed(self, places: Sequence[int]) -> int:
        return sum(self.sizes[place].wanted for place in places) + self.gap * (len(places) - 1)

    def _blocks(self, kept: Sequence[int], width: int, *, alone: bool) -> Iterator[list[int]]:
        """Distribute columns over tables that fit, each of which has the first column, beside the others or alone."""
        first, *rest = kept
        block = [first]
        for place in rest:
            tried = [*block[1:], place] if alone else [*block, place]
            if len(block) > 1 and self._needed(tried) > width - (_INDENT if alone else 0):
                yield block
                block = [first]
            block.append(place)
        yield block


@dataclass(frozen=True)
class _Block:
    """Some columns of a table, side by side."""

    grid: Grid
    places: Sequence[int]
    below: Sequence[int]
    width: int

    def lines(self) -> Iterator[Text]:
        """Return the head and the rows."""
        columns = self.grid.columns
        yield from self._side_by_side([Text(columns[place].title, "dim") for place in self.places], bottom=True)
        for row in self.grid.cells:
            yield from self._side_by_side([row[place] for place in self.places])
            for place in self.below:
                yield from self._under(columns[place].title, row[place])

    @cached_property
    def _alone(self) -> bool:
        """Whether the first column has lines of its own."""
        return len(self.places) > 1 and self.grid._needed(self.places) > self.width  # noqa: SLF001  # of this file

    @cached_property
    def _widths(self) -> list[int]:
        """The width of each column: the room that is left goes to wrapped text."""
        places = self.places[1:] if self._alone else self.places
        sizes = [self.grid.sizes[place] for place in places]
        widths = [size.wanted for size in sizes]
        left = self.width - sum(widths) - self.grid.gap * (len(widths) - 1) - (_INDENT if self._alone else 0)
        for place in sorted(range(len(sizes)), key=lambda place: sizes[place].most - widths[place]):
            more = max(0, min(left, sizes[place].most - widths[place]))
            widths[place] += more
            left -= more
        return widths

    def _side_by_side(self, cells: Sequence[Text], *, bottom: bool = False) -> Iterator[Text]:
        indent = 0
        if self._alone:
            name, *cells = cells
            yield from _plain(wrap_words(name, self.width), self.grid.style)
            indent = _INDENT
        columns = [self.grid.columns[place] for place in self.places][-len(cells) :]
        wrapped = [wrap_words(cell, width) for cell, width in zip(cells, self._widths, strict=True)]
        if bottom:
            most = max(map(len, wrapped))
            wrapped = [[Text()] * (most - len(lines)) + lines for lines in wrapped]
        for parts in zip_longest(*wrapped):
            line = Text(" " * indent, self.grid.style, no_wrap=True, overflow="ignore")
            for part, column, width in zip(parts, columns, self._widths, strict=True):
                text = part.copy() if part is not None else Text()
                text.rstrip()
                before = " " * (width - text.cell_len) if column.justify == "right" else ""
                line.append(before).append_text(text)
                line.append(
                    " " * (self.grid.gap + (0 if before or column.justify == "right" else width - text.cell_len))
                )
            line.rstrip()
            yield line

    def _under(self, title: str, cell: Text) -> Iterator[Text]:
        """Return the lines of a long text below its row."""
        if not cell.plain.strip():
            return
        text = Text.assemble((f"{title}: ".replace("\n", " "), "dim"), cell)
        for line in wrap_words(text, self.width - _INDENT):
            line.rstrip()
            yield Text(" " * _INDENT, self.grid.style, no_wrap=True, overflow="ignore").append_text(line)


def _plain(lines: Iterable[Text], style: str) -> Iterator[Text]:
    for line in lines:
        line.rstrip()
        yield Text("", style, no_wrap=True, overflow="ignore").append_text(line)


def _measure(column: Column, cells: Sequence[Text], *, wraps: bool) -> _Measured:
    lines = [line for cell in cells for line in cell.plain.split("\n")]
    words = [word for line in lines for word in line.split()] if wraps else lines
    head = max(map(cell_len, column.title.split()), default=0)
    titles = max(map(cell_len, column.title.split("\n")))
    least = max(head, *map(cell_len, words), 0)
    return _Measured(least, max(titles, *map(cell_len, lines), 0), wraps)
