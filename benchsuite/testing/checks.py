"""The conformance kit: what every case must keep, whoever wrote it, tried on a case and told with what to change.

In the tests of a plugin::

    from benchsuite.testing import check_case

    def test_case_keeps_the_contract():
        check_case(my_case)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, NamedTuple

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from benchsuite import stats
from benchsuite.case import Case, Schedule, Split, Stream
from benchsuite.engine import Ensemble, Problem, State, data, data_key, fingerprint, make_plan, parameter_names
from benchsuite.errors import BenchsuiteError, CaseError, require, wrap_errors
from benchsuite.execution.executors import Job, plan_in_subprocess
from benchsuite.plugins import load_registry
from benchsuite.results import Outcome, Plan, Trace, classify
from benchsuite.settings import TrainingSettings
from benchsuite.system import machine, process
from benchsuite.testing.audit import AGAIN, Audit
from benchsuite.variants import start_values

PASSED, FAILED, NOT_CHECKED = "passed", "failed", "not checked"

#: Seconds that the checks of a case may take, unless --time-limit says otherwise.
TIME_LIMIT = 900

#: Seeds that are trained, and of a large model.
_SEEDS, _SEEDS_OF_LARGE = 16, 2

#: Starts that are looked at without training, and of a large model; and the share that may be solutions already.
_STARTS, _STARTS_OF_LARGE, _SOLVED_SHARE = 64, 16, 0.1

#: Optimiser steps between the evaluations of a short training, at most, and batches of a table that is cut short.
_STEPS, _BATCHES = 20, 3

#: Examples of a table that are looked at together.
_ROWS = 10_000

#: Two seeds.
_PAIR = (0, 1)

_COMPILED = "/jax/core/compile/backend_compile_duration"


class CheckResult(NamedTuple):
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


def check_case(case: Case, settings: TrainingSettings | None = None) -> list[CheckResult]:
    """Try whether a case keeps what every case must keep.

    One that hangs is not stopped, as it is by `benchsuite check`.

    Args:
        case: as its plugin supplies it; it is looked at in another process too if it is installed.
        settings: such as where its data lie.

    Raises:
        NotConformingError: it does not.
    """
    kit = _Kit(case, settings or TrainingSettings())
    found = list(_one_by_one(lambda name: _try(name, kit)))
    failed = [check for check in found if check.verdict == FAILED]
    if failed:
        told = "\n".join(f"- {check.name}: {check.found}\n  try: {check.hint}" for check in failed)
        raise NotConformingError(f"case {case.name} fails {len(failed)} of {len(found)} checks:\n{told}")
    return found


def run_checks(job: Job, on_check: Callable[[str], None] = lambda _: None) -> Iterator[CheckResult]:
    """Try every promise in a process of its own, which is stopped when it hangs.

    Args:
        job: the case, as its plugin supplies it, and what the user decided.
        on_check: is told each promise before it is tried.
    """
    limit = job.settings.time_limit or TIME_LIMIT
    on_check("another process")
    elsewhere = plan_in_subprocess(job, limit)
    child = process.ChildProcess(f"case {job.name}", partial(_checking, job, elsewhere), limit)
    try:
        yield from _one_by_one(partial(child.call, "try"), on_check)
    finally:
        child.stop()


def _one_by_one(
    attempt: Callable[[str], CheckResult], on_check: Callable[[str], None] = lambda _: None
) -> Iterator[CheckResult]:
    """Every promise in turn, until nothing more can be tried."""
    why = ""
    for name in PROMISES:
        on_check(name)
        if why:
            yield CheckResult(name, NOT_CHECKED, why)
            continue
        try:
            check = attempt(name)
        except BenchsuiteError as error:  # of the process that tries it
            check, why = CheckResult(name, FAILED, error.message, error.hint), "its process has ended"
        yield check
        if name == _FIRST and check.verdict == FAILED:
            why = "it cannot be trained"


def _try(name: str, kit: _Kit) -> CheckResult:
    hint = "call the case's functions by hand on a batch"
    try:
        with machine.restore_settings(f"case {kit.case.name}"), wrap_errors(lambda raised: CaseError(raised, hint)):
            found = PROMISES[name](kit)
    except NotCheckedError as reason:
        return CheckResult(name, NOT_CHECKED, reason.message, reason.hint)
    except BenchsuiteError as error:
        return CheckResult(name, FAILED, error.message, error.hint)
    return CheckResult(name, PASSED, found)


def _checking(job: Job, elsewhere: Plan | None, _: process.Notify) -> Mapping[str, Callable[..., CheckResult]]:
    """The answers of a process that tries promises."""
    kit = _Kit(job.registry().case(job.name), job.settings, lambda: elsewhere)
    return {"try": lambda name: _try(name, kit)}


@dataclass(frozen=True)
class _Kit:
    """A case and what is needed to try it: mostly a short training, on little of a table.

    Args:
        case: to be tried.
        settings: what the user decided.
        given: how another process would run it, where that is known.
    """

    case: Case
    settings: TrainingSettings
    given: Callable[[], Plan | None] | None = None

    @cached_property
    def plan(self) -> Plan:
        """How the case would be run as it is."""
        return make_plan(self.whole, self.settings, self.device)

    @cached_property
    def elsewhere(self) -> Plan | None:
        """How another process would run it; None where no plugin supplies the case as it is."""
        if self.given:
            return self.given()
        supplied = load_registry().cases.get(self.case.name)
        if supplied is None:
            return None
        plan = make_plan(Problem.load(supplied, self.settings), self.settings, self.device)
        return plan_in_subprocess(Job.of(supplied, self.settings), TIME_LIMIT) if plan == self.plan else None

    @cached_property
    def whole(self) -> Problem:
        """The case as it is, with all of its data."""
        return Problem.load(self.case, self.settings)

    @cached_property
    def short(self) -> Case:
        """The case with two evaluations, on a few batches of a table and a short one, judged on all that it is."""
        if isinstance(self.case.dataset, Stream):
            every = min(self.case.schedule.evaluate_every, _STEPS)
            schedule = Schedule(steps=2 * every, evaluate_every=every, seeds=_SEEDS)
            return replace(self.case, schedule=schedule, quick=None)
        rows = _BATCHES * self.case.dataset.batch_size + 1
        split = Split(jax.tree.map(lambda column: column[:rows], self.whole.data.train), self.whole.data.test)
        little = replace(self.case.dataset, load=lambda _: split, download=None, stand_in=None)
        return replace(self.case, dataset=little, schedule=Schedule(epochs=2, seeds=_SEEDS), quick=None)

    @cached_property
    def problem(self) -> Problem:
        """The short training."""
        return Problem.load(self.short, self.settings)

    @cached_property
    def device(self) -> list[Any]:
        return list(machine.devices(self.settings.platform)[:1])

    @cached_property
    def is_large(self) -> bool:
        return not parameter_names(self.case)

    @cached_property
    def seeds(self) -> np.ndarray:
        return np.arange(_SEEDS_OF_LARGE if self.is_large else _SEEDS)

    @cached_property
    def ensemble(self) -> Ensemble:
        return Ensemble.fitting(self.problem, len(self.seeds), self.device, self.settings.precision)

    def trace(self, case: Case) -> Trace:
        """The short training of a changed case."""
        problem = Problem.load(case, self.settings)
        ensemble = Ensemble.fitting(problem, len(self.seeds), self.device, self.settings.precision)
        return ensemble.train(self.seeds)[0]

    @property
    def untrained(self) -> Case:
        """The case with a learning rate of zero, whatever its optimiser."""
        return replace(self.short, optimizer=optax.set_to_zero())


def _contract(kit: _Kit) -> str:
    """It can be trained at all, and what it names is there."""
    return f"{len(kit.plan.parameter_names) or 'many'} parameters, {kit.plan.criterion}"


def _description(kit: _Kit) -> str:
    """It says what it is about, and who asks."""
    case = kit.case
    require(case.summary.endswith("."), f"its summary is {case.summary!r}", "write a sentence")
    require(bool(case.source.strip()), "it names no source", "say who asks this: an address or a reference")
    return case.source


def _shapes(kit: _Kit) -> str:
    """Examples are float32, finite, and as many as were asked for."""
    prepare = jax.jit(kit.case.dataset.prepare)
    for what, rows, count in _rows(kit):
        x, y = prepare(rows)
        require(bool(jax.tree.leaves(x)), f"the inputs of {what} are empty", "give an array, or a tree of arrays")
        require(isinstance(y, jax.Array), f"the targets of {what} are a {type(y).__name__}", "give one array")
        for name, leaf in (*(("inputs", leaf) for leaf in jax.tree.leaves(x)), ("targets", y)):
            require(
                leaf.shape[:1] == (count,),
                f"the {name} of {what} have shape {leaf.shape}",
                f"give as many examples along the first axis as were asked for: {count}",
            )
            require(bool(jnp.isfinite(leaf).all()), f"the {name} of {what} are not all finite", "leave such ones out")
        require(
            y.dtype == jnp.float32,
            f"the targets of {what} are {y.dtype}",
            "give float32, in which all is trained; of classes, one column for each (jax.nn.one_hot)",
        )
    return f"inputs {jax.tree.leaves(x)[0].shape[1:]}, targets {y.shape[1:]}"


def _rows(kit: _Kit) -> Iterator[tuple[str, Any, int]]:
    """All examples that there are, and a batch of a stream: what they are, rows as they were drawn, how many."""
    dataset, problem = kit.case.dataset, kit.whole
    if isinstance(dataset, Stream):
        key = jax.random.fold_in(data_key(kit.case.name, 0), 0)
        yield "a batch", dataset.draw(key, dataset.batch_size), dataset.batch_size
        yield "the evaluation data", problem.data.test, dataset.evaluation_size
        return
    for what, table in (("the training data", problem.data.train), ("the evaluation data", problem.data.test)):
        count = len(jax.tree.leaves(table)[0])
        for first in range(0, count, _ROWS):
            part = slice(first, first + _ROWS)
            yield what, jax.tree.map(lambda column, part=part: column[part], table), min(_ROWS, count - first)


def _purity(kit: _Kit) -> str:
    """The same key gives the same, and functions do the same when they are called again, here or elsewhere."""
    plan = kit.plan
    data.load.cache_clear()
    again = Problem.load(kit.case, kit.settings)
    for program, digest, when in (
        (fingerprint(again.training), again.digest, "when they are called again"),
        *([(kit.elsewhere.program, kit.elsewhere.data_digest, "in another process")] if kit.elsewhere else []),
    ):
        require(
            program == plan.program,
            f"its functions make another program {when}",
            "draw random numbers from the key or rngs that is given, never from NumPy, a counter or at import",
        )
        require(
            digest == plan.data_digest,
            f"its data are others {when}",
            "draw them from the key; let load give the same whenever it is called",
        )
    differing = ""
    for finding in Audit(kit.short, kit.settings, kit.seeds).findings():
        require(
            not finding.outcomes and (finding.same or finding.way != AGAIN),
            f"trained in another way, {finding.way}, {finding.outcomes} of {finding.seeds} seeds end with another"
            f" outcome, and {finding.figures:,} of {finding.of:,} figures differ, {finding.where} by"
            f" {finding.largest:.1g}",
            "let nothing but the key decide what is drawn, and write sums such that their order does not matter much",
        )
        if not finding.same:
            differing = f", to rounding ({finding.where}, {finding.way}, by {finding.largest:.1g})"
    where = "here and in another process" if kit.elsewhere else "here, not in another process: it is not installed so"
    return f"{len(kit.seeds)} seeds end the same{differing or ' to the last bit'}; tried {where}"


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
    require(not compiled, f"a second chunk compiles {len(compiled)} programs", "let shapes not depend on the seed")
    return "a second chunk compiles nothing"


def _nan(kit: _Kit) -> str:
    """Parameters that are not numbers are seen: the seed has diverged."""

    def spoil(model: Any, _: Any) -> None:
        nnx.update(model, jax.tree.map(lambda leaf: jnp.full_like(leaf, jnp.nan), nnx.state(model, nnx.Param)))

    trace = kit.trace(kit.untrained.with_start(spoil))
    ends = set(classify(trace, kit.case.criterion).tolist())
    require(
        ends == {Outcome.DIVERGED.value},
        f"from a start that is NaN it ends as {', '.join(sorted(ends))}",
        "let its parameters be nnx.Param, and its loss be NaN where the prediction is",
    )
    require(
        not np.isfinite(trace.metrics["loss"]).any(),
        "its loss is finite where the prediction is NaN",
        "do not hide NaN with nan_to_num, max or where: what cannot be learnt from would be taken for learning",
    )
    return "a start that is NaN has diverged"


def _start(kit: _Kit) -> str:
    """A random start is no solution."""
    start = jax.jit(jax.vmap(kit.problem.training.start, in_axes=(0, None, None, None)))
    starts = np.arange(_STARTS_OF_LARGE if kit.is_large else _STARTS, dtype=np.uint32)
    of_chunks = [start(chunk, None, None, kit.problem.data)[1].metrics for chunk in starts.reshape(-1, len(kit.seeds))]
    metric = np.concatenate([metrics[kit.case.criterion.metric] for metrics in of_chunks])
    solved = int(kit.case.criterion.holds(metric).sum())
    require(
        stats.rate_interval(solved, len(starts))[0] <= _SOLVED_SHARE,
        f"{solved} of {len(starts)} random starts meet the criterion untrained",
        "ask for more, or draw starts from further away: chance alone would be a high rate",
    )
    return f"{solved} of {len(starts)} random starts meet it untrained"


def _null(kit: _Kit) -> str:
    """With a learning rate of zero, nothing succeeds that did not begin so."""
    trace = kit.trace(kit.untrained)
    held = kit.case.criterion.holds(trace.metrics[kit.case.criterion.metric])
    learnt = int((held[:, -1] & ~held[:, 0]).sum())
    require(
        not learnt,
        f"with a learning rate of 0, {learnt} of {len(held)} seeds come to meet the criterion",
        "let nothing but parameters decide what is predicted: look at running means and at what is in training only",
    )
    return "nothing is learnt with a learning rate of 0"


def _oracle(kit: _Kit) -> str:
    """The stated solution meets the criterion."""
    if kit.case.solution is None:
        raise NotCheckedError("it states no solution", "give Case(solution=…), to show that the criterion can be met")
    if kit.is_large and isinstance(kit.case.solution, Mapping):
        raise NotCheckedError("it has too many parameters to be named", "give solution as a function that sets them")
    trace = kit.trace(kit.untrained.with_start(_solver(kit.case)))
    ends = set(classify(trace, kit.case.criterion).tolist())
    require(
        ends == {Outcome.CONVERGED.value},
        f"its solution does not meet {kit.case.criterion}: it ends as {', '.join(sorted(ends))}",
        "mend the solution (the running means of BatchNorm belong to it), or ask for what the model can reach",
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
    start = jax.jit(kit.problem.training.start)
    starts = [start(jnp.uint32(seed), None, None, kit.problem.data)[0] for seed in _PAIR]
    require(
        _differ(*map(_parameters, starts)),
        "all seeds start alike",
        "draw the parameters from the rngs that the model is given",
    )
    if isinstance(kit.short.dataset, Stream):
        stream = kit.short.dataset
        keys = [data_key(kit.case.name, seed) for seed in _PAIR]
        first, other = (jax.device_get(stream.draw(jax.random.fold_in(key, 0), stream.batch_size)) for key in keys)
        require(_differ(first, other), "all seeds see the same data", "draw them from the key that is given")
        later = jax.device_get(stream.draw(jax.random.fold_in(keys[0], 1), stream.batch_size))
        require(_differ(first, later), "all steps see the same data", "draw them from the key, or make it a Table")
    return "seeds differ in start and in data"


def _parameters(state: Any) -> Any:
    """Those of a training, or of each of its restarts."""
    parts = jax.tree.leaves(state, is_leaf=lambda part: isinstance(part, State))
    return [part.parameters for part in parts if isinstance(part, State)]


def _differ(one: Any, other: Any) -> bool:
    return any(not np.array_equal(a, b) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True))


def _cost(kit: _Kit) -> str:
    """What a seed takes, for the summary."""
    _, seconds = kit.ensemble.train(kit.seeds)
    steps = kit.problem.training.steps[-1]
    each = 1e6 * seconds / steps / len(kit.seeds)
    bytes_each = kit.ensemble.predicted_bytes / kit.ensemble.chunk_size
    return f"{each:,.1f} µs a step and seed, {bytes_each / 2**20:,.2f} MiB a seed, {len(kit.seeds)} side by side"


_FIRST = "contract"

#: Every promise by name, in the order in which they are tried. Without the first one, no other can be.
PROMISES: dict[str, Callable[[_Kit], str]] = {
    _FIRST: _contract,
    "description": _description,
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
