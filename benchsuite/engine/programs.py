"""The compiled programs of a problem: blocks of a fixed number of lanes, each for one device."""

from __future__ import annotations

import math
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
from benchsuite.system import cache, compat, executables, machine

#: Compiled trainings that are shared at most, and bytes of code that each may have: the least recently used go first.
SHARED, LARGEST_CODE = 32, 2**26

#: Lanes of a block on a CPU by the operations of one optimiser step, in ascending order: a step of the smallest models
#: takes at most twice as long with 512 lanes as with 128, a large model fills a core by itself. Other numbers than
#: multiples of 16 leave vectors of the processor partly filled, whose lanes are rounded differently.
CPU_LANES = ((64, 512), (1e5, 128), (1e6, 64), (5e7, 16))

_SMALLEST = 16

#: Lanes of a block on an accelerator at most, and operations of a step of a block that occupy it: from there on, an
#: H100 trains about a tenth more seeds a second in wider blocks, unless a step is many small operations.
ACCELERATOR_LANES, OCCUPYING = 16384, 2e8

#: The smaller of two numbers of lanes for which the memory is predicted.
_FEW = 64

#: The share of the memory of a device that a program may be predicted to take.
MEMORY_SHARE = 0.9

#: Operations of a period of a block, below which the host's time to call a program matters, and of a call at most.
SHORT_PERIOD, LONG_CALL = 1e7, 5e7

_PERIOD = jax.ShapeDtypeStruct((), jnp.int32)


def lanes_per_block(problem: Problem, device: Any) -> int:
    """Choose how many lanes a block has: by the case and the kind of device, whatever the number of seeds.

    A lane is a seed with all its restarts and all values of a sweep.

    Raises:
        CaseError: a function of the case fails on its data, or returns a wrong shape.
    """
    if device.platform != "cpu":
        return accelerator_lanes(problem, machine.available_memory(device))
    operations = _operations_of_step(problem)
    lanes = next((lanes for most, lanes in CPU_LANES if operations <= most), 1)
    return max(min(lanes, _SMALLEST), lanes // _trainings(problem) // _SMALLEST * _SMALLEST)


def _operations_of_step(problem: Problem) -> float:
    """Count the operations of one optimiser step of one training, evaluations included."""
    return compat.count_operations(problem.training.traced[1]) / problem.training.steps[1]


def accelerator_lanes(problem: Problem, memory: int) -> int:
    """Choose the lanes of a block on an accelerator, a power of two.

    They take the seeds that the case has by default, or more where these do not occupy the accelerator; fewer where its
    memory is too small.

    Args:
        problem: the case to train.
        memory: of the device, in bytes.
    """
    few, more = (_predicted_bytes(problem, lanes) for lanes in (_FEW, 2 * _FEW))
    lane = max(1, more - few) / _FEW
    fitting = int((MEMORY_SHARE * memory - few) / lane + _FEW)
    trainings = _trainings(problem)
    occupying = math.ceil(OCCUPYING / max(1.0, _operations_of_step(problem) * trainings))
    wanted = max(occupying, problem.case.schedule.seeds)
    most = max(1, min(ACCELERATOR_LANES // trainings, fitting))
    return int(min(2 ** (most.bit_length() - 1), 2 ** (wanted - 1).bit_length()))


def _predicted_bytes(problem: Problem, lanes: int) -> int:
    """Predict the memory that a block of so many lanes takes, without the compiler."""
    advance = _vectorise(problem, problem.traced(), Block(lanes, shared=False)).advance
    return compat.live_bytes(advance) + compat.argument_bytes(advance)


def periods_per_call(problem: Problem, lanes: int) -> int:
    """Choose how many periods of the schedule one call trains: a divisor of their number, 1 for all but tiny models.

    Raises:
        CaseError: a function of the case fails on its data, or returns a wrong shape.
    """
    operations = compat.count_operations(problem.training.traced[1]) * lanes * _trainings(problem)
    if operations > SHORT_PERIOD:
        return 1
    periods = len(problem.training.steps) - 1
    most = min(periods, int(LONG_CALL // max(1, operations)))
    return max(number for number in range(1, most + 1) if periods % number == 0)


def _trainings(problem: Problem) -> int:
    """The number of trainings in a lane."""
    case = problem.case
    return case.restarts * (len(case.sweep.settings) if case.sweep else 1)


class Block(NamedTuple):
    """What is trained side by side on a device.

    Args:
        lanes: the number of trainings.
        pinned: whether lanes are starts on the data of one seed, not seeds.
        shared: whether what does not depend on the seed is computed once for a block. In every lane it costs nothing on
            an accelerator, where operations on single numbers would be kernels of their own.
    """

    lanes: int
    pinned: bool = False
    shared: bool = True


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
    block = Block(lanes, pinned, shared=devices[0].platform == "cpu")
    key = _key(problem, traced, block)
    programs = {device: _shared[key, device] for device in devices if (key, device) in _shared}
    missing = [device for device in devices if device not in programs]
    if not missing:
        return Compiled([programs[device] for device in devices], 0.0, 0.0, "hit")
    begin = time.perf_counter()
    lowered = _lowered(_vectorise(problem, traced, block), missing)
    seconds = time.perf_counter() - begin
    with cache.lookups() as found, executables.shared_by_devices(), ThreadPoolExecutor(len(missing)) as pool:
        compile_ = partial(_compile, problem.case.dtype, compat.program_options(devices[0].platform))
        compiled = [compile_(lowered[0]), *pool.map(compile_, lowered[1:])]  # the first compiles, the others load
        programs |= zip(missing, compiled, strict=True)
    for device in devices:
        _share((key, device), programs[device])
    compiling = time.perf_counter() - begin - seconds
    return Compiled([programs[device] for device in devices], seconds, compiling, found.verdict)


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


def _key(problem: Problem, traced: Sequence[Any], block: Block) -> Hashable:
    """All that decides which programs are compiled, but the device."""
    digest = compat.jaxpr_digest(traced, problem.precision) if block.pinned else problem.program
    trees = tuple((function.in_tree, function.out_tree) for function in traced)
    sweep = len(problem.case.sweep.settings) if problem.case.sweep else None
    return digest, trees, problem.precision, block, periods_per_call(problem, block.lanes), sweep


def _lowered(traced: Programs, devices: Sequence[Any]) -> list[Programs]:
    """Lower the same programs for each device by itself: one for all of them together would be another program."""
    lowered = []
    for device in devices:
        with jax.default_device(device):
            lowered.append(Programs(*(program.lower() for program in traced)))
    return lowered


def _compile(dtype: str, options: dict[str, Any], lowered: Programs) -> Programs:
    """Compile the programs side by side."""

    def compiled(program: Any) -> Any:
        with compat.wide_numbers(dtype):  # a thread has settings of its own
            return program.compile(compiler_options=options)

    with ThreadPoolExecutor(len(lowered)) as pool:
        return Programs(*pool.map(compiled, lowered))


def lower_for(device: Any, problem: Problem, lanes: int) -> Programs:
    """Lower the training of a problem for a device that may be described only, such as one of another machine.

    Args:
        device: of JAX, or of a description in `jax.experimental.topologies`.
        problem: the case to train.
        lanes: trainings side by side in a block.
    """
    place = jax.sharding.SingleDeviceSharding(device)
    platforms = ("cuda",) if device.platform == "gpu" else (device.platform,)
    traced = _vectorise(problem, problem.traced(), Block(lanes, shared=device.platform == "cpu"), place)
    with problem.numerics():
        return Programs(*(program.lower(lowering_platforms=platforms) for program in traced))


def _vectorise(problem: Problem, traced: Sequence[Any], block: Block, place: Any = None) -> Programs:
    """Vectorise traced functions over lanes, and trace them again; the functions of the case are not called."""
    sweep = problem.case.sweep
    shape = jax.ShapeDtypeStruct((len(sweep.settings),), jnp.float32) if sweep else None
    settings = dict.fromkeys(sweep.values, shape) if sweep else None
    of_seed = Programs(*traced)
    of_seed = of_seed._replace(advance=_several(of_seed.advance, periods_per_call(problem, block.lanes)))
    one = _over_settings(of_seed) if sweep else of_seed
    seed_axis, start_axis = (None, 0) if block.pinned else (0, None)
    shapes = (*_lanes(block, len(problem.parameter_names)), settings, _PERIOD, problem.data)
    seeds, starts, settings, period, data = _placed(shapes, place)
    with problem.numerics():
        in_axes = (seed_axis, None, start_axis, None, None)
        axes = _state_axes(one, in_axes, (seeds, settings, starts, period, data)) if block.shared else 0
        start = jax.vmap(one.start, in_axes=(seed_axis, None, start_axis, None), out_axes=(axes, 0))
        advance = jax.vmap(one.advance, in_axes=(seed_axis, None, axes, None, None), out_axes=(axes, 0))
        diagnose = jax.vmap(one.diagnose, in_axes=(None, axes, None), axis_size=block.lanes)
        started = jax.jit(start).trace(seeds, settings, starts, data)
        state = _placed(started.out_info[0], place)
        return Programs(
            started,
            jax.jit(advance, donate_argnums=2).trace(seeds, settings, state, period, data),
            jax.jit(diagnose).trace(settings, state, data),
        )


def _state_axes(one: Programs, in_axes: Any, arguments: Any) -> Any:
    """Find the axis of the lanes in each part of the state: 0, or None for a part that all lanes share.

    Such a part does not depend on the seed, as an optimiser's count of its steps.

    Args:
        one: the functions of one lane.
        in_axes: of the lanes in `arguments`.
        arguments: (seeds, settings, starts, period, data) of a block.
    """
    varying: list[Any] = []

    @jax.custom_batching.custom_vmap
    def watched(states: Any) -> Any:
        return states

    @watched.def_vmap
    def _(_: int, batched: Any, states: Any) -> Any:
        varying.extend(batched[0])
        return states, batched[0]

    def states(seed: Any, setting: Any, start: Any, period: jax.Array, data: Any) -> Any:
        before, _ = one.start(seed, setting, start, data)
        after, _ = one.advance(seed, setting, before, period, data)
        return watched((before, after))

    jax.eval_shape(jax.vmap(states, in_axes=in_axes), *arguments)
    return jax.tree.map(lambda *varies: 0 if any(varies) else None, *varying) if varying else None


def _placed(tree: Any, place: Any) -> Any:
    """The shapes of arrays on a device, or the arrays themselves where no device is given."""
    if place is None:
        return tree
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place), tree)


def _lanes(block: Block, parameters: int) -> tuple[Any, Any]:
    """The shapes of the seeds and of the pinned starts of one device."""
    if block.pinned:
        return jax.ShapeDtypeStruct((), jnp.uint32), jax.ShapeDtypeStruct((block.lanes, parameters), jnp.float32)
    return jax.ShapeDtypeStruct((block.lanes,), jnp.uint32), None


def _several(advance: Any, periods: int) -> Any:
    """Make the function that trains several periods, whose evaluations have the periods along their first axis."""
    if periods == 1:
        return advance

    def advance_all(seed: Any, setting: Any, state: Any, first: jax.Array, data: Any) -> Any:
        numbers = first + jnp.arange(periods, dtype=jnp.int32)
        return jax.lax.scan(lambda state, period: advance(seed, setting, state, period, data), state, numbers)

    return advance_all


def _over_settings(of_seed: Programs) -> Programs:
    """Vectorise functions over the settings of a sweep, which share what does not depend on them, such as batches."""
    start, advance, diagnose = of_seed
    return Programs(
        jax.vmap(start, in_axes=(None, 0, None, None)),
        jax.vmap(advance, in_axes=(None, 0, 0, None, None)),
        jax.vmap(diagnose, in_axes=(0, 0, None)),
    )
