"""How wide must a layer be to learn |x|? Two ReLUs can represent it, one cannot."""

from functools import partial

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from benchsuite import Bound, Case, Claim, Ladder, Schedule, Stream, hookimpl
from benchsuite_library.readings import bends


class Net(nnx.Module):
    """1 → `units` → 1, linear at the end."""

    def __init__(self, rngs, *, units, activation=nnx.relu, kernel_init=nnx.initializers.lecun_normal()):
        self.hidden = nnx.Linear(1, units, kernel_init=kernel_init, rngs=rngs)
        self.output = nnx.Linear(units, 1, kernel_init=kernel_init, rngs=rngs)
        self.activation = activation

    def __call__(self, x):
        return self.output(self.activation(self.hidden(x)))


def magnitude(key, n):
    x = jax.random.uniform(key, (n, 1), minval=-2, maxval=2)
    return x, abs(x)


#: One ReLU and a constant explain at most 0.314 of the variance.
ONE = [Claim("One ReLU cannot represent |x|.", Bound("r2", at_most=0.35))]


def two_sides(model):
    """One unit is x where it is positive, another -x where it is not."""
    model.hidden.kernel[...] = jnp.zeros_like(model.hidden.kernel[...]).at[0, :2].set(jnp.array([1.0, -1.0]))
    model.output.kernel[...] = jnp.zeros_like(model.output.kernel[...]).at[:2].set(1.0)
    model.hidden.bias[...], model.output.bias[...] = jnp.zeros_like(model.hidden.bias[...]), jnp.zeros(1)


def width(units):
    return Case(
        name="abs-width",
        summary="A layer of ReLU units learns |x|.",
        source="https://arxiv.org/abs/1808.04947",
        model=partial(Net, units=units),
        dataset=Stream(magnitude, batch_size=64, evaluation_size=4096),
        optimizer=partial(optax.adam, learning_rate=0.01),
        schedule=Schedule(steps=2000, evaluate_every=100, seeds=1000),
        family="abs",
        tags=("small", "regression"),
        diagnostics=[bends(units)],
        solution=two_sides if units > 1 else None,
        claims=ONE if units == 1 else (),
    )


@hookimpl
def benchsuite_cases():
    yield Ladder("abs-width", "How wide must a layer be to learn |x|?", options={"units": (1, 2, 4, 8, 16)}, case=width)
