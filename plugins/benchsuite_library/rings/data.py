"""What the cases share: three rings of a disc, and the loss of integer labels."""

import jax
import jax.numpy as jnp
import optax

from benchsuite import Case, Criterion, Schedule, Stream, accuracy


def rings(key, n):
    turn, radius = jax.random.uniform(key, (2, n))
    angle, radius = 2 * jnp.pi * turn, 3 * radius
    return jnp.stack([radius * jnp.cos(angle), radius * jnp.sin(angle)], 1), radius.astype(int)


def cross_entropy(logits, label):
    return optax.softmax_cross_entropy_with_integer_labels(logits, label).mean()


def rings_case(name, summary, source, model, at_least, **fields):
    """Return the case of a model that tells the rings apart with so much accuracy."""
    return Case(
        name=name,
        summary=summary,
        source=source,
        model=model,
        dataset=Stream(rings, batch_size=32, evaluation_size=8192),
        loss=cross_entropy,
        schedule=Schedule(steps=1000, evaluate_every=100, seeds=200),
        metrics={"accuracy": accuracy},
        criterion=Criterion("accuracy", at_least=at_least),
        family="rings",
        tags=("small", "classification"),
        **fields,
    )
