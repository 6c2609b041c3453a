"""Cases that are trained in a process of their own: whatever one of them does there, the others finish."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from benchsuite.case import Case
from benchsuite.engine import OnTrained
from benchsuite.execution.executors.job import Job
from benchsuite.plugins import PluginId
from benchsuite.results import Columns, Plan, RoundResult, SeedTable, Surface
from benchsuite.settings import Settings
from benchsuite.system import machine, process

_KEPT = "; finished rounds are kept, --resume goes on from them"


class SubprocessTrainer:
    """Trains rounds of a case in a process of its own; see `Trainer`."""

    def __init__(self, child: process.ChildProcess) -> None:
        self._child = child
        self.plan: Plan = child.ask("plan")

    def compile(self) -> Plan:
        """Compile the program; gives the plan with what that told."""
        self.plan = self._child.ask("compile")
        return self.plan

    def train_starts(self) -> tuple[SeedTable, Columns]:
        """Train the named starts; gives their rows and learning curves."""
        rows, curves = self._child.ask("train_starts")
        return rows, curves

    def groups(self, start: Columns, seeds: int) -> dict[str, np.ndarray]:
        """Which of the case's groups so many seeds started in."""
        found: dict[str, np.ndarray] = self._child.ask("groups", start, seeds)
        return found

    def surfaces(self, seen: Columns) -> list[Surface]:
        """The loss over the parameters, for a page."""
        surfaces: list[Surface] = self._child.ask("surfaces", seen)
        return surfaces

    def train(self, rounds: Iterable[np.ndarray], on_trained: OnTrained) -> Iterator[RoundResult]:
        """Train rounds, each an array of seeds, one after the other."""
        for seeds in rounds:
            yield self._child.ask("train_round", seeds, on_told=on_trained)


class SubprocessExecutor:
    """An executor that trains each case in a process of its own, on all local devices.

    Args:
        left_out: plugins that no such process is to load.
    """

    def __init__(self, left_out: Iterable[PluginId]) -> None:
        self._child: process.ChildProcess | None = None
        self._left_out = tuple(left_out)

    def _new(self, what: str, answering: process.MakeHandlers, limit: float = math.inf) -> process.ChildProcess:
        self.stop()
        self._child = process.ChildProcess(what, answering, limit, _KEPT)
        return self._child

    def describe(self, settings: Settings) -> dict[str, Any]:
        """What is measured on, as `machine.describe` gives it."""
        about: dict[str, Any] = self._new("looking at the machine", _looking).ask("describe", settings.platform)
        return about

    def trainer(self, case: Case, settings: Settings) -> SubprocessTrainer:
        """Who trains a case."""
        answering = partial(training, Job.of(case, settings, left_out=self._left_out))
        return SubprocessTrainer(self._new(f"case {case.id}", answering, settings.time_limit or math.inf))

    def stop(self) -> None:
        """End the process that there is."""
        if self._child:
            self._child.stop()
            self._child = None


def training(job: Job, tell: process.Notify) -> Mapping[str, Callable[..., Any]]:
    """The answers of a process that trains a case."""
    trainer = job.trainer()
    return {
        "plan": lambda: trainer.plan,
        "compile": trainer.compile,
        "train_starts": trainer.train_starts,
        "groups": trainer.groups,
        "surfaces": trainer.surfaces,
        "train_round": lambda seeds: next(trainer.train([seeds], tell)),
    }


def _looking(_: process.Notify) -> Mapping[str, Callable[..., Any]]:
    return {"describe": _describe}


def _describe(platform: str) -> dict[str, Any]:
    machine.configure(platform)
    return machine.describe(machine.devices(platform))
