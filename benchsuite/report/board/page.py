"""Write a board as one self-contained HTML page, in Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchsuite.report.board.cells import rates_matrix
from benchsuite.report.board.figures import (
    best_rates_figure,
    forest_figures,
    rank_figure,
    score_figure,
    times_figure,
)
from benchsuite.report.board.markdown import render_board_markdown
from benchsuite.report.figures import ChartFigure, ladder_figures
from benchsuite.report.html import PAGE, Fold, Part, Section, environment, figures_of
from benchsuite.report.ranking import (
    against_sheet,
    board_notes,
    board_sentences,
    cells_sheet,
    cost_sheet,
    ranking_sheet,
)
from benchsuite.report.terminal import Column, Sheet
from benchsuite.standings import FIGURES, Board, Ranking, answer, verdict
from benchsuite.system import files

#: The board in Markdown.
BOARD_SUMMARY = "board.md"


def write_board(board: Board, folder: Path) -> list[Path]:
    """Write the page, the Markdown and the figures of a board into a folder.

    Raises:
        StoreError: the rows are damaged, or the folder cannot be written.
    """
    contents = {PAGE: render_board(board), BOARD_SUMMARY: render_board_markdown(board), FIGURES: board.to_text()}
    for name, content in contents.items():
        files.write(folder / name, content.encode(), "make room, or choose another folder")
    return [folder / name for name in contents]


def render_board(board: Board) -> str:
    """Render a board as HTML."""
    shown = [section for section in _sections(board) if section.parts]
    figures = [figure for section in shown for figure in figures_of(section.parts)]
    definition = board.definition
    title = f"{len(definition.entries)} entries on {len(definition.cases)} cases"
    template = environment("benchsuite.report.board").get_template("board.html")
    answers = [answer(ranking) for ranking in board.rankings]
    specs = {figure.name: figure.spec() for figure in figures}
    return template.render(title=title, answers=answers, notes=board_notes(board), sections=shown, specs=specs)


def _sections(board: Board) -> Iterator[Section]:
    for ranking in board.rankings:
        yield Section(str(ranking.rules), ranking.rules.heading, list(_ranked(board, ranking)))
    best = best_rates_figure(board)
    yield Section("best", "Best of k settings", [best] if best else [])
    yield Section("entries", "Entries and cases", [_entries(board), _cases(board)])


def _ranked(board: Board, ranking: Ranking) -> Iterator[Part]:
    yield replace(ranking_sheet(board, ranking), title="Score")
    yield "\n".join(board_sentences(ranking))
    for one in (score_figure(board, ranking), rank_figure(board, ranking)):
        if one:
            yield one
    yield rates_matrix(ranking)
    yield from _against(ranking)
    if times := times_figure(ranking):
        yield times
    yield from _ladders(ranking)
    yield cost_sheet(ranking)
    yield cells_sheet(ranking.scores)


def _against(ranking: Ranking) -> Iterator[Fold]:
    """The comparison of each entry with the reference, if there is one."""
    if ranking.against:
        verdicts = "\n".join(map(verdict, ranking.against))
        parts: list[Part] = [against_sheet(ranking.against), verdicts, *forest_figures(ranking)]
        yield Fold(f"Each entry compared with {ranking.against[0].reference}", parts, is_open=len(ranking.against) == 1)


def _ladders(ranking: Ranking) -> Iterator[ChartFigure]:
    """The ladders of the board, with the published rates."""
    summaries = [cell.summary for score in ranking.scores for cell in score.judged if cell.summary.ladder_name]
    yield from ladder_figures(summaries) if summaries else ()


def _entries(board: Board) -> Sheet:
    columns = (
        Column("entry", lambda one: one.name, "left", "bold"),
        Column("call", lambda one: one.text, "left", folds=True),
        Column("default", lambda one: "-" if one.default is None else one.label(0), "left", folds=True),
        Column("space", lambda one: _space(one.space.to_json()), "left", folds=True),
        Column("source", lambda one: one.source or "-", "left", folds=True),
    )
    return Sheet("Entries", board.definition.entries, columns)


def _space(options: dict[str, str]) -> str:
    return "; ".join(f"{option}: {text}" for option, text in options.items()) or "-"


def _cases(board: Board) -> Sheet:
    rows: Sequence[tuple[str, str]] = [(name, about["family"]) for name, about in board.definition.cases.items()]
    columns = (Column("case", lambda row: row[0], "left", "bold"), Column("family", lambda row: row[1], "left"))
    return Sheet("Cases", rows, columns)
