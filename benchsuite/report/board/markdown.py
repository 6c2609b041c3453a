"""A board in Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from benchsuite.report.html import escape_markdown, sheet_lines
from benchsuite.report.ranking import (
    against_sheet,
    board_notes,
    board_sentences,
    cells_sheet,
    cost_sheet,
    ranking_sheet,
)
from benchsuite.standings import Board, answer, verdict


def render_board_markdown(board: Board) -> str:
    """Render a board in Markdown."""
    return "\n".join(_lines(board)) + "\n"


def _lines(board: Board) -> Iterator[str]:
    yield "# Board"
    yield ""
    for ranking in board.rankings:
        yield escape_markdown(answer(ranking)) + "  "
    for note in board_notes(board):
        yield escape_markdown(note) + "  "
    yield ""
    for ranking in board.rankings:
        yield from sheet_lines(ranking_sheet(board, ranking))
        if ranking.against:
            yield from sheet_lines(against_sheet(ranking.against))
            yield from (f"- {escape_markdown(verdict(pair))}" for pair in ranking.against)
        for sentence in board_sentences(ranking):
            yield f"- {escape_markdown(sentence)}"
        yield ""
        yield from sheet_lines(cost_sheet(ranking))
        yield from sheet_lines(cells_sheet(ranking.scores))
