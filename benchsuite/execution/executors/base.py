"""Where the rounds of a run are trained: in this process, or elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np

from benchsuite.case import Case
from benchsuite.engine import OnTrained, Trainer
from benchsuite.errors import OptionError
from benchsuite.plugins import PluginId
from benchsuite.results import Columns, Plan, RoundResult, SeedTable, Surface
from benchsuite.settings import DASK, Settings
from benchsuite.system import machine


class AnyTrainer(Protocol):
    """Trains rounds of a case, wherever that takes place; see `Trainer`."""

    @property
    def plan(self) -> Plan:
        """How it is run."""

    def compile(self) -> Plan:
        """Compile the program; gives the plan with what that told."""

    def train_starts(self) -> tuple[SeedTable, Columns]:
        """Train the named starts; gives their rows and learning curves."""

    def groups(self, start: Columns, seeds: int) -> dict[str, np.ndarray]:
        """Which of the case's groups so many seeds started in."""

    def surfaces(self, seen: Columns) -> list[Surface]:
        """The loss over the parameters, as far as there is a landscape, which takes in what was seen of them."""

    def train(self, rounds: Iterable[np.ndarray], on_trained: OnTrained) -> Iterator[RoundResult]:
        """Train rounds, each an array of seeds; gives each when it ends."""


class Executor(Protocol):
    """Trains cases."""

    def describe(self, settings: Settings) -> dict[str, Any]:
        """What is measured on, as `machine.describe` gives it."""

    def trainer(self, case: Case, settings: Settings) -> AnyTrainer:
        """Who trains a case."""


class LocalExecutor:
    """Trains in this process, on all local devices, one round after the other."""

    def describe(self, settings: Settings) -> dict[str, Any]:
        """What is measured on, as `machine.describe` gives it."""
        return machine.describe(machine.devices(settings.platform))

    def trainer(self, case: Case, settings: Settings) -> Trainer:
        """Who trains a case."""
        return Trainer(case, settings)


LOCAL_EXECUTOR = LocalExecutor()


@contextmanager
def open_executor(settings: Settings, left_out: Iterable[PluginId] = ()) -> Iterator[Executor]:
    """The executor that the settings ask for, for as long as it is needed.

    Args:
        settings: what the user decided.
        left_out: plugins that could not be loaded here, and are not to be tried again elsewhere.

    Raises:
        OptionError: what it needs is not installed.
        DeviceError: it cannot be reached.
    """
    if settings.time_limit:
        from benchsuite.execution.executors.subprocess import SubprocessExecutor

        isolated = SubprocessExecutor(left_out)
        try:
            yield isolated
        finally:
            isolated.stop()
        return
    if settings.executor != DASK:
        yield LOCAL_EXECUTOR
        return
    try:
        from benchsuite.execution.executors.dask import DaskExecutor
    except ModuleNotFoundError as error:
        raise OptionError(f"--executor {DASK} needs {error.name}", "pip install 'benchsuite[dask]'") from error
    with DaskExecutor.connect(settings, left_out) as cluster:
        yield cluster
