"""The compiled programs of a problem: blocks of a fixed number of lanes, each for one device."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from benchsuite.engine.problem import Problem
from benchsuite.system import cache, compat

#: Compiled trainings that are shared at most, and bytes of code that each may have: the least recently used go first.
SHARED, LARGEST_CODE = 32, 2**26

#: Lanes of a block on a CPU by the operations of one optimiser step, in ascending order: a step of a small model is
#: mostly overhead, a large model fills a core by itself. Other numbers than multiples of 16 leave vectors of the
#: processor partly filled, whose lanes are rounded differently.
CPU_LANES = ((1e5, 128), (1e6, 64), (5e7, 16))

_SMALLEST = 16

#: Lanes of a block on an accelerator, unless its memory is too small.
ACCELERATOR_LANES = 16384

_PERIOD = jax.ShapeDtypeStruct((), jnp.int32)


def lanes_per_block(problem: Problem, platform: str) -> int:
    """Choose how many lanes a block has: by the case and the kind of device, whatever the number of seeds.

    A lane is a seed with all its restarts and all values of a sweep.

    Raises:
        CaseError: a function of the case fails on its data, or returns a wrong shape.
    """
    if platform != "cpu":
        return max(1, ACCELERATOR_LANES // _trainings(problem))
    steps = problem.training.steps[1]
    operations = compat.count_operations(problem.training.traced[1]) / steps
    lanes = next((lanes for most, lanes in CPU_LANES if operations <= most), 1)
    return max(min(lanes, _SMALLEST), lanes // _trainings(problem) // _SMALLEST * _SMALLEST)


def _trainings(problem: Problem) -> int:
    """The number of trainings in a lane."""
    case = problem.case
    return case.restarts * (len(case.sweep.settings) if case.sweep else 1)


class Programs(NamedTuple):
    """The functions of a training for one device, traced, lowered or compiled; see `Training` for their arguments."""

    start: Any
    advance: Any
    diagnose: Any


@dataclass(frozen=True)
class Compiled:
    """A training compiled for each of several devices.

    Args:
        programs: one for each device.
        trace_seconds: time that JAX took to vectorise and lower it.
        compile_seconds: time that XLA took to compile it, or to read it from the compilation cache.
        verdict: "hit" where all programs were compiled before, "miss" where not, "off" without a compilation cache.
    """

    programs: Sequence[Programs]
    trace_seconds: float
    compile_seconds: float
    verdict: str

    @property
    def peak_bytes(self) -> int:
        """The memory that the programs take on each device, data included, as XLA predicts it."""
        return max(map(compat.peak_bytes, self.programs[0]))


_shared: OrderedDict[Hashable, Programs] = OrderedDict()


def compile_programs(problem: Problem, lanes: int, devices: Sequence[Any], *, pinned: bool) -> Compiled:
    """Compile the training of a problem for a block on each device, unless this process has done so.

    Args:
        problem: the case to train.
        lanes: trainings side by side in a block; all values of a sweep are one lane.
        devices: the devices, each of which gets the same program.
        pinned: whether lanes are starts on the data of one seed, not seeds.

    Raises:
        CaseError: a function of the case fails on its data, or returns a wrong shape.
    """
    traced = problem.traced(pinned=pinned)
    key = _key(problem, traced, lanes, pinned=pinned)
    missing = [device for device in devices if (key, device) not in _shared]
    seconds, verdict, programs = 0.0, "hit", {}
    begin = time.perf_counter()
    if missing:
        lowered = _lowered(_vectorise(problem, traced, lanes, pinned), missing)
        seconds = time.perf_counter() - begin
        with cache.lookups() as found, ThreadPoolExecutor(len(missing)) as pool:
            compiled = pool.map(partial(_compile, problem.case.dtype), lowered)
            programs = dict(zip(missing, compiled, strict=True))
        verdict = found.verdict
    compiling = time.perf_counter() - begin - seconds if missing else 0.0
    programs |= {device: _shared[key, device] for device in devices if device not in programs}
    for device, program in programs.items():
        _share((key, device), program)
    return Compiled([programs[device] for device in devices], seconds, compiling, verdict)


def _share(key: Hashable, programs: Programs) -> None:
    if sum(map(compat.code_bytes, programs)) > LARGEST_CODE:
        return
    _shared[key] = programs
    _shared.move_to_end(key)
    while len(_shared) > SHARED:
        _shared.popitem(last=False)


def forget_programs() -> None:
    """Drop the compiled programs that are shared in this process."""
    _shared.clear()


def _key(problem: Problem, traced: Sequence[Any], lanes: int, *, pinned: bool) -> Hashable:
    """All that decides which programs are compiled, but the device."""
    digest = compat.jaxpr_digest(traced, problem.precision) if pinned else problem.program
    trees = tuple((function.in_tree, function.out_tree) for function in traced)
    sweep = len(problem.case.sweep.settings) if problem.case.sweep else None
    return digest, trees, problem.precision, lanes, sweep, pinned


def _lowered(traced: Programs, devices: Sequence[Any]) -> list[Programs]:
    """Lower the same programs for each device by itself: one for all of them together would be another program."""
    lowered = []
    for device in devices:
        with jax.default_device(device):
            lowered.append(Programs(*(program.lower() for program in traced)))
    return lowered


def _compile(dtype: str, lowered: Programs) -> Programs:
    with compat.wide_numbers(dtype):  # a thread has settings of its own
        return Programs(*(program.compile() for program in lowered))


def _vectorise(problem: Problem, traced: Sequence[Any], lanes: int, pinned: bool) -> Programs:
    """Vectorise traced functions over lanes, and trace them again; the functions of the case are not called."""
    seeds, starts = _lanes(lanes, len(problem.parameter_names), pinned)
    sweep = problem.case.sweep
    shape = jax.ShapeDtypeStruct((len(sweep.settings),), jnp.float32) if sweep else None
    settings = dict.fromkeys(sweep.values, shape) if sweep else None
    one = _over_settings(traced) if sweep else Programs(*traced)
    seed_axis, start_axis = (None, 0) if pinned else (0, None)
    start = jax.jit(jax.vmap(one.start, in_axes=(seed_axis, None, start_axis, None)))
    advance = jax.jit(jax.vmap(one.advance, in_axes=(seed_axis, None, 0, None, None)), donate_argnums=2)
    diagnose = jax.jit(jax.vmap(one.diagnose, in_axes=(None, 0, None)))
    with problem.numerics():
        started = start.trace(seeds, settings, starts, problem.data)
        state, _ = started.out_info
        return Programs(
            started,
            advance.trace(seeds, settings, state, _PERIOD, problem.data),
            diagnose.trace(settings, state, problem.data),
        )


def _lanes(lanes: int, parameters: int, pinned: bool) -> tuple[Any, Any]:
    """The shapes of the seeds and of the pinned starts of one device."""
    if pinned:
        return jax.ShapeDtypeStruct((), jnp.uint32), jax.ShapeDtypeStruct((lanes, parameters), jnp.float32)
    return jax.ShapeDtypeStruct((lanes,), jnp.uint32), None


def _over_settings(traced: Sequence[Any]) -> Programs:
    """Vectorise functions over the settings of a sweep, which share what does not depend on them, such as batches."""
    start, advance, diagnose = traced
    return Programs(
        jax.vmap(start, in_axes=(None, 0, None, None)),
        jax.vmap(advance, in_axes=(None, 0, 0, None, None)),
        jax.vmap(diagnose, in_axes=(0, 0, None)),
    )
