"""A case that is ready to train: its schedule, its examples, and its training, traced."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchsuite.case import Case, Measure, Schedule, Split, r2
from benchsuite.engine.loop import Training, make_training, record_steps
from benchsuite.engine.model import guard, parameter_dtype, parameter_names, prediction_shape
from benchsuite.engine.optimizers import EVALUATION_READINGS, SEEDS, STEPS, judge_record
from benchsuite.engine.source import source_of
from benchsuite.errors import CaseError, wrap_errors
from benchsuite.results import case_label, constant_meeting, schedule_for
from benchsuite.settings import TrainingSettings
from benchsuite.system import compat, machine

_SEED, _PERIOD = jax.ShapeDtypeStruct((), jnp.uint32), jax.ShapeDtypeStruct((), jnp.int32)


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
            OptionError: JAX is set up such that no case trains.
        """
        machine.check_settings()
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
            training = make_training(self.case, self.schedule, self.data)
            return replace(training, traced=_traced(self.case, training, self.data))

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
            start = _trace_pinned_start(self.case, self.training, self.data, count)
        return (start, *self.training.traced[1:])

    @cached_property
    def program(self) -> str:
        """A digest of the operations that train one seed, which are the same on all platforms: "blocks:" and 16 digits.

        Problems of one digest do the same to the same data.
        """
        return f"blocks:{compat.jaxpr_digest(self.training.traced, self.precision)}"

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

    @property
    def readings(self) -> dict[str, str]:
        """How to read the diagnostics: those of the case, and evaluations where an optimiser takes more than one."""
        counted = {name: text for name, text in EVALUATION_READINGS.items() if name in self.training.traced[2].out_info}
        return {diagnostic.name: diagnostic.reading for diagnostic in self.case.diagnostics} | counted

    @cached_property
    def warnings(self) -> list[str]:
        """What is odd about the first steps of an optimiser that a treatment brought, one sentence each.

        Raises:
            CaseError: a function of the case fails.
        """
        if not self.case.optimizer_replaced:  # the optimiser of a source is part of its question
            return []
        case = self.case if self.case.sweep is None else self.case.sweep.at(self.case.sweep.settings[0])
        short = source_of(case.dataset).shortened(case, self.data, STEPS, STEPS - 1, SEEDS)
        length = STEPS if short.unit == "steps" else 1
        schedule = Schedule(**{short.unit: length, "evaluate_every": length})
        with self.numerics():
            data, seeds = source_of(short.dataset).load(short).split, np.arange(SEEDS, dtype=np.uint32)
            recorded = record_steps(replace(short, sweep=None, restarts=1), schedule, data, seeds)
            return [sentence for part, record in recorded for sentence in judge_record(part.optimizer, record)]

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


def _setting(case: Case) -> dict[str, jax.ShapeDtypeStruct] | None:
    return dict.fromkeys(case.sweep.values, jax.ShapeDtypeStruct((), jnp.float32)) if case.sweep else None


def _traced(case: Case, training: Training, data: Split) -> tuple[Any, Any, Any]:
    """Trace the functions of a training for one seed.

    Raises:
        CaseError: a function of the case fails on its data, or returns a wrong shape.
    """
    source_of(case.dataset).check(case, data)
    parameter_dtype(case)
    setting = _setting(case)
    start = guard(case, "evaluation", lambda: jax.jit(training.start).trace(_SEED, setting, None, data))
    state, _ = start.out_info
    return (
        start,
        guard(case, "training", lambda: jax.jit(training.advance).trace(_SEED, setting, state, _PERIOD, data)),
        guard(case, "diagnostics", lambda: jax.jit(training.diagnose).trace(setting, state, data)),
    )


def _trace_pinned_start(case: Case, training: Training, data: Split, parameters: int) -> Any:
    """Trace the first function of a training for one seed whose parameters are given.

    Args:
        case: the case to train.
        training: its training.
        data: arrays, or their shapes.
        parameters: how many parameters the model has.

    Raises:
        CaseError: a function of the case fails on its data, or returns a wrong shape.
    """
    given = jax.ShapeDtypeStruct((parameters,), jnp.float32)
    return guard(case, "evaluation", lambda: jax.jit(training.start).trace(_SEED, _setting(case), given, data))
