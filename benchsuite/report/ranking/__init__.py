"""Ranking: the tables of a comparison of entries, and what they mean in words.

In: a board, computed from its rows.
Out: tables and sentences for a terminal and for the page of the board.
"""

from benchsuite.report.ranking.tables import (
    against_sheet,
    cells_sheet,
    cost_sheet,
    expected_steps,
    plan_sheet,
    ranking_sheet,
)
from benchsuite.report.ranking.text import board_notes, board_sentences, board_tables, versus_tables

__all__ = [
    "against_sheet",
    "board_notes",
    "board_sentences",
    "board_tables",
    "cells_sheet",
    "cost_sheet",
    "expected_steps",
    "plan_sheet",
    "ranking_sheet",
    "versus_tables",
]
