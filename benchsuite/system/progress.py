"""Show the progress of training: a live bar in a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import time
from typing import Any, Self, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from benchsuite.errors import printable

#: Seconds between two plain lines, and before the first.
INTERVAL = 5.0

#: Widths of a terminal from which on the stage and the remaining time, the bar, and the rate are shown.
_FOR_STAGE, _FOR_BAR, _FOR_RATE = 70, 80, 100

#: Line breaks and tabs, which `printable` keeps, would break a line of progress.
_ONE_LINE = str.maketrans({"\n": r"\n", "\t": r"\t"})


class ProgressBar:
    """Shows the progress of one case in a file such as standard error; a context manager for one case.

    Labels and stages are shown literally, with control characters escaped.

    Args:
        file: a terminal, which gets a bar, or any other file, which gets plain lines.
        unit: of the counts.
        place: position of the case in the run, shown before its label.
    """

    def __init__(self, file: TextIO, unit: str = "seeds", place: str = "") -> None:
        self._unit, self._place = unit, place
        self._console = Console(file=file, highlight=False, markup=False, emoji=False)
        self._progress = Progress(
            *_columns(self._console.width),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task: TaskID | None = None
        self._label = self._stage = self._rate = ""
        self._total, self._stored, self._done = 0, 0, 0.0
        self._begin = self._printed = time.monotonic()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def begin(self, label: str, seeds: int, done: int) -> None:
        """Show a case."""
        self._label = _single_line(f"{self._place} {label}".strip())
        self._total, self._stored, self._done = seeds, done, done
        self._task = self._progress.add_task(self._label, total=seeds, completed=done, stage="", rate="")

    def stage(self, stage: str) -> None:
        """Show the stage that begins."""
        self._stage = _single_line(stage)
        if self._done == self._stored:
            self._begin = time.monotonic()  # the time to compile says nothing about the time to train
        self._update(stage=self._stage)

    def advance(self, seeds: float) -> None:
        """Add trained seeds; fractions for a part of the training of one."""
        self._done += seeds
        self._update(completed=round(self._done))
        self._print_line()

    def update_rate(self, seeds: int, converged: int) -> None:
        """Show the success rate so far."""
        self._rate = f"{100 * converged / seeds:.1f} % converged"
        self._done = seeds
        self._update(completed=seeds, rate=self._rate)

    def _update(self, **fields: Any) -> None:
        if self._task is not None:
            self._progress.update(self._task, **fields)

    def _print_line(self) -> None:
        now = time.monotonic()
        if self._console.is_terminal or now - self._printed < INTERVAL:
            return
        self._printed = now
        left = (now - self._begin) * (self._total - self._done) / (self._done - self._stored)
        parts = (f"{self._done:,.0f} of {self._total:,} {self._unit}", self._rate, f"about {left:.0f} s left")
        self._console.print(f"{self._label}: {self._stage}, {', '.join(filter(None, parts))}", soft_wrap=True)


def _columns(width: int) -> list[ProgressColumn]:
    """The columns that fit a terminal, so that none is cut."""
    name = TextColumn("{task.description}", style="bold", markup=False)
    stage, rate = (TextColumn(f"{{task.fields[{field}]}}", markup=False) for field in ("stage", "rate"))
    columns: list[tuple[ProgressColumn, int]] = [(name, 0), (stage, _FOR_STAGE), (BarColumn(bar_width=20), _FOR_BAR)]
    columns += [(MofNCompleteColumn(), 0), (rate, _FOR_RATE), (TimeRemainingColumn(), _FOR_STAGE)]
    return [column for column, least in columns if width >= least]


def _single_line(text: str) -> str:
    return printable(text).translate(_ONE_LINE)
