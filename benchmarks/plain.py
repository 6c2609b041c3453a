"""Time relu-to-relu in plain JAX: `jit(vmap(scan))`, the default generator and devices."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from theory import assert_learnt
from timing import Work

STEPS, BATCH, LEARNING_RATE = 2000, 1000, 0.01


def loss(w: jax.Array, x: jax.Array) -> jax.Array:
    """Return the mean squared error of relu(w·x) for relu(x)."""
    return jnp.mean((jax.nn.relu(w * x) - jax.nn.relu(x)) ** 2)


@jax.jit
@jax.vmap
def train(key: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return the weights of all seeds before the first and after the last step."""
    start_key, data_key = jax.random.split(key)
    start = jax.random.uniform(start_key, minval=-(3**0.5), maxval=3**0.5)

    def step(w: jax.Array, number: jax.Array) -> tuple[jax.Array, None]:
        x = jax.random.normal(jax.random.fold_in(data_key, number), (BATCH,))
        return w - LEARNING_RATE * jax.grad(loss)(w, x), None

    return start, jax.lax.scan(step, start, jnp.arange(STEPS))[0]


def many_seeds(seeds: int) -> Work:
    """Train a number of seeds side by side."""
    keys = jax.random.split(jax.random.key(0), seeds)
    assert_learnt(*train(keys), STEPS)  # and compiled
    return Work(lambda: jax.block_until_ready(train(keys)), seeds)
