"""Show the progress and the results of a run in a notebook."""

from __future__ import annotations

import base64
import html
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from benchsuite.errors import OptionError, printable
from benchsuite.execution import Progress
from benchsuite.results import Summary
from benchsuite.system import progress

#: Seconds between two updates of a bar in a notebook.
_INTERVAL = 0.1

_WIDTH = 560


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return getattr(shell, "kernel", None) is not None


class NoProgress:
    """Shows nothing."""

    def begin(self, label: str, seeds: int, done: int) -> None:
        """Ignore the case."""

    def stage(self, stage: str) -> None:
        """Ignore the stage."""

    def advance(self, seeds: float) -> None:
        """Ignore trained seeds."""

    def update_rate(self, seeds: int, converged: int) -> None:
        """Ignore the rate."""


class NotebookBar:
    """A bar in the output of a notebook's cell, one for all cases of a run.

    Args:
        display: (html) → None, which replaces what is shown.
    """

    def __init__(self, display: Any) -> None:
        self._display = display
        self._label = self._stage = self._rate = self.place = ""
        self._total, self._done, self._shown = 1, 0.0, 0.0

    def begin(self, label: str, seeds: int, done: int) -> None:
        """Show a case."""
        self._label, self._total, self._done, self._rate = label, seeds, done, ""
        self._show()

    def stage(self, stage: str) -> None:
        """Show the stage that begins."""
        self._stage = stage
        self._show()

    def advance(self, seeds: float) -> None:
        """Add trained seeds; fractions for a part of the training of one."""
        self._done += seeds
        if time.monotonic() - self._shown > _INTERVAL:
            self._show()

    def update_rate(self, seeds: int, converged: int) -> None:
        """Show the success rate so far."""
        self._done, self._rate = seeds, f"{100 * converged / seeds:.1f} % converged"
        self._show()

    def _show(self) -> None:
        self._shown = time.monotonic()
        parts = (self._stage, f"{self._done:,.0f} of {self._total:,} seeds", self._rate)
        about = html.escape(printable(", ".join(filter(None, parts))))
        label = html.escape(printable(f"{self.place} {self._label}".strip()))
        bar = f'<progress value="{self._done:.0f}" max="{self._total}" aria-label="{label}"></progress>'
        self._display(f"<div><strong>{label}</strong> {bar} {about}</div>")


class Display:
    """Makes the progress display of each case, and reports failures.

    Args:
        shown: whether anything is shown.
        bar: of a notebook; None in a terminal.
    """

    def __init__(self, shown: bool, bar: NotebookBar | None) -> None:
        self._shown, self._bar = shown, bar

    def __call__(self, place: str) -> AbstractContextManager[Progress]:
        """Make the display of one case, from its position in the run such as "2/6"."""
        if not self._shown:
            return nullcontext(NoProgress())
        if self._bar is None:
            return progress.ProgressBar(sys.stderr, place=place)
        self._bar.place = place
        return nullcontext(self._bar)


@contextmanager
def open_progress(shown: bool | None) -> Iterator[Display]:
    """Show the progress of a run, and remove it at the end.

    Args:
        shown: whether to show it; None for a notebook or a terminal.
    """
    notebook = in_notebook()
    shown = notebook or sys.stderr.isatty() if shown is None else shown
    if not (shown and notebook):
        yield Display(shown, None)
        return
    from IPython.display import display

    handle = display(_content(""), raw=True, display_id=True)  # type: ignore[no-untyped-call, unused-ignore]
    try:
        yield Display(shown, NotebookBar(lambda text: handle.update(_content(text), raw=True)))
    finally:
        handle.update(_content(""), raw=True)


def _content(text: str) -> dict[str, str]:
    """HTML as the message of a notebook that has no other form of it."""
    return {"text/html": text, "text/plain": ""}


def results_text(summaries: Sequence[Summary]) -> str:
    """The rates of a run as a plain table."""
    from benchsuite.report.terminal import CASE, RESULT, render, table

    return render(table(summaries, (CASE, *RESULT[1:])), 120, False).rstrip()


def results_html(summaries: Sequence[Summary]) -> str:
    """The rates of a run as a table, and as a chart where the extra `report` is installed."""
    from benchsuite.report.terminal import CASE, RESULT

    columns, how = (CASE, *RESULT), "style='white-space: nowrap'"  # Jupyter would break names at hyphens
    head = "".join(f"<th>{html.escape(column.title)}</th>" for column in columns)
    body = "".join(
        f"<tr>{''.join(f'<td {how}>{_lines(column.text(row))}</td>' for column in columns)}</tr>" for row in summaries
    )
    table = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f"<table>{table}</table>{_rates_chart(summaries)}"


def _lines(text: str) -> str:
    return html.escape(text).replace("\n", "<br>")


def _rates_chart(summaries: Sequence[Summary]) -> str:
    from benchsuite.report import require_extra

    try:
        with require_extra("a chart"):
            from benchsuite.report.figures import rates_figure, render_png
    except OptionError:
        return ""
    figure = rates_figure(summaries)
    return png_image(render_png(figure, _WIDTH), figure.about)


def png_image(content: bytes, about: str) -> str:
    """An image of twice the resolution, as an element of a page.

    Args:
        content: of the PNG file.
        about: its description, for readers who do not see it.
    """
    source, about = base64.b64encode(content).decode(), html.escape(printable(about), quote=True)
    width = int.from_bytes(content[16:20], "big") // 2  # in the header of every PNG
    return f'<img src="data:image/png;base64,{source}" width="{width}" alt="{about}">'
