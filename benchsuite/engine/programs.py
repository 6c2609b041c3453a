"""Compiled programs: vectorise the functions of one seed over many, compile them, and share them in this process."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from benchsuite.engine.problem import Problem
from benchsuite.system import cache, compat

#: Compiled trainings that are shared at most, and bytes of code that each may have: the least recently used go first.
SHARED, LARGEST_CODE = 16, 2**26

_PERIOD = jax.ShapeDtypeStruct((), jnp.int32)


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


_shared: OrderedDict[Hashable, Compiled] = OrderedDict()


def compile_programs(problem: Problem, lanes: int, devices: Sequence[Any], *, pinned: bool) -> Compiled:
    """Compile the training of a problem for a number of lanes on each device, unless this process has done so.

    Args:
        problem: the case to train.
        lanes: trainings side by side on each device; all values of a sweep are one lane.
        devices: the devices, each of which gets the same program.
        pinned: whether lanes are starts on the data of one seed, not seeds.

    Raises:
        CaseError: a function of the case fails on its data, or returns a wrong shape.
    """
    traced = problem.traced(pinned=pinned)
    key = _key(problem, traced, lanes, devices, pinned=pinned)
    if key in _shared:
        _shared.move_to_end(key)
        found = _shared[key]
        return Compiled(found.programs, 0.0, 0.0, "hit")
    compiled = _compile(lambda: _vectorise(problem, traced, lanes, pinned), devices)
    if sum(map(compat.code_bytes, compiled.programs[0])) <= LARGEST_CODE:
        _shared[key] = compiled
        while len(_shared) > SHARED:
            _shared.popitem(last=False)
    return compiled


def forget_programs() -> None:
    """Drop the compiled programs that are shared in this process."""
    _shared.clear()


def _key(problem: Problem, traced: Sequence[Any], lanes: int, devices: Sequence[Any], *, pinned: bool) -> Hashable:
    """All that decides which programs are compiled."""
    digest = compat.jaxpr_digest(traced, problem.precision) if pinned else problem.program
    trees = tuple((function.in_tree, function.out_tree) for function in traced)
    sweep = len(problem.case.sweep.values) if problem.case.sweep else None
    return digest, trees, problem.precision, lanes, sweep, pinned, tuple(devices)


def _compile(vectorise: Callable[[], Programs], devices: Sequence[Any]) -> Compiled:
    """Compile the same program for each device by itself: one for all of them together would be another program."""
    begin = time.perf_counter()
    traced = vectorise()
    lowered = [_lower(traced, device) for device in devices]
    compiling = time.perf_counter()
    with cache.lookups() as found, ThreadPoolExecutor(len(lowered)) as pool:
        programs = list(pool.map(_compile_for, lowered, devices))
    return Compiled(programs, compiling - begin, time.perf_counter() - compiling, found.verdict)


def _lower(traced: Programs, device: Any) -> Programs:
    with jax.default_device(device):
        return Programs(*(program.lower() for program in traced))


def _compile_for(lowered: Programs, device: Any) -> Programs:
    return Programs(*(compat.compile_lowered(program, device.platform) for program in lowered))


def _vectorise(problem: Problem, traced: Sequence[Any], lanes: int, pinned: bool) -> Programs:
    """Vectorise traced functions over lanes, and trace them again; the functions of the case are not called."""
    seeds, starts = _lanes(lanes, len(problem.parameter_names), pinned)
    sweep = problem.case.sweep
    settings = jax.ShapeDtypeStruct((len(sweep.values),), jnp.float32) if sweep else None
    one = _over_settings(traced) if sweep else Programs(*traced)
    seed_axis, start_axis = (None, 0) if pinned else (0, None)
    start = jax.jit(jax.vmap(one.start, in_axes=(seed_axis, None, start_axis, None)))
    advance = jax.jit(jax.vmap(one.advance, in_axes=(seed_axis, None, 0, None, None)), donate_argnums=2)
    diagnose = jax.jit(jax.vmap(one.diagnose, in_axes=(None, 0, None)))
    with jax.default_matmul_precision(problem.precision):
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
