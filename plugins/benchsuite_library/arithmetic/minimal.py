"""What the cases of one arithmetic layer share: seven distributions of inputs, and the training of their source.

Source: https://github.com/daschloer/inalu, nalu_syn_simple_arith.py. Every seed has 64,000 rows of its own, in one
order. Of ten batches, eight train ŵ and m̂, and two the gate. After epoch 10 a batch with a loss below 1 is followed by
a step that drives all parameters away from 0. In every tenth epoch, a mean loss above 1 that does not fall starts all
parameters anew from U[-2, 2].
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from benchsuite import Case, Criterion, Diagnostic, FailureRate, Ladder, Measure, Schedule

ROWS, BATCH, EPOCHS = 64_000, 64, 100
STEPS = ROWS // BATCH

#: Of ten batches, those that train the weights; up to which size and after which epoch parameters are driven from 0.
ON_WEIGHTS, FAR, LATE = 8, 20, 10

#: Losses from which on a start anew is possible.
ENOUGH = 10_000

#: Number of the range → how its inputs are drawn; normal ones have a width of six deviations and are cut there.
RANGES = {
    1: partial(lambda scale, key, shape: scale * jax.random.exponential(key, shape), 0.2),
    2: partial(lambda scale, key, shape: scale * jax.random.exponential(key, shape), 0.8),
    **{
        number: partial(lambda mean, key, shape: mean + jax.random.truncated_normal(key, -3, 3, shape), mean)
        for number, mean in ((3, 0), (4, 1), (5, -1))
    },
    6: partial(lambda key, shape: jax.random.uniform(key, shape, minval=-1, maxval=1)),
    7: partial(lambda key, shape: jax.random.uniform(key, shape, minval=-5, maxval=5)),
}


class Data(nnx.Module):
    """The key of a seed's rows, and the number of the next batch."""

    def __init__(self, rngs):
        self.key, self.step = nnx.Variable(rngs.params()), nnx.Variable(jnp.zeros((), jnp.int32))


def compare(model, inputs, operation, key, count):
    x = RANGES[inputs](key, (2, count))
    return ((model(x) - operation(*x)) ** 2).mean()


def next_loss(model, _, *, inputs, operation):
    """The mean squared error on the next batch."""
    number = model.data.step[...]
    model.data.step[...] = (number + 1) % STEPS
    return compare(model, inputs, operation, jax.random.fold_in(model.data.key[...], number), BATCH)


def interpolation(model, _, *, inputs, operation):
    """The mean squared error on as many other rows."""
    return compare(model, inputs, operation, jax.random.fold_in(model.data.key[...], STEPS), ROWS)


def between(model, _):
    """Compute the largest distance of a factor tanh(ŵ) σ(m̂) from the nearest of -1, 0 and 1."""
    factors = abs(model.factors())
    return jnp.minimum(factors, 1 - factors).max()


class State(NamedTuple):
    """Of the optimiser: mean squares, steps, the losses since the last start, and sums of their two halves."""

    squares: optax.Params
    step: jax.Array
    losses: jax.Array
    count: jax.Array
    first: jax.Array
    second: jax.Array
    second_squares: jax.Array


def alternating_rmsprop(learning_rate=0.01):
    """RMSprop of TensorFlow 1, whose mean squares start at 1, with all that the source adds."""

    def init(parameters):
        zero = jnp.zeros(())
        squares = jax.tree.map(jnp.ones_like, parameters)
        return State(squares, jnp.zeros((), jnp.int32), jnp.zeros(EPOCHS * STEPS), jnp.zeros((), int), zero, zero, zero)

    def descend(parameters, squares, gradient, chosen):
        """Make a step of the parameters whose `chosen` is true."""
        gradient = jax.tree.map(lambda g: jnp.clip(g, -0.1, 0.1), gradient)
        new = jax.tree.map(lambda s, g, c: jnp.where(c, 0.9 * s + 0.1 * g**2, s), squares, gradient, chosen)
        step = jax.tree.map(
            lambda p, s, g, c: jnp.where(c, p - learning_rate * g / jnp.sqrt(s + 1e-10), p),
            parameters, new, gradient, chosen,
        )  # fmt: skip
        return step, new

    def update(gradient, state, parameters, *, value, **_):
        epoch, on_gate = state.step // STEPS, state.step % 10 >= ON_WEIGHTS
        chosen = jax.tree_util.tree_map_with_path(lambda path, _: _is_gate(path) == on_gate, parameters)
        new, squares = descend(parameters, state.squares, gradient, chosen)
        away = jax.tree.map(lambda p: -0.05 * jnp.sign(p) * (abs(p) < FAR) / p.size, new)
        driven = jax.tree.map(lambda _: (epoch > LATE) & (value < 1), parameters)
        new, squares = descend(new, squares, away, driven)
        state, stuck = _remember(state, value, epoch)
        new = jax.tree.map(partial(jnp.where, stuck), _anew(parameters, state.step), new)
        changes = jax.tree.map(jnp.subtract, new, parameters)
        return changes, state._replace(squares=squares, step=state.step + 1)

    return optax.GradientTransformationExtraArgs(init, update)


def _is_gate(path):
    return "gate" in jax.tree_util.keystr(path)


def _remember(state, value, epoch):
    """Add a loss, and return whether the losses are too large and do not fall."""
    losses = state.losses.at[state.count].set(value)
    count = state.count + 1
    moved = jnp.where(count % 2 == 0, losses[count // 2 - 1], 0)
    first, second = state.first + moved, state.second + value - moved
    squares = state.second_squares + value**2 - moved**2
    early, late = first / (count // 2).clip(1), second / (count - count // 2)
    deviation = jnp.sqrt((squares / (count - count // 2) - late**2).clip(0))
    due = (count > ENOUGH) & (epoch > 0) & (epoch % 10 == 0)
    stuck = due & (early <= late + deviation) & (late > 1)
    kept = (jnp.where(stuck, jnp.zeros_like(kept), kept) for kept in (count, first, second, squares))
    return State(state.squares, state.step, losses, *kept), stuck


def _anew(parameters, step):
    """Draw parameters from U[-2, 2], with the bits of the old ones as a key."""
    leaves, tree = jax.tree.flatten(parameters)
    key = jax.random.fold_in(jax.random.key(0), step)
    for leaf in leaves:
        for bits in jax.lax.bitcast_convert_type(leaf.astype(jnp.float32), jnp.uint32).ravel():
            key = jax.random.fold_in(key, bits)
    keys = jax.random.split(key, len(leaves))
    drawn = [jax.random.uniform(k, leaf.shape, minval=-2, maxval=2) for k, leaf in zip(keys, leaves, strict=True)]
    return jax.tree.unflatten(tree, drawn)


def minimal(name, title, symbol, *, cell, operation, solved, solution=None):
    """Return the ladder of a cell and an operation over the ranges, of which the source solved so many of ten seeds.

    Args:
        name: of the ladder.
        title: of the cell.
        symbol: of the operation.
        cell: the model.
        operation: (a, b) → target.
        solved: for each range.
        solution: parameters that solve it, where there are any.
    """

    def case(inputs):
        return Case(
            name=name,
            summary=f"One {title} layer learns a {symbol} b.",
            source="https://github.com/daschloer/inalu/tree/master/experiment_runs/exp1",
            model=cell,
            dataset=None,
            objective=partial(next_loss, inputs=inputs, operation=operation),
            optimizer=alternating_rmsprop,
            schedule=Schedule(steps=EPOCHS * STEPS, evaluate_every=5 * STEPS, seeds=50),
            quick=Schedule(steps=20 * STEPS, evaluate_every=2 * STEPS, seeds=50),
            metrics={"interpolation": Measure(partial(interpolation, inputs=inputs, operation=operation))},
            criterion=Criterion("interpolation", at_most=1e-5),
            diagnostics=[Diagnostic("weight error", "Distance of the worst factor from -1, 0 and 1.", between)],
            solution=solution,
            family="arithmetic",
            tags=("long", "regression"),
        )

    return Ladder(
        name,
        f"From which of seven ranges does one {title} layer learn a {symbol} b?",
        options={"inputs": tuple(RANGES)},
        case=case,
        published={number: FailureRate(failed=10 - n, of=10) for number, n in zip(RANGES, solved, strict=True)},
    )
