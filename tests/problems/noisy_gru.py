"""A memory with noise."""

from functools import partial

import jax
import optax
from flax import nnx

from benchsuite import Case, Criterion, Schedule, Stream, hookimpl


class Net(nnx.Module):
    def __init__(self, rngs):
        self.rnn, self.out = nnx.RNN(nnx.GRUCell(1, 6, rngs=rngs)), nnx.Linear(6, 1, rngs=rngs)
        self.rngs = rngs

    def __call__(self, x):
        noisy = x + 0.1 * jax.random.normal(self.rngs.noise(), x.shape)
        return self.out(self.rnn(noisy)[:, -1])


def sequences(key, n):
    x = jax.random.normal(key, (n, 8, 1))
    return x, x[:, 0]


@hookimpl
def benchsuite_cases():
    yield Case(
        name="noisy-gru",
        summary="A GRU of six units gives back the first of eight numbers, with noise at every input.",
        source="https://arxiv.org/abs/1406.1078",
        model=Net,
        dataset=Stream(sequences, batch_size=32, evaluation_size=1024),
        optimizer=partial(optax.adam, learning_rate=0.02),
        schedule=Schedule(steps=150, evaluate_every=50, seeds=64),
        criterion=Criterion("r2", at_least=0.95),
    )
