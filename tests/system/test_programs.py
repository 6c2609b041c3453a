"""Programs that this process has compiled are used again, and only where they are the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import optax
import pytest
from flax import nnx
from test_programs import _nothing_compiled, ensemble
from toys import line

from benchsuite import Case, Schedule
from benchsuite.engine import Ensemble, Problem, programs
from benchsuite.settings import TrainingSettings
from benchsuite.system import machine


def test_other_lanes_and_pinned_starts_are_compiled() -> None:
    """The number of lanes, and whether they are starts, are part of a program."""
    ensemble(line())

    assert ensemble(line(), 16).trace_seconds > 0
    assert ensemble(line(), pinned=True).trace_seconds > 0


class Named(nnx.Module):
    """The line with other names for its parameters."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.inner = nnx.Linear(1, 1, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        return self.inner(x)


@pytest.mark.parametrize(
    "other",
    [
        line(optimizer=optax.sgd(0.2)),
        line(name="other-line"),
        line(schedule=Schedule(steps=60, evaluate_every=30)),
        line(model=Named),
    ],
    ids=["optimiser", "name", "schedule", "parameter names"],
)
def test_another_case_is_compiled(other: Case) -> None:
    """A case that differs in a number, its random numbers or its variables has programs of its own."""
    ensemble(line())

    assert ensemble(other).trace_seconds > 0


def test_case_is_traced_once() -> None:
    """Planning and compiling call the functions of a case as often as planning alone."""
    calls = []

    def loss(prediction: Any, target: Any) -> Any:
        calls.append(prediction)
        return ((prediction - target) ** 2).mean()

    problem = Problem.load(line(loss=loss), TrainingSettings())
    assert problem.program
    planned = len(calls)

    Ensemble.fitting(problem, machine.devices())

    assert len(calls) == planned


def test_few_programs_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program that was not used for longest goes first."""
    monkeypatch.setattr(programs, "SHARED", len(machine.devices()))
    ensemble(line())
    ensemble(line(), 16)

    assert ensemble(line(), 16).trace_seconds == 0
    assert ensemble(line()).trace_seconds > 0


def test_large_programs_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Code beyond a limit is freed with its ensemble."""
    monkeypatch.setattr(programs, "LARGEST_CODE", -1)
    ensemble(line())

    assert ensemble(line()).trace_seconds > 0


def test_precision_is_part_of_a_program_but_not_of_its_digest() -> None:
    """Runs at two precisions are of the same case, and are compiled apart."""
    problem = Problem.load(line(), TrainingSettings())
    other = replace(problem, precision="default")

    assert problem.program == other.program
    Ensemble.fitting(problem, machine.devices())
    assert Ensemble.fitting(other, machine.devices()).trace_seconds > 0
