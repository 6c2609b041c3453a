"""A case under test, and what its checks share: a short training on little data, made when it is first needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from benchsuite.case import Case
from benchsuite.errors import BenchsuiteError
from benchsuite.results import Plan, Trace
from benchsuite.settings import TrainingSettings
from benchsuite.system import machine

if TYPE_CHECKING:
    from benchsuite.engine import Ensemble, Problem

#: Seeds that are trained, and of a large model.
_SEEDS, _SEEDS_OF_LARGE = 16, 2

#: Optimiser steps between the evaluations of a short training, at most, and batches of a table that is cut short.
_STEPS, _BATCHES = 20, 3


class NotCheckedError(BenchsuiteError):
    """A promise cannot be checked; the message says why."""


@dataclass(frozen=True)
class Kit:
    """A case under test, with the trainings that its checks need.

    Args:
        case: the case to test.
        settings: options of the training, such as the data folder.
        elsewhere: returns the plan that another process makes of the case; None where there is no such process.
    """

    case: Case
    settings: TrainingSettings
    elsewhere: Callable[[Kit], Plan | None] = lambda _: None

    @cached_property
    def plan(self) -> Plan:
        """The plan of the whole case."""
        from benchsuite.engine import make_plan

        return make_plan(self.whole, self.settings, self.device)

    @cached_property
    def plan_elsewhere(self) -> Plan | None:
        """The plan that another process makes of the case, where it is known."""
        return self.elsewhere(self)

    @cached_property
    def whole(self) -> Problem:
        """The case as supplied, with all of its data."""
        from benchsuite.engine import Problem

        return Problem.load(self.case, self.settings)

    @cached_property
    def short(self) -> Case:
        """The case with two evaluations, on a few batches of a table and a short one, evaluated on all rows."""
        from benchsuite.engine import source_of

        return source_of(self.case.dataset).shortened(self.case, self.whole.data, _STEPS, _BATCHES, _SEEDS)

    @cached_property
    def problem(self) -> Problem:
        """The short training."""
        from benchsuite.engine import Problem

        return Problem.load(self.short, self.settings)

    @cached_property
    def device(self) -> list[Any]:
        """The one device that is used."""
        return list(machine.devices(self.settings.platform)[:1])

    @cached_property
    def is_large(self) -> bool:
        """Whether the model has too many parameters for each to have a name."""
        return not self.whole.parameter_names

    @cached_property
    def seeds(self) -> np.ndarray:
        """The seeds that are trained: 16, or 2 of a large model."""
        return np.arange(_SEEDS_OF_LARGE if self.is_large else _SEEDS)

    @cached_property
    def ensemble(self) -> Ensemble:
        """The compiled short training."""
        return self._ensemble(self.problem)

    def trace(self, case: Case) -> Trace:
        """Train a changed case for the short time."""
        from benchsuite.engine import Problem

        return self._ensemble(Problem.load(case, self.settings)).train(self.seeds)[0]

    def _ensemble(self, problem: Problem) -> Ensemble:
        from benchsuite.engine import Ensemble

        return Ensemble.fitting(problem, self.device)

    @property
    def untrained(self) -> Case:
        """The short case with an optimiser that changes no parameter."""
        import optax

        if self.case.players:
            frozen = [replace(player, optimizer=optax.set_to_zero()) for player in self.short.players]
            return replace(self.short, players=frozen)
        return replace(self.short, optimizer=optax.set_to_zero())

    @property
    def dtype(self) -> str:
        """The type of numbers that the case is trained in."""
        return self.settings.dtype or self.case.dtype
