"""Tables in memory: columns of equal length, with conversions to pandas, polars and Arrow."""

from __future__ import annotations

import html
import shutil
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from benchsuite.errors import OptionError, near_matches, printable

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

#: Rows that a frame shows of itself: half from its beginning, half from its end.
SHOWN = 10


class FrameColumnError(OptionError, KeyError):
    """A table has no column of that name."""

    __str__ = OptionError.__str__


class Frame(Mapping[str, np.ndarray]):
    """A table: column name → array of its values, (n,), all of one length.

    A value that does not exist, such as the steps to success of a seed that failed, is masked (`numpy.ma`) and becomes
    null in other libraries. NaN is a number that was computed, as after a divergence.

    Args:
        columns: name → (n,).
        caption: what it shows.
    """

    def __init__(self, columns: Mapping[str, np.ndarray], caption: str = "") -> None:
        self._columns, self.caption = dict(columns), caption

    @classmethod
    def of_rows(cls, rows: Sequence[Mapping[str, Any]], caption: str = "") -> Frame:
        """Make a table of rows; None and missing entries are masked."""
        names = dict.fromkeys(name for row in rows for name in row)
        return cls({name: _column([row.get(name) for row in rows]) for name in names}, caption)

    @classmethod
    def join(cls, frames: Sequence[Frame], caption: str = "") -> Frame:
        """Put tables below each other; columns that one of them lacks are masked there."""
        names = dict.fromkeys(name for frame in frames for name in frame)
        return cls({name: _joined(name, frames) for name in names}, caption)

    @property
    def height(self) -> int:
        """The number of rows."""
        return len(next(iter(self._columns.values()))) if self._columns else 0

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._columns:
            raise FrameColumnError(f"the table has no column {name!r}", near_matches(name, self._columns))
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield each row as {name: Python value}, with None for masked values."""
        columns = {name: _python_values(values) for name, values in self.items()}
        for number in range(self.height):
            yield {name: values[number] for name, values in columns.items()}

    def to_arrow(self) -> pa.Table:
        """Convert to a `pyarrow.Table`.

        Raises:
            OptionError: pyarrow is not installed.
        """
        arrow = _library("pyarrow")
        columns = {name: arrow.array(np.ma.getdata(v), mask=np.ma.getmaskarray(v)) for name, v in self.items()}
        return arrow.table(columns)

    def to_pandas(self) -> pd.DataFrame:
        """Convert to a `pandas.DataFrame`; columns with masked values have pandas' nullable types.

        Raises:
            OptionError: pandas is not installed.
        """
        pandas = _library("pandas")
        return pandas.DataFrame({name: _pandas_column(pandas, values) for name, values in self.items()})

    def to_polars(self) -> pl.DataFrame:
        """Convert to a `polars.DataFrame`.

        Raises:
            OptionError: polars is not installed.
        """
        polars = _library("polars")
        made = polars.DataFrame({name: np.ma.getdata(values) for name, values in self.items()})
        masks = {name: np.ma.getmaskarray(values) for name, values in self.items() if np.ma.is_masked(values)}
        nulls = [
            polars.when(polars.Series(mask)).then(None).otherwise(polars.col(name)).alias(name)
            for name, mask in masks.items()
        ]
        return made.with_columns(nulls)

    def __repr__(self) -> str:
        same = {name: cell for name in self if (cell := self._same_in_all_rows(name)) is not None}
        varying = Frame({name: values for name, values in self.items() if name not in same})
        cells = [list(varying), *varying._shown()]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        fitting = _fitting(widths, shutil.get_terminal_size().columns)
        lines = ["  ".join(row[place].rjust(widths[place]) for place in fitting) for row in cells]
        everywhere = [f"in every row: {', '.join(f'{name} {cell}' for name, cell in same.items())}"] if same else []
        hidden = [f"not shown: {', '.join(cells[0][len(fitting) :])}"] if len(fitting) < len(varying) else []
        return "\n".join([*filter(None, [self.caption]), *lines, self._size, *everywhere, *hidden])

    def _same_in_all_rows(self, name: str) -> str | None:
        """The value of a column of a long table that has only one, as text; None for others."""
        values, mask = np.ma.getdata(self[name]), np.ma.getmaskarray(self[name])
        if self.height <= SHOWN or not (mask.all() or (not mask.any() and (values == values[0]).all())):
            return None
        return _cell(None if mask[0] else values[0].item()) or "''"

    def _repr_html_(self) -> str:
        caption = f"<caption>{html.escape(printable(self.caption))}</caption>" if self.caption else ""
        head = _html_row("th", list(self))
        body = "".join(_html_row("td", row) for row in self._shown())
        table = f"<table>{caption}<thead>{head}</thead><tbody>{body}</tbody></table>"
        return f"{table}<p>{html.escape(self._size)}</p>"

    @property
    def _size(self) -> str:
        return f"{self.height:,} rows × {len(self)} columns"

    def _shown(self) -> Iterator[list[str]]:
        few = self.height <= SHOWN
        places = [*range(self.height)] if few else [*range(SHOWN // 2), *range(self.height - SHOWN // 2, self.height)]
        shown = Frame({name: values[places] for name, values in self.items()})
        for number, row in enumerate(shown.rows()):
            if number == SHOWN // 2 and not few:
                yield ["…"] * len(self)
            yield [_cell(value) for value in row.values()]


def _fitting(widths: Sequence[int], available: int) -> range:
    """The first columns that fit into a line, at least one."""
    ends = np.cumsum([width + 2 for width in widths]) - 2
    return range(min(len(widths), max(1, int((ends <= available).sum()))))


def _html_row(tag: str, cells: Sequence[str]) -> str:
    how = "style='white-space: nowrap'"  # Jupyter would break names at hyphens
    return f"<tr>{''.join(f'<{tag} {how}>{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else printable(str(value))


def _python_values(values: np.ndarray) -> list[Any]:
    mask = np.ma.getmaskarray(values)
    return [None if missing else value for value, missing in zip(np.ma.getdata(values).tolist(), mask, strict=True)]


def _column(values: Sequence[Any]) -> np.ndarray:
    """An array of values; None is masked."""
    missing = np.array([value is None for value in values], bool)
    known = [value for value in values if value is not None]
    filler = _filler(np.array(known).dtype if known else np.dtype(float))
    filled = np.array([filler if value is None else value for value in values])
    return np.ma.masked_array(filled, missing) if missing.any() else filled


def _filler(kind: np.dtype[Any]) -> Any:
    """The value below a mask."""
    return np.zeros(1, kind)[0].item()


def _joined(name: str, frames: Sequence[Frame]) -> np.ndarray:
    kind = np.result_type(*(frame[name].dtype for frame in frames if name in frame))
    parts = [
        frame[name]
        if name in frame
        else np.ma.masked_array(np.zeros(frame.height, kind), True)  # values below a mask are not shown
        for frame in frames
    ]
    masked = any(np.ma.isMaskedArray(part) for part in parts)
    if not masked:
        return np.concatenate(parts)
    data = np.concatenate([np.ma.filled(part, _filler(kind)) for part in parts])
    return np.ma.masked_array(data, np.concatenate([np.ma.getmaskarray(part) for part in parts]))


def _pandas_column(pandas: Any, values: np.ndarray) -> Any:
    data, mask = np.ma.getdata(values), np.ma.getmaskarray(values)
    if not mask.any():
        return data
    kinds = {"i": "Int64", "u": "UInt64", "b": "boolean", "f": "Float64"}
    kind = kinds.get(data.dtype.kind, "string")
    return pandas.Series(data).astype(kind).mask(mask)


def _library(name: str) -> Any:
    """Import an optional library.

    Raises:
        OptionError: it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise OptionError(
            f"the conversion requires {name}, which is not installed", f"install it with `pip install {name}`"
        ) from error
