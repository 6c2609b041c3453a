"""The protocol of executors, and the trainer that forwards operations to another process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import numpy as np

from benchsuite.case import Case
from benchsuite.results import Columns, OnTrained, Plan, RoundResult, SeedTable, Surface
from benchsuite.settings import TrainingSettings

_P = ParamSpec("_P")
_T = TypeVar("_T")


class RoundTrainer(Protocol):
    """Trains rounds of one case, here or in another process; see `benchsuite.engine.Trainer`."""

    @property
    def plan(self) -> Plan:
        """How the case is trained."""

    def compile(self) -> Plan:
        """Compile the program; returns the plan with the measurements of the compilation."""

    def train_starts(self) -> tuple[SeedTable, Columns]:
        """Train the named starts; returns their rows and learning curves."""

    def groups(self, start: Columns, seeds: int) -> dict[str, np.ndarray]:
        """Assign seeds to the groups of the case: group -> (seeds,) whether it belongs."""

    def surfaces(self, seen: Columns) -> list[Surface]:
        """Evaluate the loss over the parameters, around the values `seen`; empty without a landscape."""

    def train(self, rounds: Iterable[np.ndarray], on_trained: OnTrained) -> Iterator[RoundResult]:
        """Train rounds, each an array of seeds, and yield each when it ends."""


class Executor(Protocol):
    """Provides trainers: in this process, a child process or Dask workers."""

    def describe(self, training: TrainingSettings) -> dict[str, Any]:
        """Describe the machine that trains, as `machine.describe` does."""

    def trainer(self, case: Case, training: TrainingSettings) -> RoundTrainer:
        """Create the trainer of a case."""


class Channel(Protocol):
    """Performs operations of a `RoundTrainer` in another process."""

    def call(self, operation: str, *arguments: Any) -> Any:
        """Perform one operation, see `Job.perform`, and return its result."""

    def train(self, rounds: Iterable[np.ndarray], on_trained: OnTrained) -> Iterator[RoundResult]:
        """Train rounds and yield each when it ends."""


class RemoteTrainer:
    """A `RoundTrainer` whose operations are performed through a channel.

    Args:
        channel: to the process that trains.

    Attributes:
        plan: how the case is trained.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.plan: Plan = channel.call("plan")

    def _call(
        self, operation: Callable[Concatenate[RoundTrainer, _P], _T], *arguments: _P.args, **named: _P.kwargs
    ) -> _T:
        result: _T = self._channel.call(operation.__name__, *arguments, *named.values())
        return result

    def compile(self) -> Plan:
        """Compile the program there; returns the plan with the measurements of the compilation."""
        self.plan = self._call(RoundTrainer.compile)
        return self.plan

    def train_starts(self) -> tuple[SeedTable, Columns]:
        """Train the named starts; returns their rows and learning curves."""
        return self._call(RoundTrainer.train_starts)

    def groups(self, start: Columns, seeds: int) -> dict[str, np.ndarray]:
        """Assign seeds to the groups of the case: group -> (seeds,) whether it belongs."""
        return self._call(RoundTrainer.groups, start, seeds)

    def surfaces(self, seen: Columns) -> list[Surface]:
        """Evaluate the loss over the parameters, around the values `seen`."""
        return self._call(RoundTrainer.surfaces, seen)

    def train(self, rounds: Iterable[np.ndarray], on_trained: OnTrained) -> Iterator[RoundResult]:
        """Train rounds, each an array of seeds, and yield each when it ends."""
        return self._channel.train(rounds, on_trained)
