"""How wide must a layer be to learn |x|?"""

from functools import partial

import jax
import optax
from flax import nnx

from benchsuite import Case, Ladder, Schedule, Stream, hookimpl


class Net(nnx.Module):
    def __init__(self, rngs, units):
        self.hidden, self.out = nnx.Linear(1, units, rngs=rngs), nnx.Linear(units, 1, rngs=rngs)

    def __call__(self, x):
        return self.out(nnx.relu(self.hidden(x)))


def magnitude(key, n):
    x = jax.random.uniform(key, (n, 1), minval=-2, maxval=2)
    return x, abs(x)


def width(units):
    return Case(
        name="abs-width",
        summary="A layer of ReLUs learns |x|.",
        source="https://arxiv.org/abs/1808.04947",
        model=partial(Net, units=units),
        dataset=Stream(magnitude, batch_size=64, evaluation_size=4096),
        optimizer=partial(optax.adam, learning_rate=0.01),
        schedule=Schedule(steps=2000, evaluate_every=500, seeds=100),
    )


@hookimpl
def benchsuite_cases():
    yield Ladder("abs-width", "How wide must a layer be to learn |x|?", options={"units": (1, 2, 4)}, case=width)
