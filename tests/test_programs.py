"""Programs that this process has compiled are used again, and only where they are the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from toys import line

from benchsuite import Case, Schedule
from benchsuite.engine import Ensemble, Problem, Trainer, forget_programs
from benchsuite.engine.programs import ACCELERATOR_LANES, accelerator_lanes
from benchsuite.settings import TrainingSettings
from benchsuite.system import compat, machine


@pytest.fixture(autouse=True)
def _nothing_compiled() -> Iterator[None]:
    """Starts and ends every test without shared programs."""
    forget_programs()
    yield
    forget_programs()


def ensemble(case: Case, lanes: int | None = None, **options: Any) -> Ensemble:
    """The compiled training of a case."""
    return Ensemble.fitting(Problem.load(case, TrainingSettings()), machine.devices(), lanes, **options)


def test_the_same_case_is_compiled_once() -> None:
    """A second ensemble of the same case compiles nothing, and trains the same."""
    first = ensemble(line())
    with compat.count_events() as counts:
        second = ensemble(line())

    assert counts.compilations == 0
    assert second.compile_cache == "hit"
    assert (second.trace_seconds, second.compile_seconds) == (0, 0)
    seeds = np.arange(8)
    np.testing.assert_array_equal(first.train(seeds)[0].parameters, second.train(seeds)[0].parameters)


GIB = 2**30


def test_blocks_of_an_accelerator_fill_its_memory() -> None:
    """A block has as many lanes as the memory takes, a power of two, and no more than a device needs."""
    problem = Problem.load(line(), TrainingSettings())
    few, more, all_of_them = (accelerator_lanes(problem, memory) for memory in (2**20, 2**22, 64 * GIB))

    assert all_of_them == ACCELERATOR_LANES
    assert 1 <= few < more < ACCELERATOR_LANES
    assert {lanes.bit_count() for lanes in (few, more)} == {1}
    assert accelerator_lanes(problem, 1) == 1


def test_blocks_of_an_accelerator_occupy_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The more operations a step has, the fewer lanes occupy a device; the default seeds of the case have one each."""
    problem = Problem.load(line(schedule=Schedule(steps=20, evaluate_every=10, seeds=20)), TrainingSettings(seeds=5))
    lanes = []
    for operations in (1e3, 1e6, 1e8):
        monkeypatch.setattr(compat, "count_operations", lambda traced, n=operations: n * problem.training.steps[1])
        lanes.append(accelerator_lanes(problem, 64 * GIB))

    assert lanes == [ACCELERATOR_LANES, 256, 32]


def test_memory_of_an_accelerator_decides_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten seeds and a million have the same blocks, and the plan has the options of the compiler."""
    monkeypatch.setattr(machine, "describe", lambda used: {"device": "NVIDIA H100", "platform": used[0].platform})
    gpus = [Gpu(64 * GIB), Gpu(64 * GIB)]
    monkeypatch.setattr(machine, "devices", lambda kind: gpus)
    few, many = (Trainer(line(), TrainingSettings(seeds=seeds)).plan for seeds in (10, 1_000_000))

    assert few.chunk_size == many.chunk_size == ACCELERATOR_LANES
    assert (few.device_count, many.device_count) == (1, 2)
    assert few.compiler_options == many.compiler_options == compat.program_options("gpu")
    assert few.compiler_options["xla_gpu_autotune_level"] == 0
    assert "compiler_options" in few.definition


class Gpu:
    """A device with so much memory, all of which may be in use."""

    platform = "gpu"

    def __init__(self, memory: int) -> None:
        self._memory = memory

    def memory_stats(self) -> dict[str, int]:
        """What JAX's allocator reports."""
        return {"bytes_limit": self._memory, "bytes_in_use": self._memory}
