"""a + b mod 5 from embeddings of two numbers, 4-8-5 ReLU, full batch, Adam 0.02: all 25 rows right."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from reference.common import LABELS, dense, layers, train_all

A, B = (jnp.array(index.ravel()) for index in np.indices((5, 5)))
SUM = (A + B) % 5


def init(key):
    first, second = jax.random.split(key)
    return jax.random.normal(first, (5, 2)), layers(second, 4, 8, 5)


def output(p):
    return dense(p[1], jnp.concatenate([p[0][A], p[0][B]], 1), jax.nn.relu)


def loss(p, _):
    return LABELS(output(p), SUM).mean()


def good(p, _):
    return (output(p).argmax(1) == SUM).all()


def successes(seeds):
    """Count the seeds that add all pairs rightly after 600 steps."""
    return train_all(init, loss, optax.adam(0.02), 600, good, seeds)
