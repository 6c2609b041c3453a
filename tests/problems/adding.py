"""The adding problem."""

from functools import partial

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from benchsuite import Case, Criterion, Schedule, Stream, hookimpl


class Net(nnx.Module):
    def __init__(self, rngs):
        self.rnn, self.out = nnx.RNN(nnx.LSTMCell(2, 8, rngs=rngs)), nnx.Linear(8, 1, rngs=rngs)

    def __call__(self, x):
        return self.out(self.rnn(x)[:, -1])[:, 0]


def sequences(key, n):
    numbers, first, second = jax.random.split(key, 3)
    values = jax.random.uniform(numbers, (n, 8))
    places = (jax.random.randint(half, (n,), low, low + 4) for half, low in ((first, 0), (second, 4)))
    marks = sum(jax.nn.one_hot(place, 8) for place in places)
    return jnp.stack([values, marks], 2), (values * marks).sum(1)


@hookimpl
def benchsuite_cases():
    yield Case(
        name="adding",
        summary="An LSTM of eight units adds the two marked of eight numbers.",
        source="https://doi.org/10.1162/neco.1997.9.8.1735",
        model=Net,
        dataset=Stream(sequences, batch_size=32, evaluation_size=1024),
        optimizer=partial(optax.adam, learning_rate=0.02),
        schedule=Schedule(steps=200, evaluate_every=50, seeds=64),
        criterion=Criterion("loss", at_most=0.005),
    )
