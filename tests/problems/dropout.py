"""Two signs, with dropout."""

from functools import partial

import jax
import optax
from flax import nnx

from benchsuite import Case, Criterion, Schedule, Stream, accuracy, hookimpl


def net(rngs):
    drop = nnx.Dropout(0.2, rngs=rngs)
    return nnx.Sequential(nnx.Linear(2, 16, rngs=rngs), nnx.relu, drop, nnx.Linear(16, 2, rngs=rngs))


def signs(key, n):
    x = jax.random.uniform(key, (n, 2), minval=-1, maxval=1)
    return x, (x.prod(1) > 0).astype(int)


def cross_entropy(logits, label):
    return optax.softmax_cross_entropy_with_integer_labels(logits, label).mean()


@hookimpl
def benchsuite_cases():
    yield Case(
        name="dropout-signs",
        summary="A 2-16-2 ReLU network with dropout learns whether two numbers have the same sign.",
        source="https://jmlr.org/papers/v15/srivastava14a.html",
        model=net,
        dataset=Stream(signs, batch_size=32, evaluation_size=8192),
        loss=cross_entropy,
        optimizer=partial(optax.adam, learning_rate=0.02),
        schedule=Schedule(steps=400, evaluate_every=100, seeds=64),
        metrics={"accuracy": accuracy},
        criterion=Criterion("accuracy", at_least=0.97),
    )
