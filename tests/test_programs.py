"""Programs that this process has compiled are used again, and only where they are the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import optax
import pytest
from flax import nnx
from toys import line

from benchsuite import Case, Criterion, Schedule
from benchsuite.engine import Ensemble, Problem, Trainer, forget_programs
from benchsuite.engine.programs import ACCELERATOR_LANES, accelerator_lanes, compile_programs
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


def test_more_periods_in_a_call_are_another_program() -> None:
    """A tiny model trains as many periods in a call as its schedule has, which the traced functions do not show."""
    for steps in (60, 30):
        trace, _ = ensemble(line(schedule=Schedule(steps=steps, evaluate_every=10))).train(np.arange(2))

        assert trace.steps.tolist() == list(range(0, steps + 1, 10))
        assert trace.gradient_norm.shape == (2, len(trace.steps))


def test_lanes_share_what_does_not_depend_on_the_seed() -> None:
    """The count of Adam's steps is one number for a block; parameters and moments have the lanes along an axis."""
    problem, devices = Problem.load(line(optimizer=optax.adam(0.1)), TrainingSettings()), machine.devices()[:1]
    (program,) = compile_programs(problem, 32, devices, pinned=False).programs
    state = program.advance.args_info[0][2]

    shapes = [leaf.shape for leaf in jax.tree.leaves(state.optimizer)]
    assert shapes.count(()) == 1
    assert {shape[0] for shape in shapes if shape} == {32}
    assert {leaf.shape[0] for leaf in jax.tree.leaves(state.parameters)} == {32}


def test_a_start_that_is_the_same_for_all_seeds_is_trained_for_each() -> None:
    """Parameters that begin alike in all lanes differ after a step on other data."""
    same = line(model=lambda rngs: nnx.Linear(1, 1, kernel_init=nnx.initializers.zeros, rngs=rngs))
    trace, _ = ensemble(same).train(np.arange(3))

    assert len(np.unique(trace.parameters[:, 0, 0])) == 1
    assert len(np.unique(trace.parameters[:, 1, 0])) == 3


def test_training_without_chance_is_the_same_for_all_seeds() -> None:
    """Neither the start nor the data depend on the seed: all of the state is shared."""
    point = Case(
        name="bowl",
        summary="A point goes down a bowl.",
        source="https://example.org/bowl",
        model=lambda rngs: nnx.Linear(1, 1, use_bias=False, kernel_init=nnx.initializers.ones, rngs=rngs),
        dataset=None,
        objective=lambda model, _: (model.kernel[...] ** 2).sum(),
        optimizer=optax.sgd(0.1),
        schedule=Schedule(steps=20, evaluate_every=10, seeds=4),
        criterion=Criterion("loss", at_most=0.1),
    )
    trace, _ = ensemble(point).train(np.arange(3))

    np.testing.assert_allclose(trace.metrics["loss"], np.tile(0.8 ** (2 * np.array([0, 10, 20])), (3, 1)), rtol=1e-5)


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
