"""Write the tables and charts of the published board into its page: `python docs/_make/board.py BOARD`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
from case_page import picture
from marked import write_between
from pictures import svg
from reference import table

from benchsuite.report.board.cells import rates_matrix
from benchsuite.report.board.figures import rank_figure, score_figure
from benchsuite.report.html import escape_markdown, sheet_lines
from benchsuite.report.ranking import board_sentences, cost_sheet, ranking_sheet
from benchsuite.standings import Board, Ranking, answer

DOCS = Path(__file__).parents[1]
PAGE, PICTURES = DOCS / "explanation" / "board.md", DOCS / "pictures"

BEGIN, END = "<!-- Written by docs/_make/board.py. -->", "<!-- End of the tables. -->"


def lines_of(board: Board, ranking: Ranking) -> Iterator[str]:
    """The section of one of the rules: its table, whether the order holds, and charts, which are written too."""
    yield f"## {ranking.rules.heading}"
    yield ""
    yield from sheet_lines(replace(ranking_sheet(board, ranking), title=""))
    yield from (f"- {escape_markdown(sentence)}" for sentence in board_sentences(ranking))
    yield ""
    for figure in (score_figure(board, ranking), rank_figure(board, ranking)):
        if figure:
            path = PICTURES / f"board-{figure.name}.svg"
            path.write_bytes(svg(figure))
            yield picture((f"../pictures/{path.name}", figure.about))
            yield ""
    matrix = rates_matrix(ranking)
    rows = [(row.case, *(cell.text.removesuffix(" %") if cell else "" for cell in row.cells)) for row in matrix.rows]
    yield from table(("rate in %", *matrix.columns), rows)
    yield ""
    yield from sheet_lines(cost_sheet(ranking))


@click.command()
@click.argument("folder", metavar="BOARD", type=click.Path(exists=True, path_type=Path))
def main(folder: Path) -> None:
    """Write the tables and charts of a BOARD into docs/explanation/board.md."""
    board = Board.open(folder)
    answers = [f"{escape_markdown(answer(ranking))}\n" for ranking in board.rankings]
    made = [line for ranking in board.rankings for line in lines_of(board, ranking)]
    write_between(PAGE, BEGIN, END, ["", *answers, *made])


if __name__ == "__main__":
    main()
