"""Standings: an honest comparison of entries over cases, computed from rows.

In: entries, cases, rules and seeds; their rows come from `tuning`.
Out: cells, paired differences, scores, rank intervals, checks of the order, and what they mean in words.
"""

from benchsuite.standings.board import DEFINITION, FIGURES, Board, BoardDefinition
from benchsuite.standings.cell import SOLVED, Cell, family_weights
from benchsuite.standings.conduct import Contest, differs_from_rows, write_figures
from benchsuite.standings.pairs import (
    LEVEL,
    CasePair,
    EntryPair,
    adjust_pairs,
    all_pairs,
    compare_entries,
)
from benchsuite.standings.requests import board_contest, versus_contest
from benchsuite.standings.score import THRESHOLDS, EntryCost, EntryScore, OrderCheck, Ranking, pair_ranks
from benchsuite.standings.words import answer, decision, robustness, tested_family, verdict

__all__ = [
    "DEFINITION",
    "FIGURES",
    "LEVEL",
    "SOLVED",
    "THRESHOLDS",
    "Board",
    "BoardDefinition",
    "CasePair",
    "Cell",
    "Contest",
    "EntryCost",
    "EntryPair",
    "EntryScore",
    "OrderCheck",
    "Ranking",
    "adjust_pairs",
    "all_pairs",
    "answer",
    "board_contest",
    "compare_entries",
    "decision",
    "differs_from_rows",
    "family_weights",
    "pair_ranks",
    "robustness",
    "tested_family",
    "verdict",
    "versus_contest",
    "write_figures",
]
