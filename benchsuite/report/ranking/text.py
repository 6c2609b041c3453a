"""A board in a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from benchsuite.report.ranking.tables import board_sheets, pair_sheet
from benchsuite.standings import Board, Ranking, answer, robustness, tested_family, verdict


def board_tables(board: Board) -> RenderableType:
    """Make the tables of a board, and what they mean in words; the verdict on each of several pairs is on its page."""
    words: list[str] = []
    for ranking in board.rankings:
        verdicts = map(verdict, ranking.against if len(ranking.against) == 1 else ())
        words += [answer(ranking), *verdicts, *board_sentences(ranking)]
    return Group(*board_sheets(board), Text("\n".join(["", *words, *board_notes(board)])))


def versus_tables(board: Board) -> RenderableType:
    """Make the table of two entries under each set of rules, with the verdict in words."""
    parts: list[RenderableType] = []
    for ranking in board.rankings:
        for pair in ranking.against:
            parts += [pair_sheet(ranking, pair), Text(f"\n{verdict(pair)}")]
    return Group(*parts, Text("\n".join(board_notes(board))))


def board_sentences(ranking: Ranking) -> list[str]:
    """Whether the order of a board holds under other definitions, and which tests are adjusted together."""
    return [*robustness(ranking), tested_family(ranking)]


def board_notes(board: Board) -> list[str]:
    """What a reader must know about the rows of a board."""
    options = board.definition.options
    budget = "" if options.budget is None else f", within {options.budget:,} trainings an entry"
    tuned = f"tuned on seeds {options.tune_seeds}{budget}, " if any(rules.number for rules in options.rules) else ""
    return [f"{tuned}judged on seeds {options.judge_seeds}", *(f"note: {note}" for note in board.notes)]
