"""Many seeds in one program: a training compiled for chunks of seeds. The only user of vmap and of the clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from benchsuite import machine
from benchsuite.errors import DeviceError
from benchsuite.problem import Problem
from benchsuite.trace import Trace
from benchsuite.training import Evaluation

#: The share of the free memory that a program may be predicted to take.
MEMORY_SHARE = 0.9


class OutOfMemoryError(DeviceError):
    """A program needs more memory than its device has."""

    def __init__(self, chunk_size: int) -> None:
        self.chunk_size = chunk_size
        super().__init__(
            f"training {chunk_size} seeds side by side needs more memory than there is",
            "free memory on the device, or give the case a smaller model or batch",
        )


class Ensemble:
    """The training of a problem, compiled ahead of time for chunks of seeds on the local devices.

    Args:
        problem: what to train; its data are copied to every device.
        chunk_size: seeds trained side by side, spread evenly over the devices; rounded up to a multiple of them.
        devices: where to train; a chunk smaller than their number uses the first of them.
        precision: of matrix products, as `jax.default_matmul_precision` takes it.

    Attributes:
        trace_seconds: time that JAX took to trace and lower the programs.
        compile_seconds: time that XLA took to compile them.

    Raises:
        CaseError: a function of the case fails on its data, or gives a wrong shape.
    """

    def __init__(self, problem: Problem, chunk_size: int, devices: Sequence[Any], precision: str) -> None:
        self.devices = list(devices[:chunk_size])
        self.chunk_size = -(-chunk_size // len(self.devices)) * len(self.devices)
        with _memory_errors_named(self.chunk_size):
            self._prepare(problem, precision)

    def _prepare(self, problem: Problem, precision: str) -> None:
        mesh = Mesh(np.array(self.devices), ("seeds",), axis_types=(AxisType.Auto,))
        self._spread = NamedSharding(mesh, PartitionSpec("seeds"))
        self._everywhere = NamedSharding(mesh, PartitionSpec())
        self._data = jax.device_put(problem.data, self._everywhere)
        self._training = problem.training
        with jax.default_matmul_precision(precision):
            self._compile()

    @classmethod
    def fitting(cls, problem: Problem, chunk_size: int, devices: Sequence[Any], precision: str) -> Ensemble:
        """An ensemble for chunks of `chunk_size` seeds, or for half as many until it fits into the devices' memory.

        Raises:
            OutOfMemoryError: not even one seed fits.
        """
        while True:
            try:
                ensemble = cls(problem, chunk_size, devices, precision)
                if ensemble.predicted_bytes <= MEMORY_SHARE * machine.available_memory(devices[0]):
                    return ensemble
                del ensemble  # its data must not take the room of those of the next
            except OutOfMemoryError:
                pass
            chunk_size = half(chunk_size)

    def _compile(self) -> None:
        spread, everywhere = self._spread, self._everywhere
        seeds = jax.ShapeDtypeStruct((self.chunk_size,), jnp.uint32)
        period = jax.ShapeDtypeStruct((), jnp.int32)
        start = jax.jit(
            jax.vmap(self._training.start, in_axes=(0, None)),
            in_shardings=(spread, everywhere),
            out_shardings=spread,
        )
        advance = jax.jit(
            jax.vmap(self._training.advance, in_axes=(0, 0, None, None)),
            in_shardings=(spread, spread, everywhere, everywhere),
            out_shardings=spread,
            donate_argnums=1,
        )
        begin = time.perf_counter()
        start_traced = start.trace(seeds, self._data)
        state, _ = start_traced.out_info
        lowered = start_traced.lower(), advance.lower(seeds, state, period, self._data)
        traced = time.perf_counter()
        self._start, self._advance = (program.compile() for program in lowered)
        self.trace_seconds, self.compile_seconds = traced - begin, time.perf_counter() - traced

    @property
    def predicted_bytes(self) -> int:
        """The memory that a chunk takes on each device, the data included, as the compiler predicts it."""
        return max(_peak_bytes(program.memory_analysis()) for program in (self._start, self._advance))

    def train(self, seeds: np.ndarray, on_progress: Callable[[float], None] = lambda _: None) -> tuple[Trace, float]:
        """Train at most `chunk_size` seeds from start to end; lanes that are left over repeat the last seed.

        Args:
            seeds: (n,) the seeds.
            on_progress: called with the share of the training that was just done.

        Returns:
            The trace, and the seconds that the devices took with every result waited for.

        Raises:
            OutOfMemoryError: a device has too little memory.
        """
        seeds = np.asarray(seeds, np.uint32)
        padded = np.pad(seeds, (0, self.chunk_size - len(seeds)), mode="edge")
        with _memory_errors_named(self.chunk_size):
            evaluations, seconds = self._run(jax.device_put(padded, self._spread), on_progress)
        columns = jax.tree.map(lambda *leaves: np.stack(leaves, axis=1)[: len(seeds)], *evaluations)
        return Trace(seeds.astype(np.int64), np.array(self._training.steps), *columns), seconds

    def _run(self, seeds: jax.Array, on_progress: Callable[[float], None]) -> tuple[list[Evaluation], float]:
        begin = time.perf_counter()
        state, evaluation = jax.block_until_ready(self._start(seeds, self._data))
        seconds = time.perf_counter() - begin
        evaluations = [evaluation]
        periods = len(self._training.steps) - 1
        for period in range(periods):
            begin = time.perf_counter()
            state, evaluation = jax.block_until_ready(self._advance(seeds, state, np.int32(period), self._data))
            seconds += time.perf_counter() - begin
            evaluations.append(evaluation)
            on_progress(1 / periods)
        return jax.device_get(evaluations), seconds


@contextmanager
def _memory_errors_named(chunk_size: int) -> Iterator[None]:
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        raise OutOfMemoryError(chunk_size) from error


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
