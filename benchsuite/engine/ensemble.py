"""Many seeds in one program: a training compiled for chunks of seeds. The only user of vmap and of the clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchsuite.engine.loop import Evaluation, Training, parameter_names
from benchsuite.engine.problem import Problem
from benchsuite.errors import CaseError, DeviceError, wrap_errors
from benchsuite.results import Trace
from benchsuite.system import cache, machine

#: Is told the share of a training that was just done.
OnProgress = Callable[[float], None]

#: Lanes side by side on one device at most: more are no faster on a core, and a killed run would lose more of them.
LANES_PER_CORE, LANES_PER_ACCELERATOR = 256, 16384

#: The share of the free memory that a program may be predicted to take.
MEMORY_SHARE = 0.9


class OutOfMemoryError(DeviceError):
    """A program needs more memory than its device has."""

    def __init__(self, chunk_size: int) -> None:
        self.chunk_size = chunk_size
        super().__init__(
            f"training {chunk_size} starts side by side needs more memory than there is",
            "free memory on the device, or give the case a smaller model or batch",
        )


#: Lanes of a program come in multiples of so many where models are small. With one alone, XLA drops its axis and makes
#: other loops of it; and what does not fill the processor's vectors is computed by instructions that round otherwise.
LANES = 8

#: What XLA's compiler for CPUs must leave alone for a seed to end the same to the last bit beside any number of others:
#: handing sums over to YNNPACK where they are large, and cutting loops into tasks where they are long. Both change the
#: order in which numbers are added up.
CPU_OPTIONS = {"xla_cpu_experimental_ynn_fusion_type": "", "xla_disable_hlo_passes": "cpu-parallel-task-assigner"}


class _Programs(NamedTuple):
    """A training as it is compiled for one device; see `Training`."""

    start: Any
    advance: Any
    diagnose: Any

    @classmethod
    def compiled(cls, lowered: Sequence[Any], device: Any) -> _Programs:
        return cls(*(_compiled(program, CPU_OPTIONS if device.platform == "cpu" else None) for program in lowered))


class Ensemble:
    """The training of a problem, compiled ahead of time for chunks of lanes side by side on the local devices.

    A lane is a seed, with all values of the option that its case sweeps over, which share its batches; or, where starts
    are pinned, one of many starts that all see the data of the same seed, so that these are drawn once for all of them.

    Args:
        problem: what to train; its data are copied to every device.
        chunk_size: lanes side by side, spread evenly over the devices; rounded up to fill each, see `LANES`.
        devices: where to train; a chunk too small for all of them uses the first ones.
        precision: of matrix products, as `jax.default_matmul_precision` takes it.
        pinned: whether the lanes are starts.

    Attributes:
        trace_seconds: time that JAX took to trace and lower the programs.
        compile_seconds: time that XLA took to compile them, or to read them from the cache.
        compile_cache: whether they were there, as `cache.Lookups.verdict` says it.

    Raises:
        CaseError: a function of the case fails on its data, or gives a wrong shape.
    """

    def __init__(
        self, problem: Problem, chunk_size: int, devices: Sequence[Any], precision: str, *, pinned: bool = False
    ) -> None:
        self._step = _lanes_step(problem)
        self.devices, self._pinned = list(devices[: max(1, chunk_size // self._step)]), pinned
        step = self._step * len(self.devices)
        self.chunk_size = -(-chunk_size // step) * step
        self._case = problem.case
        with self._errors_named():
            self._prepare(problem, precision)

    def _prepare(self, problem: Problem, precision: str) -> None:
        self._data = [jax.device_put(problem.data, device) for device in self.devices]
        self._training = problem.training
        self._sweep = problem.case.sweep
        self._settings = np.array(self._sweep.values, np.float32) if self._sweep else None
        with jax.default_matmul_precision(precision):
            self._compile(problem)

    @classmethod
    def fitting(
        cls, problem: Problem, chunk_size: int, devices: Sequence[Any], precision: str, *, pinned: bool = False
    ) -> Ensemble:
        """An ensemble for chunks of `chunk_size` lanes, or for half as many until it fits into the devices' memory.

        Raises:
            OutOfMemoryError: not even one lane fits.
        """
        while True:
            try:
                ensemble = cls(problem, chunk_size, devices, precision, pinned=pinned)
                if ensemble.predicted_bytes <= MEMORY_SHARE * machine.available_memory(devices[0]):
                    return ensemble
                del ensemble  # its data must not take the room of those of the next
            except OutOfMemoryError:
                pass
            if chunk_size <= _lanes_step(problem):
                raise OutOfMemoryError(chunk_size)
            chunk_size //= 2

    def _compile(self, problem: Problem) -> None:
        """Compile the same program for each device by itself: one for all of them together would be another program."""
        begin = time.perf_counter()
        traced = self._traced(problem)
        lowered = [_lowered(traced, device) for device in self.devices]
        compiling = time.perf_counter()
        with cache.lookups() as found, ThreadPoolExecutor(len(lowered)) as pool:
            self._programs = list(pool.map(_Programs.compiled, lowered, self.devices))
        self.compile_cache = found.verdict
        self.trace_seconds, self.compile_seconds = compiling - begin, time.perf_counter() - compiling

    def _traced(self, problem: Problem) -> _Programs:
        seeds, pinned = self._lanes(len(parameter_names(problem.case)))
        seed_axis, start_axis = (None, 0) if self._pinned else (0, None)
        training = self._training if self._sweep is None else _side_by_side(self._training)
        start = jax.jit(jax.vmap(training.start, in_axes=(seed_axis, None, start_axis, None)))
        advance = jax.jit(jax.vmap(training.advance, in_axes=(seed_axis, None, 0, None, None)), donate_argnums=2)
        diagnose = jax.jit(jax.vmap(training.diagnose, in_axes=(None, 0, None)))
        started = start.trace(seeds, self._settings, pinned, problem.data)
        state, _ = started.out_info
        period = jax.ShapeDtypeStruct((), jnp.int32)
        return _Programs(
            started,
            advance.trace(seeds, self._settings, state, period, problem.data),
            diagnose.trace(self._settings, state, problem.data),
        )

    def _lanes(self, parameters: int) -> tuple[Any, Any]:
        """The (seeds, pinned) of one device."""
        lanes = self.chunk_size // len(self.devices)
        if self._pinned:
            return jax.ShapeDtypeStruct((), jnp.uint32), jax.ShapeDtypeStruct((lanes, parameters), jnp.float32)
        return jax.ShapeDtypeStruct((lanes,), jnp.uint32), None

    @property
    def smaller_chunk(self) -> int:
        """The chunk size to try when this one has turned out too large.

        Raises:
            OutOfMemoryError: there is no smaller one.
        """
        if self.chunk_size <= self._step:
            raise OutOfMemoryError(self.chunk_size)
        return self.chunk_size // 2

    @property
    def predicted_bytes(self) -> int:
        """The memory that a chunk takes on each device, the data included, as the compiler predicts it."""
        return max(_peak_bytes(program.memory_analysis()) for program in self._programs[0])

    def train(self, seeds: np.ndarray, on_progress: OnProgress = lambda _: None) -> tuple[Trace, float]:
        """Train seeds from start to end, chunk by chunk; lanes that are left over repeat the last seed.

        Args:
            seeds: (n,) the seeds.
            on_progress: called with the share of the training that was just done.

        Returns:
            The trace, and the seconds that the devices took with every result waited for.

        Raises:
            OutOfMemoryError: a device has too little memory.
        """
        lanes, of = np.asarray(seeds, np.uint32), np.asarray(seeds, np.int64)
        return self._train(lanes, of, lambda lanes: (lanes, None), on_progress)

    def train_from(
        self, starts: np.ndarray, seed: int, on_progress: OnProgress = lambda _: None
    ) -> tuple[Trace, float]:
        """Train pinned starts, all on the data of one seed; otherwise as `train`.

        Args:
            starts: (n, p) parameters in the order of `parameter_names`.
            seed: whose data they see; also the seed of every row of the trace.
            on_progress: called with the share of the training that was just done.
        """
        lanes, of = np.asarray(starts, np.float32), np.full(len(starts), seed, np.int64)
        return self._train(lanes, of, lambda lanes: (np.uint32(seed), lanes), on_progress)

    def evaluate(self, starts: np.ndarray) -> Evaluation:
        """Evaluate at most `chunk_size` pinned starts without training them.

        Args:
            starts: (n, p) parameters in the order of `parameter_names`.

        Returns:
            Arrays with the n starts along their first axis.
        """
        with self._errors_named():
            lanes = self._spread(np.asarray(starts, np.float32))
            evaluations = [
                programs.start(np.uint32(0), self._settings, pinned, data)[1]
                for programs, pinned, data in zip(self._programs, lanes, self._data, strict=True)
            ]
            evaluation = _joined(jax.device_get(evaluations))
        return jax.tree.map(lambda values: values[: len(starts)], evaluation)

    def _spread(self, lanes: np.ndarray) -> list[jax.Array]:
        """Lanes, repeated at the end to fill the chunk, on the devices that train them."""
        missing = self.chunk_size - len(lanes)
        padded = np.pad(lanes, [(0, missing), *[(0, 0)] * (lanes.ndim - 1)], mode="edge")
        parts = np.split(padded, len(self.devices))
        return [jax.device_put(part, device) for part, device in zip(parts, self.devices, strict=True)]

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        """Tells a lack of memory from what a case does wrong where it is compiled or as it runs.

        Raises:
            OutOfMemoryError: there is too little.
            CaseError: all else.
        """
        whose, hint = f"case {self._case.id}: its training", "look for callbacks, or shapes that are known too late"
        with wrap_errors(lambda raised: CaseError(f"{whose} failed as it ran: {raised}", hint)):
            try:
                yield
            except jax.errors.JaxRuntimeError as error:
                if "RESOURCE_EXHAUSTED" not in str(error):
                    raise
                raise OutOfMemoryError(self.chunk_size) from error

    def _train(
        self, lanes: np.ndarray, of: np.ndarray, arguments: Callable[[Any], tuple[Any, Any]], on_progress: OnProgress
    ) -> tuple[Trace, float]:
        """Train all lanes, of the seeds `of`; `arguments` makes (seeds, pinned) of a chunk of them."""
        traces, total = [], 0.0
        for first in range(0, len(of), self.chunk_size):
            chunk = slice(first, first + self.chunk_size)
            on_devices = [arguments(part) for part in self._spread(lanes[chunk])]
            share = scale_progress(on_progress, len(of[chunk]) / len(of))
            with self._errors_named():
                evaluations, diagnostics, seconds = self._run(on_devices, share)
            traces.append(self._trace(of[chunk], evaluations, diagnostics))
            total += seconds
        return Trace.join(traces), total

    def _trace(self, of: np.ndarray, evaluations: list[Evaluation], diagnostics: Any) -> Trace:
        values = self._sweep.values if self._sweep else [None]
        lane_axes = 1 if self._sweep is None else 2

        def rows(lanes: np.ndarray) -> np.ndarray:
            """One row for each seed and value."""
            kept = lanes[: len(of)]
            return kept.reshape(len(of) * len(values), *kept.shape[lane_axes:]).copy()

        columns = jax.tree.map(lambda *leaves: np.stack([rows(leaf) for leaf in leaves], axis=1), *evaluations)
        return Trace(
            seeds=np.repeat(of, len(values)),
            steps=np.array(self._training.steps),
            diagnostics={name: rows(lanes) for name, lanes in diagnostics.items()},
            settings={self._sweep.option: np.tile(self._sweep.values, len(of))} if self._sweep else {},
            **columns._asdict(),
        )

    def _run(
        self, on_devices: Sequence[tuple[Any, Any]], on_progress: OnProgress
    ) -> tuple[list[Evaluation], Any, float]:
        """Train one chunk, given as the (seeds, pinned) of each device."""
        devices = list(zip(self._programs, on_devices, self._data, strict=True))
        begin = time.perf_counter()
        now = jax.block_until_ready(
            [p.start(seeds, self._settings, pinned, data) for p, (seeds, pinned), data in devices]
        )
        seconds = time.perf_counter() - begin
        evaluations = [[evaluation for _, evaluation in now]]
        periods = len(self._training.steps) - 1
        for period in range(periods):
            begin = time.perf_counter()
            now = jax.block_until_ready(
                [
                    p.advance(seeds, self._settings, state, np.int32(period), data)
                    for (p, (seeds, _), data), (state, _) in zip(devices, now, strict=True)
                ]
            )
            seconds += time.perf_counter() - begin
            evaluations.append([evaluation for _, evaluation in now])
            on_progress(1 / periods)
        diagnostics = [
            p.diagnose(self._settings, state, data) for (p, _, data), (state, _) in zip(devices, now, strict=True)
        ]
        return [_joined(e) for e in jax.device_get(evaluations)], _joined(jax.device_get(diagnostics)), seconds


def _joined(parts: Sequence[Any]) -> Any:
    """Trees of what each device gave, with the lanes of all of them along the first axis."""
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


def _lowered(programs: Sequence[Any], device: Any) -> list[Any]:
    with jax.default_device(device):
        return [program.lower() for program in programs]


def _compiled(lowered: Any, options: dict[str, str] | None) -> Any:
    try:
        return lowered.compile(options)
    except jax.errors.JaxRuntimeError as error:
        if "No such compile option" not in str(error):
            raise
        return lowered.compile()  # another XLA than these options were made for


def _side_by_side(training: Training) -> Training:
    """The training of one seed at many settings, which share what does not depend on them, such as its batches."""
    return replace(
        training,
        start=jax.vmap(training.start, in_axes=(None, 0, None, None)),
        advance=jax.vmap(training.advance, in_axes=(None, 0, 0, None, None)),
        diagnose=jax.vmap(training.diagnose, in_axes=(0, 0, None)),
    )


def _lanes_step(problem: Problem) -> int:
    return LANES if parameter_names(problem.case) else 1


def scale_progress(on_progress: OnProgress, factor: float) -> OnProgress:
    """Tells `on_progress` of a share of something in units of which it makes up `factor`."""
    return lambda share: on_progress(share * factor)


def max_chunk_size(devices: Sequence[Any], trainings: int = 1) -> int:
    """The chunk size beyond which nothing is gained on these devices, where a lane is so many trainings."""
    lanes = LANES_PER_CORE if devices[0].platform == "cpu" else LANES_PER_ACCELERATOR
    return len(devices) * max(1, lanes // trainings)


def _peak_bytes(analysis: Any) -> int:
    if analysis is None:  # not every backend predicts
        return 0
    sizes = analysis.argument_size_in_bytes + analysis.output_size_in_bytes + analysis.temp_size_in_bytes
    return int(sizes - analysis.alias_size_in_bytes)
