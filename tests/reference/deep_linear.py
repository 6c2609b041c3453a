"""Scalar layers that shall multiply to one, from N(0, 1), gradient descent 0.02: loss below 1e-3."""

import jax
import jax.numpy as jnp
import optax

from reference.common import train_all


def value(p, _):
    return (jnp.prod(p) - 1) ** 2 / 2


def successes(seeds, depth):
    """Count the starts that reach it in 2,000 steps."""

    def init(key):
        return jax.random.normal(key, (depth,))

    return train_all(init, value, optax.sgd(0.02), 2000, lambda p, _: value(p, _) <= 1e-3, seeds)
