"""The cells of a board as a matrix: the rate of each entry on each case, with its commonest failure."""

from __future__ import annotations

from benchsuite.report import count, interval, number, percent
from benchsuite.report.html import ABSENT, LOST, SHARE, Matrix, MatrixCell, MatrixRow
from benchsuite.report.ranking import expected_steps
from benchsuite.report.terminal import failures
from benchsuite.results import INAPPLICABLE
from benchsuite.standings import SOLVED, Cell, Ranking


def rates_matrix(ranking: Ranking) -> Matrix:
    """Make the matrix of the rates: a row for each case, a column for each entry, the highest score first."""
    entries = [score.entry for score in ranking.scores]
    rows = [_row(cells) for cells in zip(*(score.cells for score in ranking.scores), strict=True)]
    notes = ["A cell has the rate and the commonest failure; open it for the setting and all outcomes."]
    return Matrix(f"cells-{ranking.rules}", "Rate and commonest failure", "family", entries, rows, notes)


def _row(cells: tuple[Cell, ...]) -> MatrixRow:
    return MatrixRow(cells[0].case, cells[0].family, "", [_cell(cell) for cell in cells])


def _cell(cell: Cell) -> MatrixCell:
    if not cell.result:
        state = cell.reason.partition(":")[0]
        return MatrixCell(ABSENT if state == INAPPLICABLE else LOST, state, facts={"reason": cell.reason})
    facts = {
        "setting": cell.options or "as declared",
        "rate": f"{percent(cell.rate)}, {interval(cell.interval)} of {cell.seeds:,} seeds",
        "failed as": failures(cell.summary.outcomes).replace("\n", ", "),
        "expected steps": expected_steps(cell),
        "99 % by restarts": f"{number(cell.starts_steps)} steps",
    }
    mark = "" if cell.is_complete else f"{count(cell.seeds)} of {count(cell.wanted)} seeds"
    below = "" if cell.rate >= SOLVED else cell.commonest_failure
    return MatrixCell(SHARE, percent(cell.rate), below, mark, facts, cell.rate)
