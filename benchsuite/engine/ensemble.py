"""Train many seeds side by side: a compiled training, its chunks of lanes, and the time that the devices take."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np

from benchsuite.engine.loop import Evaluation
from benchsuite.engine.objective import Count
from benchsuite.engine.problem import Problem, Programs, compile_programs
from benchsuite.errors import CaseError, DeviceError, wrap_errors
from benchsuite.results import SPREAD, Trace
from benchsuite.system import compat, machine

#: Called with the share of a training that was just done.
OnProgress = Callable[[float], None]

#: Lanes side by side on one device at most: more are no faster on a core, and a killed run would lose more of them.
LANES_PER_CORE, LANES_PER_ACCELERATOR = 256, 16384

#: The share of the free memory that a program may be predicted to take.
MEMORY_SHARE = 0.9

#: Lanes of a program come in multiples of this number where models are small. With one lane, XLA drops its axis and
#: generates other loops; lanes that do not fill the processor's vectors are computed by instructions that round
#: differently.
LANES = 8


class OutOfMemoryError(DeviceError):
    """A program needs more memory than its device has."""

    def __init__(self, chunk_size: int) -> None:
        self.chunk_size = chunk_size
        super().__init__(
            f"training {chunk_size} starts side by side exceeds the memory of the device",
            "free memory on the device, or reduce the model or the batch size of the case",
        )


class Ensemble:
    """The training of a problem, compiled ahead of time for chunks of lanes side by side on the local devices.

    A lane is a seed, with all values of the option that its case sweeps over, which share its batches. Where starts
    are pinned, a lane is a start, and all lanes train on the data of one seed.

    Args:
        problem: the case to train; its data are copied to every device.
        chunk_size: lanes side by side, spread evenly over the devices; rounded up to fill each, see `LANES`.
        devices: the devices to train on; a chunk that is too small for all of them uses the first ones.
        pinned: whether lanes are starts.

    Raises:
        CaseError: a function of the case fails on its data, or returns a wrong shape.
    """

    def __init__(self, problem: Problem, chunk_size: int, devices: Sequence[Any], *, pinned: bool = False) -> None:
        self._step = _lanes_step(problem)
        self.devices = list(devices[: max(1, chunk_size // self._step)])
        step = self._step * len(self.devices)
        self.chunk_size = -(-chunk_size // step) * step
        self._case, self._sweep = problem.case, problem.case.sweep
        self._settings = np.array(self._sweep.values, np.float32) if self._sweep else None
        with self._errors_named():
            self._data = [jax.device_put(problem.data, device) for device in self.devices]
            self._steps = np.array(problem.training.steps)
            lanes = self.chunk_size // len(self.devices)
            self._compiled = compile_programs(problem, lanes, self.devices, pinned=pinned)

    @classmethod
    def fitting(cls, problem: Problem, chunk_size: int, devices: Sequence[Any], *, pinned: bool = False) -> Ensemble:
        """Make an ensemble for chunks of `chunk_size` lanes, or for half as many until it fits into the memory.

        Raises:
            OutOfMemoryError: not even one lane fits.
            CaseError: as the class.
        """
        while True:
            try:
                ensemble = cls(problem, chunk_size, devices, pinned=pinned)
                if ensemble.predicted_bytes <= MEMORY_SHARE * machine.available_memory(devices[0]):
                    return ensemble
                del ensemble  # frees its data before those of the next are copied
            except OutOfMemoryError:
                pass
            if chunk_size <= _lanes_step(problem):
                raise OutOfMemoryError(chunk_size)
            chunk_size //= 2

    @property
    def _programs(self) -> Sequence[Programs]:
        return self._compiled.programs

    @property
    def trace_seconds(self) -> float:
        """The time that JAX took to vectorise and lower the programs."""
        return self._compiled.trace_seconds

    @property
    def compile_seconds(self) -> float:
        """The time that XLA took to compile the programs, or to read them from the compilation cache."""
        return self._compiled.compile_seconds

    @property
    def compile_cache(self) -> str:
        """Whether the programs were compiled before; see `Compiled.verdict`."""
        return self._compiled.verdict

    @property
    def smaller_chunk(self) -> int:
        """The chunk size to try when this one exceeds the memory.

        Raises:
            OutOfMemoryError: there is no smaller one.
        """
        if self.chunk_size <= self._step:
            raise OutOfMemoryError(self.chunk_size)
        return self.chunk_size // 2

    @property
    def predicted_bytes(self) -> int:
        """The memory that a chunk takes on each device, data included, in bytes, as XLA predicts it."""
        return self._compiled.peak_bytes

    def train(self, seeds: np.ndarray, on_progress: OnProgress = lambda _: None) -> tuple[Trace, float]:
        """Train seeds from start to end, chunk by chunk; unused lanes repeat the last seed.

        Args:
            seeds: (n,) the seeds.
            on_progress: called with the share of the training that was just done.

        Returns:
            The trace, and the time that the devices took, in seconds.

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
            seed: the seed of the data; also the seed of every row of the trace.
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
        """Copy lanes to the devices, with the last one repeated to fill the chunk."""
        missing = self.chunk_size - len(lanes)
        padded = np.pad(lanes, [(0, missing), *[(0, 0)] * (lanes.ndim - 1)], mode="edge")
        parts = np.split(padded, len(self.devices))
        return [jax.device_put(part, device) for part, device in zip(parts, self.devices, strict=True)]

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        """Wrap exceptions that are raised while a case is compiled or trained.

        Raises:
            OutOfMemoryError: the device has too little memory.
            CaseError: the case failed.
        """
        whose = f"case {self._case.id}: its training"
        with wrap_errors(lambda raised: CaseError(f"{whose} failed at run time: {raised}", _run_time_hint(raised))):
            try:
                with compat.wide_numbers(self._case.dtype):
                    yield
            except Exception as error:
                if not compat.is_out_of_memory(error):
                    raise
                raise OutOfMemoryError(self.chunk_size) from error

    def _train(
        self, lanes: np.ndarray, of: np.ndarray, arguments: Callable[[Any], tuple[Any, Any]], on_progress: OnProgress
    ) -> tuple[Trace, float]:
        """Train all lanes; `of` are their seeds, and `arguments` makes the (seeds, pinned) of a chunk."""
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
            """Get one row for each seed and value."""
            kept = lanes[: len(of)]
            return kept.reshape(len(of) * len(values), *kept.shape[lane_axes:]).copy()

        at_end = {name: rows(lanes) for name, lanes in diagnostics.items()}
        columns = jax.tree.map(lambda *leaves: np.stack([rows(leaf) for leaf in leaves], axis=1), *evaluations)
        columns = jax.tree.map(as_figures, columns, is_leaf=lambda value: isinstance(value, Count))
        return Trace(
            seeds=np.repeat(of, len(values)),
            steps=self._steps,
            prediction_spread=at_end.pop(SPREAD, None),
            diagnostics=at_end,
            settings={self._sweep.option: np.tile(self._sweep.values, len(of))} if self._sweep else {},
            **columns._asdict(),
        )

    def _run(
        self, on_devices: Sequence[tuple[Any, Any]], on_progress: OnProgress
    ) -> tuple[list[Evaluation], Any, float]:
        """Train one chunk, given by the (seeds, pinned) of each device."""
        devices = list(zip(self._programs, on_devices, self._data, strict=True))
        begin = time.perf_counter()
        now = jax.block_until_ready(
            [p.start(seeds, self._settings, pinned, data) for p, (seeds, pinned), data in devices]
        )
        seconds = time.perf_counter() - begin
        evaluations = [[evaluation for _, evaluation in now]]
        periods = len(self._steps) - 1
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


def _run_time_hint(raised: str) -> str:
    """What to do about the current exception, which the traced functions of a case did not raise while traced."""
    if hint := machine.unset_hint(raised):
        return hint
    return "fix the function that the case calls by a callback" if compat.is_of_callback(sys.exc_info()[1]) else ""


def as_figures(values: Any) -> np.ndarray:
    """Convert what a device has computed to real numbers of NumPy: counts to shares, narrow types to float32."""
    if isinstance(values, Count):
        return np.asarray(values.hits, np.float64) / np.asarray(values.of)
    values = np.asarray(values)
    if values.dtype.kind in "iu":
        return values.astype(np.float64)
    return values if values.dtype.kind in "bf" else values.astype(np.float32)  # bfloat16 is not a type of NumPy


def _joined(parts: Sequence[Any]) -> Any:
    """Concatenate the results of the devices along the lanes, which are their first axis."""
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


def _lanes_step(problem: Problem) -> int:
    return LANES if problem.parameter_names else 1


def scale_progress(on_progress: OnProgress, factor: float) -> OnProgress:
    """Make a progress function that multiplies shares by `factor`."""
    return lambda share: on_progress(share * factor)


def max_chunk_size(devices: Sequence[Any], trainings: int = 1) -> int:
    """The largest useful chunk size on these devices, where a lane has the given number of trainings."""
    lanes = LANES_PER_CORE if devices[0].platform == "cpu" else LANES_PER_ACCELERATOR
    return len(devices) * max(1, lanes // trainings)
