"""Train many seeds side by side: in blocks of lanes on the local devices, with the time that the devices take."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np

from benchsuite.case import Sweep
from benchsuite.engine.loop import Evaluation
from benchsuite.engine.objective import Count
from benchsuite.engine.problem import Problem
from benchsuite.engine.programs import MEMORY_SHARE, Programs, compile_programs, lanes_per_block, periods_per_call
from benchsuite.errors import CaseError, DeviceError, wrap_errors
from benchsuite.results import SPREAD, Trace
from benchsuite.system import compat, machine

#: Called with the share of a training that was just done.
OnProgress = Callable[[float], None]


class OutOfMemoryError(DeviceError):
    """A program needs more memory than its device has."""

    def __init__(self, lanes: int) -> None:
        super().__init__(
            f"training {lanes} starts side by side exceeds the memory of the device",
            "free memory on the device, or reduce the model or the batch size of the case",
        )


class Ensemble:
    """The training of a problem, compiled ahead of time for a block of lanes on each of the local devices.

    A lane is a seed, with all values of the options that its case sweeps over, which share its batches. Where starts
    are pinned, a lane is a start, and all lanes train on the data of one seed. All blocks of a case run the same
    program, however many seeds are trained, so that a seed ends the same to the last bit beside any others.

    Args:
        problem: the case to train; its data are copied to every device.
        devices: the devices to train on.
        lanes: lanes of a block; by default `lanes_per_block`.
        pinned: whether lanes are starts.

    Attributes:
        lanes: lanes of a block.
        devices: the devices.

    Raises:
        CaseError: a function of the case fails on its data, or returns a wrong shape.
    """

    def __init__(
        self, problem: Problem, devices: Sequence[Any], lanes: int | None = None, *, pinned: bool = False
    ) -> None:
        self.devices = list(devices)
        self._case = problem.case
        self._swept = _columns(problem.case.sweep)
        self._settings = {name: np.float32(values) for name, values in self._swept.items()} or None
        self.lanes = lanes or lanes_per_block(problem, devices[0])
        with self._errors_named():
            self._data = [jax.device_put(problem.data, device) for device in self.devices]
            self._steps = np.array(problem.training.steps)
            self._periods = periods_per_call(problem, self.lanes)
            self._compiled = compile_programs(problem, self.lanes, self.devices, pinned=pinned)

    @classmethod
    def fitting(
        cls, problem: Problem, devices: Sequence[Any], lanes: int | None = None, *, pinned: bool = False
    ) -> Ensemble:
        """Make an ensemble for blocks of so many lanes, or of half as many until one fits into the memory.

        Raises:
            OutOfMemoryError: not even one lane fits.
            CaseError: as the class.
        """
        lanes = lanes or lanes_per_block(problem, devices[0])
        while True:
            try:
                ensemble = cls(problem, devices, lanes, pinned=pinned)
                if ensemble.predicted_bytes <= MEMORY_SHARE * machine.available_memory(devices[0]):
                    return ensemble
                del ensemble  # frees its data before those of the next are copied
            except OutOfMemoryError:
                pass
            lanes = _half(lanes)

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
    def fewer_lanes(self) -> int:
        """The lanes of a block to try when this one exceeds the memory.

        Raises:
            OutOfMemoryError: there are no fewer.
        """
        return _half(self.lanes)

    @property
    def turn(self) -> int:
        """The lanes that all devices train at a time."""
        return self.lanes * len(self.devices)

    @property
    def predicted_bytes(self) -> int:
        """The memory that a block takes on each device, data included, in bytes, as XLA predicts it."""
        return self._compiled.peak_bytes

    def train(self, seeds: np.ndarray, on_progress: OnProgress = lambda _: None) -> tuple[Trace, float]:
        """Train seeds from start to end, block by block; unused lanes repeat the last seed.

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
        """Evaluate pinned starts without training them.

        Args:
            starts: (n, p) parameters in the order of `parameter_names`.

        Returns:
            Arrays with the n starts along their first axis.
        """
        found = []
        for turn in self._turns(np.asarray(starts, np.float32)):
            with self._errors_named():
                blocks = zip(self._programs, self._spread(turn), self._data, strict=False)
                evaluations = [p.start(np.uint32(0), self._settings, pinned, data)[1] for p, pinned, data in blocks]
                found.append(_joined(jax.device_get(evaluations)))
        return jax.tree.map(lambda values: values[: len(starts)], _joined(found))

    def _turns(self, lanes: np.ndarray) -> list[np.ndarray]:
        """Split lanes into as many as all devices train at a time."""
        return [lanes[first : first + self.turn] for first in range(0, len(lanes), self.turn)]

    def _spread(self, turn: np.ndarray) -> list[jax.Array]:
        """Copy the lanes of a turn to as many devices as they need, with the last one repeated to fill its block."""
        used = -(-len(turn) // self.lanes)
        padded = np.pad(turn, [(0, used * self.lanes - len(turn)), *[(0, 0)] * (turn.ndim - 1)], mode="edge")
        return [jax.device_put(*block) for block in zip(np.split(padded, used), self.devices, strict=False)]

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
                raise OutOfMemoryError(self.lanes) from error

    def _train(
        self, lanes: np.ndarray, of: np.ndarray, arguments: Callable[[Any], tuple[Any, Any]], on_progress: OnProgress
    ) -> tuple[Trace, float]:
        """Train all lanes; `of` are their seeds, and `arguments` makes the (seeds, pinned) of a block."""
        traces, total = [], 0.0
        for turn, seeds in zip(self._turns(lanes), self._turns(of), strict=True):
            blocks = [arguments(block) for block in self._spread(turn)]
            share = scale_progress(on_progress, len(turn) / len(of))
            with self._errors_named():
                evaluations, diagnostics, seconds = self._run(blocks, share)
            traces.append(self._trace(seeds, evaluations, diagnostics))
            total += seconds
        return Trace.join(traces), total

    def _trace(self, of: np.ndarray, evaluations: list[Evaluation], diagnostics: Any) -> Trace:
        values = next((len(column) for column in self._swept.values()), 1)
        lane_axes = 2 if self._swept else 1

        def rows(lanes: np.ndarray) -> np.ndarray:
            """Get one row for each seed and value."""
            kept = lanes[: len(of)]
            return kept.reshape(len(of) * values, *kept.shape[lane_axes:]).copy()

        def over_time(before: np.ndarray, *after: np.ndarray) -> np.ndarray:
            """Join the evaluation before training with those of all calls, along the second axis."""
            first = rows(before)[:, None]
            calls = [rows(call).reshape(len(first), self._periods, *first.shape[2:]) for call in after]
            return np.concatenate([first, *calls], axis=1)

        at_end = {name: rows(lanes) for name, lanes in diagnostics.items()}
        columns = jax.tree.map(over_time, *evaluations)
        columns = jax.tree.map(as_figures, columns, is_leaf=lambda value: isinstance(value, Count))
        return Trace(
            seeds=np.repeat(of, values),
            steps=self._steps,
            prediction_spread=at_end.pop(SPREAD, None),
            diagnostics=at_end,
            settings={name: np.tile(column, len(of)) for name, column in self._swept.items()},
            **columns._asdict(),
        )

    def _run(self, blocks: Sequence[tuple[Any, Any]], on_progress: OnProgress) -> tuple[list[Evaluation], Any, float]:
        """Train a block on each of the first devices, given by its (seeds, pinned)."""
        devices = list(zip(self._programs, blocks, self._data, strict=False))
        begin = time.perf_counter()
        now = jax.block_until_ready(
            [p.start(seeds, self._settings, pinned, data) for p, (seeds, pinned), data in devices]
        )
        seconds = time.perf_counter() - begin
        evaluations = [[evaluation for _, evaluation in now]]
        periods = len(self._steps) - 1
        for period in range(0, periods, self._periods):
            begin = time.perf_counter()
            now = jax.block_until_ready(
                [
                    p.advance(seeds, self._settings, state, np.int32(period), data)
                    for (p, (seeds, _), data), (state, _) in zip(devices, now, strict=True)
                ]
            )
            seconds += time.perf_counter() - begin
            evaluations.append([evaluation for _, evaluation in now])
            on_progress(self._periods / periods)
        diagnostics = [
            p.diagnose(self._settings, state, data) for (p, _, data), (state, _) in zip(devices, now, strict=True)
        ]
        return [_joined(e) for e in jax.device_get(evaluations)], _joined(jax.device_get(diagnostics)), seconds


def _columns(sweep: Sweep | None) -> dict[str, np.ndarray]:
    """The values of each option in all combinations of a sweep: option → (k,)."""
    settings = sweep.settings if sweep else []
    return {name: np.array([setting[name] for setting in settings]) for name in (settings[0] if settings else ())}


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


def _half(lanes: int) -> int:
    if lanes == 1:
        raise OutOfMemoryError(lanes)
    return lanes // 2


def scale_progress(on_progress: OnProgress, factor: float) -> OnProgress:
    """Make a progress function that multiplies shares by `factor`."""
    return lambda share: on_progress(share * factor)
