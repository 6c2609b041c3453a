"""How far a run is, while it runs: a live bar in a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import time
from typing import Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from benchsuite.record import Plan, Record

#: Seconds between two plain lines, and before the first.
INTERVAL = 5.0


class Live:
    """One case's progress in a file such as the standard error; use it as a context, once for each case.

    Args:
        file: where to show it; a bar if it is a terminal, plain lines otherwise.
    """

    def __init__(self, file: TextIO) -> None:
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
        self._rate = ""
        self._stage = ""
        self._done = 0.0
        self._begin = self._said = time.monotonic()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def stage(self, plan: Plan, stage: str) -> None:
        """Show what begins."""
        self._stage = stage
        if not self._done:
            self._begin = time.monotonic()  # compiling says nothing of the time that training will take
        if self._task is None:
            self._task = self._progress.add_task(plan.label, total=plan.seeds, stage=stage, rate="")
        self._progress.update(self._task, stage=stage)

    def trained(self, plan: Plan, seeds: float) -> None:
        """Move on by so many seeds."""
        self._done += seeds
        if self._task is not None:
            self._progress.update(self._task, completed=round(self._done))
        self._say(plan)

    def judged(self, plan: Plan, record: Record) -> None:
        """Show the rate so far."""
        del plan
        self._done = record.seeds
        self._rate = f"{100 * record.rate:.1f} % converged"
        if self._task is not None:
            self._progress.update(self._task, completed=record.seeds, rate=self._rate)

    def _say(self, plan: Plan) -> None:
        now = time.monotonic()
        if self._console.is_terminal or now - self._said < INTERVAL:
            return
        self._said = now
        left = (now - self._begin) * (plan.seeds / self._done - 1)
        parts = (f"{self._done:,.0f} of {plan.seeds:,} seeds", self._rate, f"about {left:.0f} s left")
        self._console.print(f"{plan.label}: {self._stage}, {', '.join(filter(None, parts))}", soft_wrap=True)
