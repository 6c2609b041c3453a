"""The conformance kit: what every case must keep, whoever wrote it, tried on a case and told with what to change.

In the tests of a plugin::

    from benchsuite.testing import check_case

    def test_case_keeps_the_contract():
        check_case(my_case)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from benchsuite import machine
from benchsuite.audit import Audit
from benchsuite.case import Case, Schedule, Split, Stream, Table
from benchsuite.ensemble import Ensemble
from benchsuite.errors import BenchsuiteError, demand
from benchsuite.outcome import Outcome, classify
from benchsuite.problem import Problem
from benchsuite.settings import Settings
from benchsuite.start import start_values
from benchsuite.trace import Trace
from benchsuite.trainer import make_plan
from benchsuite.training import data_key, fingerprint, parameter_names

PASSED, FAILED, NOT_CHECKED = "passed", "failed", "not checked"

#: Seeds that are trained, and of a large model.
_SEEDS, _SEEDS_OF_LARGE = 16, 2

#: Starts that are looked at without training, and the share of them that may be solutions already.
_STARTS, _SOLVED_SHARE = 64, 0.1

#: Optimiser steps between the evaluations of a short training, at most, and batches of a table that is cut short.
_STEPS, _BATCHES = 20, 3

_COMPILED = "/jax/core/compile/backend_compile_duration"


class Check(NamedTuple):
    """One promise and what became of it.

    Args:
        name: of the promise.
        verdict: "passed", "failed" or "not checked".
        found: what was seen.
        hint: what to change, if something is to be changed.
    """

    name: str
    verdict: str
    found: str
    hint: str = ""


class NotConformingError(AssertionError):
    """A case does not keep what every case must keep; the message says what, and what to change."""


class NotCheckedError(BenchsuiteError):
    """A promise cannot be checked."""


def check_case(case: Case, settings: Settings | None = None) -> list[Check]:
    """Try whether a case keeps what every case must keep.

    Args:
        case: as its plugin supplies it.
        settings: such as where its data lie.

    Raises:
        NotConformingError: it does not.
    """
    found = list(checks(case, settings or Settings()))
    failed = [check for check in found if check.verdict == FAILED]
    if failed:
        told = "\n".join(f"- {check.name}: {check.found}\n  try: {check.hint}" for check in failed)
        raise NotConformingError(f"case {case.name} fails {len(failed)} of {len(found)} checks:\n{told}")
    return found


def checks(case: Case, settings: Settings, on_check: Callable[[str], None] = lambda _: None) -> Iterator[Check]:
    """Try every promise.

    Args:
        case: as its plugin supplies it.
        settings: what the user decided.
        on_check: is told each promise before it is tried.
    """
    kit = _Kit(case, settings)
    broken = False
    for name, promise in PROMISES.items():
        on_check(name)
        if broken:
            yield Check(name, NOT_CHECKED, "it cannot be trained")
            continue
        try:
            with machine.settings_kept(f"case {case.name}"):
                yield Check(name, PASSED, promise(kit))
        except NotCheckedError as reason:
            yield Check(name, NOT_CHECKED, reason.message, reason.hint)
        except BenchsuiteError as error:
            yield Check(name, FAILED, error.message, error.hint)
            broken = name == next(iter(PROMISES))


@dataclass(frozen=True)
class _Kit:
    """A case and what is needed to try it: always a short training, on little of a table."""

    case: Case
    settings: Settings

    @cached_property
    def short(self) -> Case:
        if isinstance(self.case.dataset, Stream):
            every = min(self.case.schedule.evaluate_every, _STEPS)
            schedule = Schedule(steps=2 * every, evaluate_every=every, seeds=_SEEDS)
            return replace(self.case, schedule=schedule, quick=None)
        schedule = Schedule(epochs=2, seeds=_SEEDS)
        return replace(self.case, dataset=self._little(self.case.dataset), schedule=schedule, quick=None)

    def _little(self, table: Table) -> Table:
        """A few batches and a short one of a table to train on, and all that it is judged on."""
        loaded = Problem.pose(self.case, self.settings).data
        rows = _BATCHES * table.batch_size + 1
        split = Split(jax.tree.map(lambda column: column[:rows], loaded.train), loaded.test)
        return replace(table, load=lambda _: split, download=None, stand_in=None)

    @cached_property
    def problem(self) -> Problem:
        return Problem.pose(self.short, self.settings)

    @cached_property
    def device(self) -> list[Any]:
        return list(machine.devices(self.settings.platform)[:1])

    @cached_property
    def seeds(self) -> np.ndarray:
        return np.arange(_SEEDS if parameter_names(self.case) else _SEEDS_OF_LARGE)

    @cached_property
    def ensemble(self) -> Ensemble:
        return Ensemble.fitting(self.problem, len(self.seeds), self.device, self.settings.precision)

    def outcomes(self, case: Case) -> np.ndarray:
        """How the seeds of a changed case end."""
        return classify(self.trace(case), case.criterion)

    def trace(self, case: Case) -> Trace:
        problem = Problem.pose(case, self.settings)
        ensemble = Ensemble.fitting(problem, len(self.seeds), self.device, self.settings.precision)
        return ensemble.train(self.seeds)[0]

    @property
    def untrained(self) -> Case:
        """The case with a learning rate of zero, whatever its optimiser."""
        return replace(self.short, optimizer=optax.set_to_zero())


def _contract(kit: _Kit) -> str:
    """It can be trained at all, and what it names is there."""
    case = kit.case
    demand(case.summary.endswith("."), f"its summary is {case.summary!r}", "write a sentence")
    demand(bool(case.source.strip()), "it names no source", "say who asks this: an address or a reference")
    plan = make_plan(kit.problem, kit.settings, kit.device)
    return f"{len(plan.parameter_names) or 'many'} parameters, {plan.criterion}"


def _shapes(kit: _Kit) -> str:
    """A batch is float32, finite, and has as many examples as were asked for."""
    table = isinstance(kit.short.dataset, Table)
    x, y = kit.short.dataset.prepare(jax.tree.map(jnp.asarray, kit.problem.data.test))
    count = len(jax.tree.leaves(kit.problem.data.test)[0]) if table else kit.short.dataset.evaluation_size  # type: ignore[union-attr]  # a Stream
    for name, array in (("inputs", x), ("targets", y)):
        for leaf in jax.tree.leaves(array):
            demand(
                leaf.shape[:1] == (count,), f"its {name} have shape {leaf.shape}", f"give {count} along the first axis"
            )
            demand(bool(jnp.isfinite(leaf).all()), f"its {name} are not all finite", "leave such examples out")
    demand(y.dtype == jnp.float32, f"its targets are {y.dtype}", "give float32, in which all is trained")
    return f"inputs {jax.tree.leaves(x)[0].shape[1:]}, targets {y.shape[1:]}"


def _purity(kit: _Kit) -> str:
    """The same key gives the same, and functions do the same when they are called again."""
    again = Problem.pose(kit.short, kit.settings)
    demand(
        fingerprint(again.training) == fingerprint(kit.problem.training),
        "its functions make another program when they are called again",
        "draw random numbers from the key or rngs that is given, never from NumPy or a counter",
    )
    same = jax.tree.map(lambda a, b: bool(np.array_equal(a, b, equal_nan=True)), again.data, kit.problem.data)
    demand(all(jax.tree.leaves(same)), "its data are others when they are drawn or loaded again", "draw from the key")
    for finding in Audit(kit.short, kit.settings, kit.seeds).findings():
        demand(
            finding.same,
            f"trained in another way, {finding.way}, {finding.outcomes} of {finding.seeds} seeds end with another"
            f" outcome and {finding.figures:,} of {finding.of:,} figures differ, by {finding.largest:.1g} at most",
            "write sums such that their order does not matter much, or be content if no outcome differs",
        )
    return f"{len(kit.seeds)} seeds end the same to the last bit, again, alone and beside others"


def _recompilation(kit: _Kit) -> str:
    """A second chunk runs the program of the first."""
    kit.ensemble.train(kit.seeds)
    compiled: list[str] = []

    def count(event: str, duration_secs: float, **_: Any) -> None:
        del duration_secs
        if event == _COMPILED:
            compiled.append(event)

    jax.monitoring.register_event_duration_secs_listener(count)
    try:
        kit.ensemble.train(kit.seeds + len(kit.seeds))
    finally:
        jax.monitoring.unregister_event_duration_listener(count)
    demand(not compiled, f"a second chunk compiles {len(compiled)} programs", "let shapes not depend on the seed")
    return "a second chunk compiles nothing"


def _nan(kit: _Kit) -> str:
    """Parameters that are not numbers are seen: the seed has diverged."""

    def spoil(model: Any, _: Any) -> None:
        nnx.update(model, jax.tree.map(lambda leaf: jnp.full_like(leaf, jnp.nan), nnx.state(model, nnx.Param)))

    case = kit.untrained.with_start(spoil)
    trace = kit.trace(case)
    ends = set(classify(trace, case.criterion).tolist())
    demand(
        ends == {Outcome.DIVERGED.value},
        f"from a start that is NaN it ends as {', '.join(sorted(ends))}",
        "let its parameters be nnx.Param, and its loss and metrics be NaN where the prediction is",
    )
    metric = case.criterion.metric
    demand(
        not np.isfinite(trace.metrics[metric]).any(),
        f"{metric} is finite where the prediction is NaN",
        "do not hide NaN with nan_to_num, max or where",
    )
    return "a start that is NaN has diverged"


def _start(kit: _Kit) -> str:
    """A random start is no solution."""
    starts = np.arange(_STARTS if parameter_names(kit.case) else _SEEDS_OF_LARGE)
    ensemble = Ensemble.fitting(
        Problem.pose(kit.untrained, kit.settings), len(starts), kit.device, kit.settings.precision
    )
    trace, _ = ensemble.train(starts)
    solved = int(kit.case.criterion.holds(trace.metrics[kit.case.criterion.metric][:, 0]).sum())
    demand(
        solved <= _SOLVED_SHARE * len(starts),
        f"{solved} of {len(starts)} random starts meet the criterion untrained",
        "ask for more, or draw starts from further away: chance alone would be a high rate",
    )
    return f"{solved} of {len(starts)} random starts meet it untrained"


def _null(kit: _Kit) -> str:
    """With a learning rate of zero, nothing succeeds that did not begin so."""
    trace = kit.trace(kit.untrained)
    held = kit.case.criterion.holds(trace.metrics[kit.case.criterion.metric])
    learnt = int((held[:, -1] & ~held[:, 0]).sum())
    demand(
        not learnt,
        f"with a learning rate of 0, {learnt} of {len(held)} seeds come to meet the criterion",
        "let nothing but parameters decide what is predicted: look at running means and at what is in training only",
    )
    return "nothing is learnt with a learning rate of 0"


def _oracle(kit: _Kit) -> str:
    """The stated solution meets the criterion."""
    if kit.case.solution is None:
        raise NotCheckedError("it states no solution", "give Case(solution=…), to show that the criterion can be met")
    ends = set(kit.outcomes(kit.untrained.with_start(_solver(kit.case))).tolist())
    demand(
        ends == {Outcome.CONVERGED.value},
        f"its solution does not meet {kit.case.criterion}: it ends as {', '.join(sorted(ends))}",
        "mend the solution, or ask for what the model can reach",
    )
    return f"its solution meets {kit.case.criterion}"


def _solver(case: Case) -> Callable[[Any, Any], None]:
    """Sets a fresh model's parameters to the solution."""
    solution = case.solution
    if not isinstance(solution, Mapping):
        return lambda model, _: solution(model) if solution else None
    (values,) = start_values(case, {"solution": solution}, parameter_names(case))

    def solve(model: Any, _: Any) -> None:
        parameters, unravel = jax.flatten_util.ravel_pytree(nnx.state(model, nnx.Param))
        nnx.update(model, unravel(jnp.asarray(values, parameters.dtype)))

    return solve


def _independence(kit: _Kit) -> str:
    """Seeds differ in their starts and in their data."""
    starts = [jax.device_get(kit.problem.training.start(jnp.uint32(s), None, None, kit.problem.data)[0]) for s in _PAIR]
    demand(
        _differ(*starts),
        "all seeds start alike",
        "draw the parameters from the rngs that the model is given",
    )
    if isinstance(kit.short.dataset, Stream):
        stream = kit.short.dataset
        keys = [data_key(kit.case.name, seed) for seed in _PAIR]
        first, other = (jax.device_get(stream.draw(jax.random.fold_in(key, 0), stream.batch_size)) for key in keys)
        demand(_differ(first, other), "all seeds see the same data", "draw them from the key that is given")
        later = jax.device_get(stream.draw(jax.random.fold_in(keys[0], 1), stream.batch_size))
        demand(_differ(first, later), "all steps see the same data", "draw them from the key, or make it a Table")
    return "seeds differ in start and in data"


_PAIR = (0, 1)


def _differ(one: Any, other: Any) -> bool:
    return any(not np.array_equal(a, b) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True))


def _cost(kit: _Kit) -> str:
    """What a seed takes, for the record."""
    _, seconds = kit.ensemble.train(kit.seeds)
    steps = kit.problem.training.steps[-1]
    each = 1e6 * seconds / steps / len(kit.seeds)
    bytes_each = kit.ensemble.predicted_bytes / kit.ensemble.chunk_size
    return f"{each:,.1f} µs a step and seed, {bytes_each / 2**20:,.2f} MiB a seed, {len(kit.seeds)} side by side"


#: Every promise by name, in the order in which they are tried. Without the first one, no other can be.
PROMISES: dict[str, Callable[[_Kit], str]] = {
    "contract": _contract,
    "shapes": _shapes,
    "purity": _purity,
    "independent seeds": _independence,
    "no recompilation": _recompilation,
    "NaN is seen": _nan,
    "start is no solution": _start,
    "null control": _null,
    "oracle control": _oracle,
    "cost": _cost,
}
