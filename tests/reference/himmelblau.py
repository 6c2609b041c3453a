"""Himmelblau's function from U(-5, 5)², Adam 0.1: below 1e-6 after 500 steps."""

import jax
import optax

from reference.common import train_all


def value(p, _):
    return (p[0] ** 2 + p[1] - 11) ** 2 + (p[0] + p[1] ** 2 - 7) ** 2


def init(key):
    return jax.random.uniform(key, (2,), minval=-5, maxval=5)


def successes(seeds):
    """Count the starts that reach one of the four minima."""
    return train_all(init, value, optax.adam(0.1), 500, lambda p, _: value(p, _) <= 1e-6, seeds)
