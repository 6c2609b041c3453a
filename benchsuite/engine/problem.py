"""A case that is ready to train: its schedule, its examples, and its training, traced, vectorised and compiled."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchsuite.case import Case, Measure, Schedule, Split, r2
from benchsuite.engine.loop import Training, make_training, trace_pinned_start
from benchsuite.engine.model import guard, parameter_dtype, parameter_names, prediction_shape
from benchsuite.engine.source import source_of
from benchsuite.errors import CaseError, wrap_errors
from benchsuite.results import case_label, constant_meeting, schedule_for
from benchsuite.settings import TrainingSettings
from benchsuite.system import cache, compat

#: Compiled trainings that are shared at most, and bytes of code that each may have: the least recently used go first.
SHARED, LARGEST_CODE = 16, 2**26

_PERIOD = jax.ShapeDtypeStruct((), jnp.int32)


@dataclass(frozen=True)
class Problem:
    """A case under a protocol, with its examples on the host.

    Args:
        case: the case to train.
        protocol: "source" or "quick".
        schedule: the schedule of the protocol.
        data: the examples, as NumPy arrays; those of a stream are for evaluation only.
        dataset: the name of the examples.
        origin: where they come from, or why they are synthetic.
        stand_in: whether they are synthetic data in place of files.
        precision: of matrix products, as `jax.default_matmul_precision` takes it.
    """

    case: Case
    protocol: str
    schedule: Schedule
    data: Split
    dataset: str
    origin: str
    stand_in: bool
    precision: str = "highest"

    @classmethod
    def load(cls, case: Case, settings: TrainingSettings) -> Problem:
        """Choose the schedule and load the examples.

        Raises:
            DataError: the files of a dataset are missing or damaged.
            CaseError: a function of the dataset fails.
        """
        protocol, schedule = schedule_for(case, settings.protocol)
        if settings.dtype:
            case = replace(case, dtype=settings.dtype)
        with compat.wide_numbers(case.dtype):
            loaded = source_of(case.dataset).load(case, settings.dataset, settings.data_dir)
        examples = loaded.split, loaded.label, loaded.origin, loaded.stand_in
        return cls(case, protocol, schedule, *examples, settings.precision)

    @contextmanager
    def numerics(self) -> Iterator[None]:
        """Set the types of numbers and the precision of products that the case is traced and run with."""
        with compat.wide_numbers(self.case.dtype), jax.default_matmul_precision(self.precision):
            yield

    @cached_property
    def training(self) -> Training:
        """The training of one seed, traced once.

        Raises:
            CaseError: a function of the case fails on its data, or returns a wrong shape.
        """
        with self.numerics():
            return make_training(self.case, self.schedule, self.data)

    def traced(self, *, pinned: bool = False) -> tuple[jax.stages.Traced, ...]:
        """Get the traced functions start, advance and diagnose of one seed.

        Args:
            pinned: whether `start` takes the parameters in place of drawing them.

        Raises:
            CaseError: as `training`.
        """
        if not pinned:
            return self.training.traced
        count = len(self.parameter_names)
        with self.numerics():
            start = trace_pinned_start(self.case, self.training, self.data, count)
        return (start, *self.training.traced[1:])

    @cached_property
    def program(self) -> str:
        """A digest of the operations that train one seed, which are the same on all platforms: "jaxpr:" and 16 digits.

        Problems of one digest do the same to the same data.
        """
        return f"jaxpr:{compat.jaxpr_digest(self.training.traced, self.precision)}"

    @cached_property
    def parameter_names(self) -> list[str]:
        """The names of the model's parameters; see `parameter_names` of the engine."""
        return parameter_names(self.case)

    @property
    def evaluation_examples(self) -> int:
        """The number of examples that every seed is judged on; 0 without data."""
        drawn = getattr(self.case.dataset, "evaluation_size", None)  # of a stream, whose rows have any form
        leaves = jax.tree.leaves(self.data.test)
        return drawn or (len(leaves[0]) if leaves else 0)

    @cached_property
    def _examples(self) -> tuple[Any, np.ndarray]:
        """The inputs and targets of the evaluation data."""
        with self.numerics():
            x, y = jax.jit(source_of(self.case.dataset).prepare)(self.data.test)
            return x, np.asarray(y)

    def check_target(self) -> None:
        """Check that the criterion's metric has a value.

        Raises:
            CaseError: it is R², and the targets do not vary.
        """
        if not self.case.is_supervised or self.case.criterion.metric != "r2":
            return
        target = self._examples[1]
        if "r2" not in self.case.metrics and (target == target[:1]).all():
            raise CaseError(
                f"case {self.case.id}: r2 has no value, as the targets of the evaluation data do not vary",
                'set criterion to another metric, such as Criterion("loss", at_most=1e-4)',
            )

    @cached_property
    def constant_meets(self) -> str:
        """The constant prediction that meets the criterion; empty where there is none.

        Raises:
            CaseError: a function of the case fails on a constant prediction.
        """
        case, criterion = self.case, self.case.criterion
        if not case.is_supervised:
            return ""
        metric = case.all_metrics[criterion.metric]
        r2_above_zero = metric is r2 and (criterion.at_least or 0) > 0  # R² of a constant is at most 0
        if isinstance(metric, Measure) or r2_above_zero:
            return ""
        x, target = self._examples

        def found() -> str:
            with self.numerics():
                outputs = prediction_shape(case, x)[1:]
                return constant_meeting(criterion, lambda *arrays: metric(*map(jnp.asarray, arrays)), target, outputs)

        return guard(case, f"metric {criterion.metric!r} of a constant prediction", found)

    @cached_property
    def dtype(self) -> str:
        """The type of the parameters in training: that of the case, unless its model makes others.

        Raises:
            CaseError: they are of several types.
        """
        with self.numerics():
            return parameter_dtype(self.case)

    @cached_property
    def facts(self) -> dict[str, float]:
        """The case's diagnostics of its data, name → value.

        Raises:
            CaseError: one of them fails.
        """
        facts = {}
        for diagnostic in self.case.diagnostics:
            if diagnostic.of_data is not None:
                with wrap_errors(partial(self._diagnostic_failed, diagnostic.name)):
                    facts[diagnostic.name] = float(diagnostic.of_data(self.data))
        return facts

    def _diagnostic_failed(self, name: str, raised: str) -> CaseError:
        message = f"case {self.case.name}: its diagnostic {name!r} failed: {raised}"
        return CaseError(message, "return a number from of_data(Split)")

    @cached_property
    def digest(self) -> str:
        """A digest of the examples for training and evaluation (of a stream, for evaluation): 16 digits, or "none"."""
        if self.case.dataset is None:
            return self.dataset
        digest = hashlib.sha256()
        for leaf in map(np.ascontiguousarray, jax.tree.leaves(self.data)):
            digest.update(f"{leaf.dtype.str} {leaf.shape} ".encode())
            digest.update(leaf.tobytes())
        return digest.hexdigest()[:16]

    @property
    def label(self) -> str:
        """The case with its protocol, as tables name it."""
        return case_label(self.case.id, self.protocol, self.stand_in)


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
    compiled = _compile(lambda: _vectorise(problem, traced, lanes, pinned), devices, problem.case.dtype)
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


def _compile(vectorise: Callable[[], Programs], devices: Sequence[Any], dtype: str) -> Compiled:
    """Compile the same program for each device by itself: one for all of them together would be another program."""
    begin = time.perf_counter()
    traced = vectorise()
    lowered = [_lower(traced, device) for device in devices]
    compiling = time.perf_counter()
    with cache.lookups() as found, ThreadPoolExecutor(len(lowered)) as pool:
        programs = list(pool.map(partial(_compile_for, dtype), lowered, devices))
    return Compiled(programs, compiling - begin, time.perf_counter() - compiling, found.verdict)


def _lower(traced: Programs, device: Any) -> Programs:
    with jax.default_device(device):
        return Programs(*(program.lower() for program in traced))


def _compile_for(dtype: str, lowered: Programs, device: Any) -> Programs:
    with compat.wide_numbers(dtype):  # a thread has settings of its own
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
