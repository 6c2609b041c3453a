"""2-16-2 ReLU with dropout of 0.2 on the signs of two numbers, fresh batches of 32, Adam 0.02: 97 % of 8,192 right."""

import jax
import jax.numpy as jnp
import optax

from reference.common import LABELS, dense, layers, train_all


def draw(key, n):
    """Draw n points of the square and whether their coordinates have one sign."""
    x = jax.random.uniform(key, (n, 2), minval=-1, maxval=1)
    return x, (x[:, 0] * x[:, 1] > 0).astype(int)


def loss(p, key):
    data, drops = jax.random.split(key)
    x, y = draw(data, 32)
    kept = jax.random.bernoulli(drops, 0.8, (32, 16))
    hidden = jnp.where(kept, jax.nn.relu(x @ p[0][0] + p[0][1]) / 0.8, 0)
    return LABELS(hidden @ p[1][0] + p[1][1], y).mean()


def good(p, key):
    x, y = draw(key, 8192)
    return (dense(p, x, jax.nn.relu).argmax(1) == y).mean() >= 0.97


def successes(seeds):
    """Count the seeds that learn it in 400 steps."""
    return train_all(lambda key: layers(key, 2, 16, 2), loss, optax.adam(0.02), 400, good, seeds)
