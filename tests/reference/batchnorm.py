"""2-6-3 ReLU with BatchNorm (0.9) on three rings, fresh batches of 32, Adam 0.02: 95 % of 8,192 points right.

A point at distance r from the origin, r ~ U(0, 3), is of class floor(r). Evaluated with the running means.
"""

import jax
import jax.numpy as jnp
import optax

from reference.common import LABELS, count, layers

OPTIMIZER = optax.adam(0.02)


def draw(key, n):
    around, away = jax.random.split(key)
    angle, r = 2 * jnp.pi * jax.random.uniform(around, (n,)), 3 * jax.random.uniform(away, (n,))
    return jnp.stack([r * jnp.cos(angle), r * jnp.sin(angle)], 1), r.astype(int)


def output(p, x, mean, var):
    ((w, _), (v, c)), scale, shift = p
    hidden = (x @ w - mean) / jnp.sqrt(var + 1e-5) * scale + shift
    return jax.nn.relu(hidden) @ v + c


def loss(p, x, y):
    hidden = x @ p[0][0][0]
    moments = hidden.mean(0), hidden.var(0)
    return LABELS(output(p, x, *moments), y).mean(), moments


def step(carry, key):
    p, state, running = carry
    gradient, moments = jax.grad(loss, has_aux=True)(p, *draw(key, 32))
    updates, state = OPTIMIZER.update(gradient, state)
    running = tuple(0.9 * old + 0.1 * new for old, new in zip(running, moments, strict=True))
    return (optax.apply_updates(p, updates), state, running), None


def learns(key):
    start, data, test = jax.random.split(key, 3)
    p = layers(start, 2, 6, 3), jnp.ones(6), jnp.zeros(6)
    carry = p, OPTIMIZER.init(p), (jnp.zeros(6), jnp.ones(6))
    (p, _, running), _ = jax.lax.scan(step, carry, jax.random.split(data, 1000))
    x, y = draw(test, 8192)
    return (output(p, x, *running).argmax(1) == y).mean() >= 0.95


def successes(seeds):
    """Count the seeds that tell the rings apart after 1,000 steps."""
    return count(learns, seeds)
