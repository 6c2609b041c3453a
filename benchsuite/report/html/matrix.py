"""A matrix of cases: a row for each case, a column for each treatment or entry, with cells that can be opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: Kinds of cells, which the style sheet shows.
BETTER, WORSE, FAINT, ABSENT, LOST, ALONE, SHARE = "better", "worse", "faint", "absent", "lost", "alone", "share"


@dataclass(frozen=True)
class MatrixCell:
    """One case under one treatment, or of one entry.

    Args:
        kind: "better" or "worse" if a difference is significant, "faint" if it is not, "absent" where the treatment
            does not apply, "lost" where it was not trained, "alone" without the untreated case, "share" for a rate.
        text: the difference in points, the rate, or the state.
        below: the second line, such as the interval of the difference.
        mark: such as "200 of 400 seeds"; empty where all were trained.
        facts: name → value, shown when the cell is opened.
        size: absolute difference, or the rate; 0 where it is not ranked.
    """

    kind: str
    text: str
    below: str = ""
    mark: str = ""
    facts: Mapping[str, str] | None = None
    size: float = 0.0


@dataclass(frozen=True)
class MatrixRow:
    """One case in all columns.

    Args:
        case: its label.
        lead: the cell beside the label, such as the rate without a treatment, "49.1 %".
        below: its second line, such as the interval of that rate.
        cells: one for each column; None where it was not requested.
    """

    case: str
    lead: str
    below: str
    cells: Sequence[MatrixCell | None]

    @property
    def largest(self) -> float:
        """The largest size of its cells, for sorting."""
        return max((cell.size for cell in self.cells if cell), default=0.0)


@dataclass(frozen=True)
class Matrix:
    """Rows with the names of their columns.

    Args:
        name: unique on the page.
        title: what the cells show.
        lead: title of the column beside the labels.
        columns: names of treatments or entries.
        rows: of the cases.
        notes: how to read it.
        last: title of a column with the largest size of each row; empty for none.
    """

    name: str
    title: str
    lead: str
    columns: Sequence[str]
    rows: Sequence[MatrixRow]
    notes: Sequence[str] = ()
    last: str = ""
