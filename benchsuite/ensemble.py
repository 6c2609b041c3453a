"""Many seeds in one program: a training compiled for chunks of seeds. The only user of vmap and of the clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from benchsuite import cache, machine
from benchsuite.errors import DeviceError
from benchsuite.problem import Problem
from benchsuite.trace import Trace
from benchsuite.training import Evaluation, Training, parameter_names

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


class Ensemble:
    """The training of a problem, compiled ahead of time for chunks of lanes side by side on the local devices.

    A lane is a seed, with all values of the option that its case sweeps over, which share its batches; or, where starts
    are pinned, one of many starts that all see the data of the same seed, so that these are drawn once for all of them.

    Args:
        problem: what to train; its data are copied to every device.
        chunk_size: lanes side by side, spread evenly over the devices; rounded up to a multiple of them.
        devices: where to train; a chunk smaller than their number uses the first of them.
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
        self.devices, self._pinned = list(devices[:chunk_size]), pinned
        self.chunk_size = -(-chunk_size // len(self.devices)) * len(self.devices)
        with _memory_errors_named(self.chunk_size):
            self._prepare(problem, precision)

    def _prepare(self, problem: Problem, precision: str) -> None:
        mesh = Mesh(np.array(self.devices), ("seeds",), axis_types=(AxisType.Auto,))
        self._spread = NamedSharding(mesh, PartitionSpec("seeds"))
        self._everywhere = NamedSharding(mesh, PartitionSpec())
        self._data = jax.device_put(problem.data, self._everywhere)
        self._training = problem.training
        self._sweep = problem.case.sweep
        self._settings = np.array(self._sweep.values, np.float32) if self._sweep else None
        with jax.default_matmul_precision(precision):
            self._compile(len(parameter_names(problem.case)))

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
            chunk_size = half(chunk_size)

    def _compile(self, parameters: int) -> None:
        seeds, pinned = self._lanes(parameters)
        seed_axis, start_axis = (None, 0) if self._pinned else (0, None)
        training = self._training if self._sweep is None else _side_by_side(self._training)
        settings = self._settings
        spread, everywhere = self._spread, self._everywhere
        seeds_at, starts_at = (everywhere, spread) if self._pinned else (spread, everywhere)
        start = jax.jit(
            jax.vmap(training.start, in_axes=(seed_axis, None, start_axis, None)),
            in_shardings=(seeds_at, everywhere, starts_at, everywhere),
            out_shardings=spread,
        )
        advance = jax.jit(
            jax.vmap(training.advance, in_axes=(seed_axis, None, 0, None, None)),
            in_shardings=(seeds_at, everywhere, spread, everywhere, everywhere),
            out_shardings=spread,
            donate_argnums=2,
        )
        diagnose = jax.jit(
            jax.vmap(training.diagnose, in_axes=(None, 0, None)),
            in_shardings=(everywhere, spread, everywhere),
            out_shardings=spread,
        )
        begin = time.perf_counter()
        start_traced = start.trace(seeds, settings, pinned, self._data)
        state, _ = start_traced.out_info
        period = jax.ShapeDtypeStruct((), jnp.int32)
        lowered = (
            start_traced.lower(),
            advance.lower(seeds, settings, state, period, self._data),
            diagnose.lower(settings, state, self._data),
        )
        traced = time.perf_counter()
        with cache.lookups() as found:
            self._start, self._advance, self._diagnose = (program.compile() for program in lowered)
        self.compile_cache = found.verdict
        self.trace_seconds, self.compile_seconds = traced - begin, time.perf_counter() - traced

    def _lanes(self, parameters: int) -> tuple[Any, Any]:
        if self._pinned:
            pinned = jax.ShapeDtypeStruct((self.chunk_size, parameters), jnp.float32)
            return jax.ShapeDtypeStruct((), jnp.uint32), pinned
        return jax.ShapeDtypeStruct((self.chunk_size,), jnp.uint32), None

    @property
    def predicted_bytes(self) -> int:
        """The memory that a chunk takes on each device, the data included, as the compiler predicts it."""
        return max(_peak_bytes(program.memory_analysis()) for program in (self._start, self._advance, self._diagnose))

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
        with _memory_errors_named(self.chunk_size):
            pinned = self._padded(np.asarray(starts, np.float32))
            _, evaluation = self._start(np.uint32(0), self._settings, pinned, self._data)
            evaluation = jax.device_get(evaluation)
        return jax.tree.map(lambda values: values[: len(starts)], evaluation)

    def _padded(self, lanes: np.ndarray) -> jax.Array:
        missing = self.chunk_size - len(lanes)
        padded = np.pad(lanes, [(0, missing), *[(0, 0)] * (lanes.ndim - 1)], mode="edge")
        return jax.device_put(padded, self._spread)

    def _train(
        self, lanes: np.ndarray, of: np.ndarray, arguments: Callable[[Any], tuple[Any, Any]], on_progress: OnProgress
    ) -> tuple[Trace, float]:
        """Train all lanes, of the seeds `of`; `arguments` makes (seeds, pinned) of a chunk of them."""
        traces, total = [], 0.0
        for first in range(0, len(of), self.chunk_size):
            chunk = slice(first, first + self.chunk_size)
            seeds, pinned = arguments(self._padded(lanes[chunk]))
            share = scaled(on_progress, len(of[chunk]) / len(of))
            with _memory_errors_named(self.chunk_size):
                evaluations, diagnostics, seconds = self._run(seeds, pinned, share)
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

    def _run(self, seeds: Any, pinned: Any, on_progress: OnProgress) -> tuple[list[Evaluation], Any, float]:
        begin = time.perf_counter()
        state, evaluation = jax.block_until_ready(self._start(seeds, self._settings, pinned, self._data))
        seconds = time.perf_counter() - begin
        evaluations = [evaluation]
        periods = len(self._training.steps) - 1
        for period in range(periods):
            begin = time.perf_counter()
            advanced = self._advance(seeds, self._settings, state, np.int32(period), self._data)
            state, evaluation = jax.block_until_ready(advanced)
            seconds += time.perf_counter() - begin
            evaluations.append(evaluation)
            on_progress(1 / periods)
        diagnostics = self._diagnose(self._settings, state, self._data)
        return jax.device_get(evaluations), jax.device_get(diagnostics), seconds


def _side_by_side(training: Training) -> Training:
    """The training of one seed at many settings, which share what does not depend on them, such as its batches."""
    return replace(
        training,
        start=jax.vmap(training.start, in_axes=(None, 0, None, None)),
        advance=jax.vmap(training.advance, in_axes=(None, 0, 0, None, None)),
        diagnose=jax.vmap(training.diagnose, in_axes=(0, 0, None)),
    )


def scaled(on_progress: OnProgress, factor: float) -> OnProgress:
    """Tells `on_progress` of a share of something in units of which it makes up `factor`."""
    return lambda share: on_progress(share * factor)


@contextmanager
def _memory_errors_named(chunk_size: int) -> Iterator[None]:
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        raise OutOfMemoryError(chunk_size) from error


def largest_chunk(devices: Sequence[Any], trainings: int = 1) -> int:
    """The chunk size beyond which nothing is gained on these devices, where a lane is so many trainings."""
    lanes = LANES_PER_CORE if devices[0].platform == "cpu" else LANES_PER_ACCELERATOR
    return len(devices) * max(1, lanes // trainings)


def half(chunk_size: int) -> int:
    """The chunk size to try when `chunk_size` has turned out too large.

    Raises:
        OutOfMemoryError: there is no smaller one.
    """
    if chunk_size == 1:
        raise OutOfMemoryError(chunk_size)
    return chunk_size // 2


def _peak_bytes(analysis: Any) -> int:
    if analysis is None:  # not every backend predicts
        return 0
    sizes = analysis.argument_size_in_bytes + analysis.output_size_in_bytes + analysis.temp_size_in_bytes
    return int(sizes - analysis.alias_size_in_bytes)
