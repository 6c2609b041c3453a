"""How far a run is, while it runs: a live bar in a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import time
from typing import Any, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

#: Seconds between two plain lines, and before the first.
INTERVAL = 5.0


class ProgressBar:
    """One case's progress in a file such as the standard error; use it as a context, once for each case.

    Args:
        file: where to show it; a bar if it is a terminal, plain lines otherwise.
        unit: what is counted.
        place: the case's among all of the run, to be shown before its label.
    """

    def __init__(self, file: TextIO, unit: str = "seeds", place: str = "") -> None:
        self._unit, self._place = unit, place
        self._console = Console(file=file, highlight=False)
        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            TextColumn("{task.fields[stage]}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task: TaskID | None = None
        self._label = self._stage = self._rate = ""
        self._total, self._stored, self._done = 0, 0, 0.0
        self._begin = self._said = time.monotonic()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def begin(self, label: str, seeds: int, done: int) -> None:
        """Show a case."""
        label = f"{self._place} {label}".strip()
        self._label, self._total, self._stored, self._done = label, seeds, done, done
        self._task = self._progress.add_task(label, total=seeds, completed=done, stage="", rate="")

    def stage(self, stage: str) -> None:
        """Show what begins."""
        self._stage = stage
        if self._done == self._stored:
            self._begin = time.monotonic()  # compiling says nothing of the time that training will take
        self._update(stage=stage)

    def advance(self, seeds: float) -> None:
        """Move on by so many seeds."""
        self._done += seeds
        self._update(completed=round(self._done))
        self._say()

    def update_rate(self, seeds: int, converged: int) -> None:
        """Show the rate so far."""
        self._rate = f"{100 * converged / seeds:.1f} % converged"
        self._done = seeds
        self._update(completed=seeds, rate=self._rate)

    def _update(self, **fields: Any) -> None:
        if self._task is not None:
            self._progress.update(self._task, **fields)

    def _say(self) -> None:
        now = time.monotonic()
        if self._console.is_terminal or now - self._said < INTERVAL:
            return
        self._said = now
        left = (now - self._begin) * (self._total - self._done) / (self._done - self._stored)
        parts = (f"{self._done:,.0f} of {self._total:,} {self._unit}", self._rate, f"about {left:.0f} s left")
        self._console.print(f"{self._label}: {self._stage}, {', '.join(filter(None, parts))}", soft_wrap=True)
