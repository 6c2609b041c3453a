"""Time programs in turns, each in a child process, so that noise affects all of them equally."""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class Work(NamedTuple):
    """A function to time, and the units (seeds or samples) that one call counts for."""

    call: Callable[[], Any]
    amount: float


@dataclass(frozen=True)
class Rival:
    """A program that is timed in a child process.

    Args:
        what: its name in the table.
        maker: "module:function", which gives the `Work`, ready to be timed; called in the rival's process.
        arguments: of the function.
        needs: packages without which it is left out.
        remark: what a reader has to know of how it is measured.
    """

    what: str
    maker: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    needs: Sequence[str] = ()
    remark: str = ""

    @property
    def installed(self) -> bool:
        """Whether its packages are installed."""
        return all(find_spec(package) for package in self.needs)


@dataclass
class Row:
    """One figure with its repetitions.

    Args:
        group: rows of one group have the same unit, and are set in proportion to one of them.
        what: was measured.
        unit: of the samples; less is better.
        samples: one for each repetition, none where the rival is not installed.
        ratio: the median over that of the group's reference, which has 1.
        remark: how it was measured, or the same in another unit.
    """

    group: str
    what: str
    unit: str
    samples: list[float]
    ratio: float | None = None
    remark: str = ""

    @property
    def median(self) -> float:
        """The median repetition."""
        return statistics.median(self.samples)

    @property
    def quartiles(self) -> tuple[float, float]:
        """The lower and the upper quartile of the repetitions."""
        if len(self.samples) == 1:
            return self.samples[0], self.samples[0]
        low, _, high = statistics.quantiles(self.samples, n=4, method="inclusive")
        return low, high

    def to_json(self) -> dict[str, Any]:
        """The row as plain JSON values, with every repetition."""
        figures = {"median": self.median, "quartiles": self.quartiles} if self.samples else {}
        return {**vars(self), **figures}


def say(text: str) -> None:
    """Print progress on the standard error."""
    print(text, file=sys.stderr, flush=True)


def seconds(call: Callable[[], Any]) -> float:
    """Time one call, in seconds."""
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def take_turns(calls: Mapping[str, Callable[[], T]], repetitions: int) -> dict[str, list[T]]:
    """Call functions in turns and return the results of each."""
    given: dict[str, list[T]] = {what: [] for what in calls}
    for number in range(repetitions):
        say(f"  repetition {number + 1} of {repetitions}")
        for what, call in calls.items():
            given[what].append(call())
    return given


def compare(group: str, rivals: Sequence[Rival], repetitions: int, unit: str, per_second: float) -> list[Row]:
    """Time programs for one unit of work; the first one is the reference.

    Args:
        group: what they do.
        rivals: who do it.
        repetitions: how often.
        unit: of the figures.
        per_second: how many of that unit are a second.
    """
    say(group)
    turns, preparing = {}, {}
    with ExitStack() as stack:
        for rival in (rival for rival in rivals if rival.installed):
            say(f"  preparing {rival.what}")
            process = stack.enter_context(own_process())
            preparing[rival.what] = process.submit(_prepare, rival.maker, rival.arguments)
            turns[rival.what] = lambda process=process: process.submit(_timed).result()
        amounts = {what: prepared.result() for what, prepared in preparing.items()}
        times = take_turns(turns, repetitions)
    rows = []
    for rival in rivals:
        samples = [per_second * taken / amounts[rival.what] for taken in times.get(rival.what, [])]
        rows.append(Row(group, rival.what, unit, samples, remark=rival.remark if samples else "not installed"))
    return in_proportion(rows, rows[0])


def in_proportion(rows: list[Row], reference: Row) -> list[Row]:
    """Return the rows with their ratios to the reference."""
    for row in rows:
        row.ratio = row.median / reference.median if row.samples else None
    return rows


def own_process() -> ProcessPoolExecutor:
    """Return a new child process, which shares no threads or settings with the others."""
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


_prepared: list[Work] = []


def _prepare(maker: str, arguments: Mapping[str, Any]) -> float:
    module, _, function = maker.partition(":")
    _prepared.append(getattr(import_module(module), function)(**arguments))
    return _prepared[-1].amount


def _timed() -> float:
    return seconds(_prepared[-1].call)
