"""Board page: a comparison of entries as one page without network access, and in Markdown; needs the extra `report`.

In: a board, computed from its rows.
Out: the files index.html, board.md and board.json.
"""

from benchsuite.report.board.markdown import render_board_markdown
from benchsuite.report.board.page import BOARD_SUMMARY, render_board, write_board

__all__ = ["BOARD_SUMMARY", "render_board", "render_board_markdown", "write_board"]
