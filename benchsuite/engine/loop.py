"""The training of one seed: key → initialise → scan over steps → evaluate. Pure JAX: no vmap, device, clock or file."""

from __future__ import annotations

import hashlib
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import flax
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.flatten_util import ravel_pytree

from benchsuite.case import Case, Schedule, Stream, Table
from benchsuite.engine import prng
from benchsuite.errors import BenchsuiteError, CaseError, wrap_errors
from benchsuite.results import PARAMETERS_KEPT

_INITIALISE, _DATA = 0, 1

T = TypeVar("T")

#: What lies between the functions of a case and what calls them.
_LIBRARIES = tuple(
    f"{Path(str(path)).parent}{os.sep}" for path in (__file__, *(p.__file__ for p in (jax, flax, optax, np)))
)


class Data(NamedTuple):
    """What a seed trains on (rows of a table; None for a stream) and is evaluated on (rows), on the device."""

    train: Any
    test: Any


class State(NamedTuple):
    """A training between two steps: parameters, the model's other variables, and the optimiser's state."""

    parameters: Any
    rest: Any
    optimizer: Any


#: Metrics of training batches by name.
Metrics = dict[str, jax.Array]

#: (state, x, y) → (state, metrics before the update)
Step = Callable[[State, Any, Any], tuple[State, Metrics]]

#: (key, state, period, data) → (state, their means over the period)
Period = Callable[[jax.Array, State, jax.Array, Data], tuple[State, Metrics]]


class Evaluation(NamedTuple):
    """One evaluation of one seed; the fields are those of `Trace`, without its first two axes."""

    train: Metrics
    metrics: Metrics
    gradient_norm: jax.Array
    finite: jax.Array
    parameters: jax.Array


@dataclass(frozen=True)
class Training:
    """The training of one seed as pure functions, to be compiled together for many.

    The setting is the value of the option that the case sweeps over; None where it sweeps over none.

    Args:
        start: (seed, setting, parameters, data) → (State, Evaluation) before the first step; None draws the parameters
            from the seed, an array (p,) in the order of `parameter_names` pins them.
        advance: (seed, setting, State, period, data) → (State, Evaluation) after one period of the schedule.
        diagnose: (setting, State, data) → the case's diagnostics of the model, by name.
        steps: optimiser steps taken before each evaluation, from 0 to the end.
        traced: the three functions as they are traced for one seed.
    """

    start: Callable[[jax.Array, jax.Array | None, jax.Array | None, Data], tuple[Any, Evaluation]]
    advance: Callable[[jax.Array, jax.Array | None, Any, jax.Array, Data], tuple[Any, Evaluation]]
    diagnose: Callable[[jax.Array | None, Any, Data], dict[str, jax.Array]]
    steps: tuple[int, ...]
    traced: tuple[Any, ...] = ()


class Loop(NamedTuple):
    """The training of one seed from a key for its start and one for its data.

    Args:
        start: (key, parameters, data) → (State, Evaluation), parameters as in `Training`.
        advance: (key, State, period, data) → (State, Evaluation).
        diagnose: (State, data) → diagnostics.
    """

    start: Callable[[jax.Array, jax.Array | None, Data], tuple[Any, Evaluation]]
    advance: Callable[[jax.Array, Any, jax.Array, Data], tuple[Any, Evaluation]]
    diagnose: Callable[[Any, Data], dict[str, jax.Array]]


def _fold_in_name(key: jax.Array, name: str) -> jax.Array:
    return jax.random.fold_in(key, int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big"))


def seed_key(case: str, seed: jax.Array | int) -> jax.Array:
    """The key that everything random of one seed of a case comes from, whatever it is trained beside."""
    return jax.random.fold_in(_fold_in_name(prng.key(0), case), seed)


def data_key(case: str, seed: jax.Array | int) -> jax.Array:
    """The key that the batches of one seed of a case are drawn with."""
    return jax.random.fold_in(seed_key(case, seed), _DATA)


def draw_evaluation_data(case: Case, stream: Stream) -> Any:
    """The rows of the case's stream that every seed is evaluated on.

    Raises:
        CaseError: drawing them fails.
    """
    key = _fold_in_name(_fold_in_name(prng.key(0), "evaluation"), case.name)
    rows = guard(case, "data", lambda: stream.draw(key, stream.evaluation_size))
    for leaf in jax.tree.leaves(rows) or [rows]:
        if not isinstance(leaf, jax.Array):
            raise CaseError(f"case {case.id}: among its data is a {type(leaf).__name__}", "let Stream.draw give arrays")
    return rows


def make_training(case: Case, schedule: Schedule, data: Data) -> Training:
    """The training of one seed of `case` under `schedule`.

    Args:
        case: what to train.
        schedule: the case's own or its quick one.
        data: arrays, or their shapes.

    Raises:
        CaseError: a function of the case fails on its data, or gives a wrong shape.
    """
    loop = _loops(case, schedule, data)

    def start(
        seed: jax.Array, setting: jax.Array | None, pinned: jax.Array | None, data: Data
    ) -> tuple[Any, Evaluation]:
        return loop(setting).start(jax.random.fold_in(seed_key(case.name, seed), _INITIALISE), pinned, data)

    def advance(
        seed: jax.Array, setting: jax.Array | None, state: Any, period: jax.Array, data: Data
    ) -> tuple[Any, Evaluation]:
        return loop(setting).advance(data_key(case.name, seed), state, period, data)

    def diagnose(setting: jax.Array | None, state: Any, data: Data) -> dict[str, jax.Array]:
        return loop(setting).diagnose(state, data)

    training = Training(start, advance, diagnose, evaluation_steps(case, schedule, data))
    return replace(training, traced=_traced(case, training, data))


def _loops(case: Case, schedule: Schedule, data: Data) -> Callable[[jax.Array | None], Loop]:
    """The training at a value of the option that the case sweeps over, made once where it sweeps over none."""

    def loop_of(case: Case) -> Loop:
        loop = _make_loop(case, schedule, data)
        return loop if case.restarts == 1 else _best_of(loop, case)

    if case.sweep is None:
        loop = loop_of(case)
        return lambda _: loop
    at = case.sweep.at
    return lambda setting: loop_of(at(setting))


def _make_loop(case: Case, schedule: Schedule, data: Data) -> Loop:
    optimizer = guard(case, "optimizer", case.make_optimizer)
    step, evaluate = _make_step(case, optimizer), _make_evaluate(case)
    run_period = _make_period(case.dataset, schedule.evaluate_every, step, data)

    def start(key: jax.Array, pinned: jax.Array | None, data: Data) -> tuple[State, Evaluation]:
        parameters, rest = _variables(_make_model(case, nnx.Rngs(key)))
        if pinned is not None:
            parameters = ravel_pytree(parameters)[1](pinned)
        state = State(parameters, rest, optimizer.init(parameters))
        return state, evaluate(state, dict.fromkeys(("loss", *case.metrics), jnp.float32(jnp.nan)), data)

    def advance(key: jax.Array, state: State, period: jax.Array, data: Data) -> tuple[State, Evaluation]:
        state, train = run_period(key, state, period, data)
        return state, evaluate(state, train, data)

    return Loop(start, advance, _make_diagnose(case))


def _best_of(loop: Loop, case: Case) -> Loop:
    """The same from several starts, on the same batches: at every evaluation, the best of them speaks for the seed."""

    def best(states: Any, evaluations: Evaluation) -> tuple[Any, Evaluation]:
        scores = evaluations.metrics[case.criterion.metric] * (1 if case.criterion.at_most is None else -1)
        chosen = jnp.argmax(jnp.where(jnp.isnan(scores), -jnp.inf, scores))
        return (states, chosen), jax.tree.map(lambda values: values[chosen], evaluations)

    def start(key: jax.Array, pinned: jax.Array | None, data: Data) -> tuple[Any, Evaluation]:
        # The first is the start that the seed has without restarts.
        keys = jnp.stack([key, *(jax.random.fold_in(key, number) for number in range(1, case.restarts))])
        return best(*jax.vmap(loop.start, in_axes=(0, None, None))(keys, pinned, data))

    def advance(key: jax.Array, state: Any, period: jax.Array, data: Data) -> tuple[Any, Evaluation]:
        return best(*jax.vmap(loop.advance, in_axes=(None, 0, None, None))(key, state[0], period, data))

    def diagnose(state: Any, data: Data) -> dict[str, jax.Array]:
        states, chosen = state
        return loop.diagnose(jax.tree.map(lambda values: values[chosen], states), data)

    return Loop(start, advance, diagnose)


def evaluation_steps(case: Case, schedule: Schedule, data: Data) -> tuple[int, ...]:
    """The optimiser steps taken before each evaluation: 0, and the end of every period."""
    every = schedule.evaluate_every
    if isinstance(case.dataset, Table):
        every *= -(-_rows(data) // case.dataset.batch_size)
    return tuple(every * period for period in range(schedule.periods + 1))


def _make_step(case: Case, optimizer: optax.GradientTransformation) -> Step:
    graph = _graph(case)

    def loss_of(parameters: Any, rest: Any, x: Any, y: Any) -> tuple[jax.Array, tuple[Any, Metrics]]:
        model = nnx.merge(graph, parameters, rest, copy=True)  # variables of its own, for BatchNorm and the like to set
        prediction = _predict(model, x, y)
        metrics = {name: _scalar(name, metric(prediction, y)) for name, metric in case.metrics.items()}
        loss = _scalar("loss", case.loss(prediction, y))
        return loss, (_variables(model)[1], {"loss": loss, **metrics})

    def step(state: State, x: Any, y: Any) -> tuple[State, Metrics]:
        gradient, (rest, metrics) = jax.grad(loss_of, has_aux=True)(state.parameters, state.rest, x, y)
        updates, memory = optimizer.update(gradient, state.optimizer, state.parameters)
        return State(optax.apply_updates(state.parameters, updates), rest, memory), metrics

    return step


def _make_diagnose(case: Case) -> Callable[[State, Data], dict[str, jax.Array]]:
    graph = _graph(case, training=False)

    def diagnose(state: State, data: Data) -> dict[str, jax.Array]:
        model, (x, y) = nnx.merge(graph, state.parameters, state.rest), case.dataset.prepare(data.test)
        functions = {d.name: d.of_model for d in case.diagnostics if d.of_model is not None}
        return {name: _scalar(name, jnp.float32(function(model, x, y))) for name, function in functions.items()}

    return diagnose


def _make_evaluate(case: Case) -> Callable[[State, Metrics, Data], Evaluation]:
    graph = _graph(case, training=False)

    def evaluate(state: State, train: Metrics, data: Data) -> Evaluation:
        x, y = case.dataset.prepare(data.test)

        def loss_of(parameters: Any) -> tuple[jax.Array, Any]:
            prediction = _predict(nnx.merge(graph, parameters, state.rest), x, y)
            return _scalar("loss", case.loss(prediction, y)), prediction

        gradient, prediction = jax.grad(loss_of, has_aux=True)(state.parameters)
        flat = ravel_pytree(state.parameters)[0] if _size(state.parameters) <= PARAMETERS_KEPT else jnp.zeros(0)
        return Evaluation(
            train,
            {name: _scalar(name, metric(prediction, y)) for name, metric in case.all_metrics.items()},
            optax.tree.norm(gradient),
            jnp.stack([jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(state.parameters)]).all(),
            flat,
        )

    return evaluate


def _make_period(dataset: Stream | Table, every: int, step: Step, data: Data) -> Period:
    """The steps between two evaluations: (key, state, period, data) → (state, training metrics)."""
    if isinstance(dataset, Stream):
        return _stream_period(dataset, every, step)
    return _table_period(dataset, every, step, _rows(data))


def _stream_period(dataset: Stream, every: int, step: Step) -> Period:
    def period_of_steps(key: jax.Array, state: State, period: jax.Array, _: Data) -> tuple[State, Metrics]:
        def draw(number: jax.Array) -> Any:
            return dataset.draw(jax.random.fold_in(key, number), dataset.batch_size)

        def run_step(state: State, number: jax.Array) -> tuple[State, Metrics]:
            return step(state, *dataset.prepare(drawn_once(draw, number)))

        state, metrics = jax.lax.scan(run_step, state, period * every + jnp.arange(every))
        return state, jax.tree.map(jnp.mean, metrics)

    return period_of_steps


def drawn_once(draw: Callable[[jax.Array], Any], number: jax.Array) -> Any:
    """What `draw` gives for a number of at least 0, kept for all that is made of it.

    XLA would draw it again for each of these. On a CPU, whose XLA takes no notice of a barrier, only a branch keeps it
    from that; elsewhere a branch would have the host wait for the device.
    """

    def in_branch(number: jax.Array) -> Any:
        def empty(_: jax.Array) -> Any:
            return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(draw, number))

        return jax.lax.cond(number >= 0, draw, empty, number)

    def behind_barrier(number: jax.Array) -> Any:
        return jax.lax.optimization_barrier(draw(number))

    return jax.lax.platform_dependent(number, cpu=in_branch, default=behind_barrier)


def _table_period(dataset: Table, every: int, step: Step, rows: int) -> Period:
    """Epochs over all rows, each in an order of its own; the short last batch is a step of its own.

    The training metrics are those of the last epoch: means over examples, each batch before its update, as Keras
    reports them (`BaseLogger` in keras/callbacks.py of 2.2.4).
    """
    size = dataset.batch_size
    full, short = divmod(rows, size)

    def period_of_epochs(key: jax.Array, state: State, period: jax.Array, data: Data) -> tuple[State, Metrics]:
        def run_batch(state: State, chosen: jax.Array) -> tuple[State, Metrics]:
            return step(state, *dataset.prepare(jax.tree.map(lambda column: column[chosen], data.train)))

        def run_epoch(state: State, number: jax.Array) -> tuple[State, Metrics]:
            order = jax.random.permutation(jax.random.fold_in(key, number), rows)
            state, metrics = jax.lax.scan(run_batch, state, order[: full * size].reshape(full, size))
            total = jax.tree.map(lambda batches: batches.sum() * size, metrics)
            if short:
                state, last = run_batch(state, order[full * size :])
                total = jax.tree.map(lambda so_far, batch: so_far + batch * short, total, last)
            return state, jax.tree.map(lambda value: value / rows, total)

        state, metrics = jax.lax.scan(run_epoch, state, period * every + jnp.arange(every))
        return state, jax.tree.map(lambda epochs: epochs[-1], metrics)

    return period_of_epochs


def fingerprint(training: Training) -> str:
    """A digest of the program that trains one seed: two trainings that share it do the same to the same data."""
    text = "".join(traced.lower().as_text() for traced in training.traced)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


_SEED, _PERIOD = jax.ShapeDtypeStruct((), jnp.uint32), jax.ShapeDtypeStruct((), jnp.int32)


def _setting(case: Case) -> jax.ShapeDtypeStruct | None:
    return jax.ShapeDtypeStruct((), jnp.float32) if case.sweep else None


def parameter_names(case: Case) -> list[str]:
    """The names of the values in `Trace.parameters`, such as "w" or "kernel[0, 1]"; empty where there are too many."""
    parameters = nnx.to_pure_dict(nnx.state(_abstract_model(case), nnx.Param))
    if _size(parameters) > PARAMETERS_KEPT:
        return []
    names = []
    for path, leaf in jax.tree_util.tree_flatten_with_path(parameters)[0]:
        stem = ".".join(str(part.key) for part in path)
        names += [stem + (str(list(index)) if index else "") for index in np.ndindex(*leaf.shape)]
    return names


def _make_model(case: Case, rngs: nnx.Rngs) -> nnx.Module:
    model = case.model(rngs)
    if not isinstance(model, nnx.Module):
        raise CaseError(f"its model is a {type(model).__name__}", "let case.model return a flax.nnx.Module")
    return model


def _variables(model: nnx.Module) -> tuple[Any, Any]:
    """The model's parameters, and all else that may change while it trains."""
    _, parameters, rest = nnx.split(model, nnx.Param, ...)  # type: ignore[misc]  # flax types it as a pair
    return parameters, rest


def _abstract_model(case: Case) -> Any:
    model = guard(case, "model", lambda: nnx.eval_shape(lambda: _make_model(case, nnx.Rngs(0))))
    if not jax.tree.leaves(nnx.state(model, nnx.Param)):
        raise CaseError(f"case {case.id}: its model has no parameters", "let what is trained be nnx.Param")
    return model


def _graph(case: Case, training: bool = True) -> Any:
    """The model's static structure, with dropout and the like on or off."""
    model = _abstract_model(case)
    guard(case, "model", model.train if training else model.eval)
    return nnx.split(model)[0]


def _predict(model: Any, x: Any, y: Any) -> Any:
    prediction = model(x)
    if getattr(prediction, "shape", None) != y.shape:
        raise CaseError(
            f"the model gives shape {getattr(prediction, 'shape', None)} where the target has {y.shape}",
            "let the model's output have the shape of the target: broadcasting would train on another task",
        )
    return prediction


def _scalar(name: str, value: Any) -> Any:
    shape = getattr(value, "shape", ())
    if shape != ():
        raise CaseError(
            f"its {name} has shape {shape}, not that of one number", f"let {name} end in a mean over the batch"
        )
    return value


def _traced(case: Case, training: Training, data: Data) -> tuple[Any, ...]:
    """The functions of a training as JAX traces them for one seed.

    Raises:
        CaseError: as `make_training`.
    """
    if isinstance(case.dataset, Table):
        rows = _rows(data)
        if case.dataset.batch_size > rows:
            raise CaseError(
                f"case {case.id}: batches of {case.dataset.batch_size} from {rows} training examples",
                f"choose a batch_size of at most {rows}",
            )
    setting = _setting(case)
    start = guard(case, "evaluation", lambda: jax.jit(training.start).trace(_SEED, setting, None, data))
    state, _ = start.out_info
    return (
        start,
        guard(case, "training", lambda: jax.jit(training.advance).trace(_SEED, setting, state, _PERIOD, data)),
        guard(case, "diagnostics", lambda: jax.jit(training.diagnose).trace(setting, state, data)),
    )


def guard(case: Case, what: str, call: Callable[[], T]) -> T:
    """What a call gives in which functions of a case are traced or run.

    Raises:
        CaseError: it failed; the message has the line of the plugin.
    """
    hint = "call the case's model, data and loss by hand on one batch"
    with wrap_errors(lambda raised: CaseError(f"case {case.id}: its {what} failed: {raised}{_place()}", hint)):
        try:
            return call()
        except BenchsuiteError as error:
            raise CaseError(f"case {case.id}: {error.message}", error.hint) from error


def _place() -> str:
    """The last line outside of the libraries of what is being raised, if there is one."""
    for frame in reversed(traceback.extract_tb(sys.exc_info()[2])):
        if not frame.filename.startswith(_LIBRARIES):
            return f" ({Path(frame.filename).name}, line {frame.lineno})"
    return ""


def _rows(data: Data) -> int:
    return len(jax.tree.leaves(data.train)[0])


def _size(tree: Any) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(tree))
