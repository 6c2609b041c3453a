"""Three rings, with batch normalisation."""

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from benchsuite import Case, Criterion, Schedule, Stream, accuracy, hookimpl


def net(rngs):
    norm = nnx.BatchNorm(6, momentum=0.9, rngs=rngs)
    return nnx.Sequential(nnx.Linear(2, 6, use_bias=False, rngs=rngs), norm, nnx.relu, nnx.Linear(6, 3, rngs=rngs))


def rings(key, n):
    turn, radius = jax.random.uniform(key, (2, n))
    angle, radius = 2 * jnp.pi * turn, 3 * radius
    return jnp.stack([radius * jnp.cos(angle), radius * jnp.sin(angle)], 1), radius.astype(int)


def cross_entropy(logits, label):
    return optax.softmax_cross_entropy_with_integer_labels(logits, label).mean()


@hookimpl
def benchsuite_cases():
    yield Case(
        name="batchnorm-rings",
        summary="A 2-6-3 ReLU network with batch normalisation tells three rings apart.",
        source="https://arxiv.org/abs/1502.03167",
        model=net,
        dataset=Stream(rings, batch_size=32, evaluation_size=8192),
        loss=cross_entropy,
        optimizer=optax.adam(0.02),
        schedule=Schedule(steps=1000, evaluate_every=250, seeds=100),
        metrics={"accuracy": accuracy},
        criterion=Criterion("accuracy", at_least=0.95),
    )
