"""The training of one seed as pure functions: initialise, scan over optimiser steps, evaluate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax.flatten_util import ravel_pytree

from benchsuite.case import Case, Schedule, Split
from benchsuite.engine import prng
from benchsuite.engine.model import (
    blame,
    call_model,
    graph_of,
    guard,
    make_model,
    prediction_spread,
    scalar,
    split_variables,
    tree_size,
)
from benchsuite.engine.objective import (
    Count,
    Metrics,
    Part,
    as_count,
    check_criterion,
    converted,
    count_evaluations,
    judged_parameters,
    parts_of,
    widened,
    without_collisions,
)
from benchsuite.engine.optimizers import HINT, Recorder, quickly
from benchsuite.engine.source import Step, source_of
from benchsuite.results import PARAMETERS_KEPT, SPREAD


class State(NamedTuple):
    """A training between two steps: parameters, the model's other variables, and the optimiser's state.

    With players, `optimizer` is a tuple with the state of each.
    """

    parameters: Any
    rest: Any
    optimizer: Any


class Evaluation(NamedTuple):
    """One evaluation of one seed; the fields are those of `Trace`, without its first two axes."""

    train: Metrics
    metrics: Metrics
    gradient_norm: jax.Array
    finite: jax.Array
    parameters: jax.Array


#: {option: value} of a sweep, or None.
Setting = Mapping[str, jax.Array] | None


@dataclass(frozen=True)
class Training:
    """The training of one seed as three pure functions, and as JAX traced them.

    `setting` is {option: value} of the options that the case sweeps over; None where it sweeps over none.

    Args:
        start: (seed, setting, parameters, data) → (State, Evaluation) before the first step. `parameters` is None to
            draw them from the seed, or an array (p,) in the order of `parameter_names`.
        advance: (seed, setting, State, period, data) → (State, Evaluation) after one period of the schedule.
        diagnose: (setting, State, data) → {name: value} of the case's diagnostics of the model.
        steps: optimiser steps taken before each evaluation, from 0 to the end.
        traced: the three functions traced for one seed; calling one repeats its operations without the case's code.
    """

    start: Callable[[jax.Array, Setting, jax.Array | None, Split], tuple[Any, Evaluation]]
    advance: Callable[[jax.Array, Setting, Any, jax.Array, Split], tuple[Any, Evaluation]]
    diagnose: Callable[[Setting, Any, Split], dict[str, jax.Array]]
    steps: tuple[int, ...]
    traced: tuple[Any, ...] = ()

    @property
    def evaluation(self) -> Evaluation:
        """The shapes of an evaluation of one seed."""
        evaluation: Evaluation = self.traced[0].out_info[1]
        return evaluation


class Loop(NamedTuple):
    """The training of one seed, given the keys that initialise its model and draw its data.

    Args:
        start: (key, parameters, data) → (State, Evaluation), parameters as in `Training`.
        advance: (key, State, period, data) → (State, Evaluation).
        diagnose: (State, data) → diagnostics.
    """

    start: Callable[[jax.Array, jax.Array | None, Split], tuple[Any, Evaluation]]
    advance: Callable[[jax.Array, Any, jax.Array, Split], tuple[Any, Evaluation]]
    diagnose: Callable[[Any, Split], dict[str, jax.Array]]


def make_training(case: Case, schedule: Schedule, data: Split) -> Training:
    """Make the training of one seed of a case.

    Args:
        case: the case to train.
        schedule: the case's own or its quick one.
        data: arrays, or their shapes.

    Raises:
        CaseError: a function of the case fails on its data, or returns a wrong shape.
    """
    loop = _loops(case, schedule, data)

    def start(seed: jax.Array, setting: Setting, pinned: jax.Array | None, data: Split) -> tuple[Any, Evaluation]:
        return loop(setting).start(prng.start_key(case.name, seed), pinned, data)

    def advance(
        seed: jax.Array, setting: Setting, state: Any, period: jax.Array, data: Split
    ) -> tuple[Any, Evaluation]:
        return loop(setting).advance(prng.data_key(case.name, seed), state, period, data)

    def diagnose(setting: Setting, state: Any, data: Split) -> dict[str, jax.Array]:
        return loop(setting).diagnose(state, data)

    return Training(start, advance, diagnose, evaluation_steps(case, schedule, data))


def _loops(case: Case, schedule: Schedule, data: Split) -> Callable[[Setting], Loop]:
    """Make the function setting → Loop; the same loop for all where the case sweeps over nothing."""

    def loop_of(case: Case) -> Loop:
        loop = _make_loop(case, schedule, data)
        return loop if case.restarts == 1 else _best_of(loop, case)

    if case.sweep is None:
        loop = loop_of(case)
        return lambda _: loop
    at = case.sweep.at
    return lambda setting: loop_of(at(setting or {}))


def record_steps(case: Case, schedule: Schedule, data: Split, seeds: Any) -> list[tuple[Part, Any]]:
    """Train seeds (n,) for one period, and record what their optimisers do.

    The case has no restarts and no sweep, and the data are arrays.

    Returns:
        Each part of the case with the record of its optimiser, NumPy arrays with the seeds along the first axis.
    """
    parts = parts_of(case)
    loop = _make_loop(case, schedule, data, _recorders(parts))

    def records(seed: jax.Array, data: Split) -> list[Any]:  # XLA removes the evaluations, which are not returned
        state, _ = loop.start(prng.start_key(case.name, seed), None, data)
        state, _ = loop.advance(prng.data_key(case.name, seed), state, jnp.int32(0), data)
        return [memory.record for memory in _memories(case, state)]

    found = guard(case, "training", lambda: quickly(jax.vmap(records, in_axes=(0, None)))(seeds, data))
    return list(zip(parts, jax.device_get(found), strict=True))


def _recorders(parts: Sequence[Part]) -> list[Part]:
    return [part._replace(optimizer=Recorder(part.optimizer)) for part in parts]  # type: ignore[arg-type]  # called alike


def _make_loop(case: Case, schedule: Schedule, data: Split, parts: Sequence[Part] = ()) -> Loop:
    parts, graph = parts or parts_of(case), graph_of(case, training=False)
    step, evaluate = _make_step(case, parts), _make_evaluate(case, graph, parts)
    run_period = source_of(case.dataset).period(schedule.evaluate_every, step, data)

    def begin(key: jax.Array, pinned: jax.Array | None) -> State:
        parameters, rest = split_variables(make_model(case, nnx.Rngs(key)))
        parameters = converted(parameters, case.dtype)
        if case.dtype == "float64":  # narrower types keep running means and the like in float32
            rest = converted(rest, case.dtype)
        if pinned is not None:
            flat, unravel = ravel_pytree(parameters)
            parameters = unravel(pinned if flat.dtype == pinned.dtype else pinned.astype(flat.dtype))
        memories = tuple(_initialised(part, parameters) for part in parts)
        return State(parameters, rest, memories if case.players else memories[0])

    def names(data: Split) -> list[str]:
        """The names of the training metrics."""
        if case.is_supervised:
            return ["loss", *case.prediction_metrics]
        key = prng.key(0)

        def train() -> Metrics:
            return run_period(key, begin(key, None), jnp.int32(0), data)[1]

        return list(jax.eval_shape(train))

    def start(key: jax.Array, pinned: jax.Array | None, data: Split) -> tuple[State, Evaluation]:
        state = begin(key, pinned)
        return state, evaluate(state, dict.fromkeys(names(data), jnp.float32(jnp.nan)), data)

    def advance(key: jax.Array, state: State, period: jax.Array, data: Split) -> tuple[State, Evaluation]:
        state, train = run_period(key, state, period, data)
        return state, evaluate(state, train, data)

    return Loop(start, advance, _make_diagnose(case, graph, parts))


def _best_of(loop: Loop, case: Case) -> Loop:
    """Train several starts of a seed on the same batches; every evaluation is that of the best of them."""

    def best(states: Any, evaluations: Evaluation) -> tuple[Any, Evaluation]:
        scores = _score(evaluations.metrics[case.criterion.metric]) * (1 if case.criterion.at_most is None else -1)
        chosen = jnp.argmax(jnp.where(jnp.isnan(scores), -jnp.inf, scores))
        return (states, chosen), jax.tree.map(lambda values: values[chosen], evaluations)

    def start(key: jax.Array, pinned: jax.Array | None, data: Split) -> tuple[Any, Evaluation]:
        # The first start is the one that the seed has without restarts.
        keys = jnp.stack([key, *(jax.random.fold_in(key, number) for number in range(1, case.restarts))])
        return best(*jax.vmap(loop.start, in_axes=(0, None, None))(keys, pinned, data))

    def advance(key: jax.Array, state: Any, period: jax.Array, data: Split) -> tuple[Any, Evaluation]:
        return best(*jax.vmap(loop.advance, in_axes=(None, 0, None, None))(key, state[0], period, data))

    def diagnose(state: Any, data: Split) -> dict[str, jax.Array]:
        states, chosen = state
        return loop.diagnose(jax.tree.map(lambda values: values[chosen], states), data)

    return Loop(start, advance, diagnose)


def _score(metric: Any) -> Any:
    return metric.hits.astype(jnp.float32) if isinstance(metric, Count) else metric


def evaluation_steps(case: Case, schedule: Schedule, data: Split) -> tuple[int, ...]:
    """Count the optimiser steps taken before each evaluation: 0, and the end of every period."""
    every = schedule.evaluate_every * source_of(case.dataset).steps_per_unit(data)
    return tuple(every * period for period in range(schedule.periods + 1))


def _make_step(case: Case, parts: Sequence[Part]) -> Step:
    update = _make_update(graph_of(case, training=True))

    def step(state: State, batch: Any) -> tuple[State, Metrics]:
        batch = converted(batch, case.dtype)
        if not case.players:
            return update(parts[0], state, batch)
        recorded, memories = [], list(state.optimizer)
        for number, part in enumerate(parts):
            turn = state._replace(optimizer=memories[number])
            turn, metrics = jax.lax.scan(partial(_repeat, update, part, batch), turn, length=part.steps)
            recorded.append(jax.tree.map(jnp.mean, metrics))
            memories[number], state = turn.optimizer, turn
        return state._replace(optimizer=tuple(memories)), without_collisions(recorded)

    return step


def _make_update(graph: Any) -> Callable[[Part, State, Any], tuple[State, Metrics]]:
    """Make the function that updates the parameters of one part, with the state of its optimiser."""

    def update(part: Part, state: State, batch: Any) -> tuple[State, Metrics]:
        own, among = part.split(state.parameters)

        def loss_of(own: Any, rest: Any, batch: Any) -> tuple[jax.Array, tuple[Any, Metrics]]:
            model = nnx.merge(graph, among(own), rest, copy=True)  # a copy, since BatchNorm and the like set variables
            loss, metrics = part.objective.assess(model, batch)
            return loss, (split_variables(model)[1], metrics)

        with blame(part.optimizer.name, HINT):
            done = part.optimizer.step(loss_of, own, state.rest, state.optimizer, batch)
        rest = jax.tree.map(_of_one_type, done.rest, state.rest)
        return State(among(done.parameters), rest, done.memory), done.metrics

    return update


def _initialised(part: Part, parameters: Any) -> Any:
    with blame(part.optimizer.name, HINT):
        return part.optimizer.init(part.split(parameters)[0])


def _repeat(update: Callable[[Part, State, Any], Any], part: Part, batch: Any, state: State, _: None) -> Any:
    return update(part, state, batch)


def _of_one_type(new: jax.Array, old: jax.Array) -> jax.Array:
    """Convert a variable to the type that it had, as running means in bfloat16 are float32 after an update."""
    return new if new.dtype == old.dtype else new.astype(old.dtype)


def _memories(case: Case, state: State) -> tuple[Any, ...]:
    """The states of the optimisers of all parts."""
    return state.optimizer if case.players else (state.optimizer,)


def _judged(case: Case, parts: Sequence[Part], state: State) -> State:
    """The same training with the parameters that are judged, where those are not the trained ones."""
    return state._replace(parameters=judged_parameters(parts, _memories(case, state), state.parameters))


def _make_diagnose(case: Case, graph: Any, parts: Sequence[Part]) -> Callable[[State, Split], dict[str, jax.Array]]:
    def merged(state: State) -> Any:
        return nnx.merge(graph, state.parameters, state.rest, copy=True)

    def diagnose(state: State, data: Split) -> dict[str, jax.Array]:
        counted = count_evaluations(parts, _memories(case, state))
        state = _judged(case, parts, state)
        batch = converted(source_of(case.dataset).prepare(data.test), case.dtype)
        given = batch if case.is_supervised else (batch,)
        functions = {d.name: d.of_model for d in case.diagnostics if d.of_model is not None}
        found = {}
        for name, function in functions.items():
            with blame(f"diagnostic {name!r}"):
                found[name] = scalar(name, jnp.float32(function(merged(state), *given)))
        if case.is_supervised:
            prediction = call_model(merged(state), given[0])
            found |= {SPREAD: prediction_spread(prediction)} if hasattr(prediction, "shape") else {}
        return found | counted

    return diagnose


def _make_evaluate(case: Case, graph: Any, parts: Sequence[Part]) -> Callable[[State, Metrics, Split], Evaluation]:
    def look(part: Part, state: State, batch: Any) -> tuple[Any, Any]:
        """The gradient over the part's own parameters, and what its metrics are computed from."""
        own, among = part.split(state.parameters)

        def loss_of(own: Any) -> tuple[jax.Array, Any]:
            return part.objective.look(nnx.merge(graph, among(own), state.rest, copy=True), batch)

        return jax.grad(loss_of, has_aux=True)(own)

    def measures(state: State, batch: Any) -> Metrics:
        found = {}
        for name, measure in case.measures.items():
            model = nnx.merge(graph, state.parameters, state.rest, copy=True)
            with blame(f"metric {name!r}"):
                found[name] = as_count(name, measure.function(model, batch), batch)
        return found

    def evaluate(state: State, train: Metrics, data: Split) -> Evaluation:
        state = _judged(case, parts, state)
        batch = converted(source_of(case.dataset).prepare(data.test), case.dtype)
        gradients, seen = zip(*(look(part, state, batch) for part in parts), strict=True)
        flat = ravel_pytree(state.parameters)[0] if tree_size(state.parameters) <= PARAMETERS_KEPT else jnp.zeros(0)
        measured = [part.objective.measure(of, batch) for part, of in zip(parts, seen, strict=True)]
        metrics = without_collisions([*measured, measures(state, batch)])
        check_criterion(case, metrics)
        return Evaluation(
            train,
            metrics,
            optax.tree.norm(jax.tree.map(widened, gradients if case.players else gradients[0])),
            jnp.stack([jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(state.parameters)]).all(),
            flat,
        )

    return evaluate
