"""LSTM of 8 on the adding problem of length 8, fresh batches of 32, Adam 0.02: error at most 0.005.

Hochreiter and Schmidhuber (1997): each step has a number from U(0, 1) and a mark; the target is the sum of the two
marked numbers, one from each half. A constant has an error of 1/6.
"""

import jax
import jax.numpy as jnp
import optax

from reference.common import lecun_normal, train_all

LENGTH, UNITS = 8, 8


def draw(key, n):
    """Draw n sequences (n, length, 2) and their sums (n,)."""
    values, first, second = jax.random.split(key, 3)
    x = jax.random.uniform(values, (n, LENGTH))
    at = jnp.stack([jax.random.randint(k, (n,), 0, LENGTH // 2) for k in (first, second)], 1)
    marks = jax.nn.one_hot(at + jnp.array([0, LENGTH // 2]), LENGTH).sum(1)
    return jnp.stack([x, marks], 2), (x * marks).sum(1)


def init(key):
    keys = jax.random.split(key, 9)
    orthogonal = jax.nn.initializers.orthogonal()
    inputs = jnp.concatenate([lecun_normal(k, (2, UNITS)) for k in keys[:4]], 1)
    own = jnp.concatenate([orthogonal(k, (UNITS, UNITS)) for k in keys[4:8]], 1)
    return inputs, own, jnp.zeros(4 * UNITS), lecun_normal(keys[8], (UNITS, 1)), jnp.zeros(1)


def error(p, key, n):
    x, y = draw(key, n)

    def step(carry, now):
        c, h = carry
        i, f, g, o = jnp.split(now @ p[0] + h @ p[1] + p[2], 4, 1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (c, jax.nn.sigmoid(o) * jnp.tanh(c)), None

    (_, h), _ = jax.lax.scan(step, (jnp.zeros((n, UNITS)), jnp.zeros((n, UNITS))), x.swapaxes(0, 1))
    return (((h @ p[3] + p[4])[:, 0] - y) ** 2).mean()


def successes(seeds):
    """Count the seeds that add after 200 steps."""
    return train_all(
        init, lambda p, k: error(p, k, 32), optax.adam(0.02), 200, lambda p, k: error(p, k, 1024) <= 0.005, seeds
    )
