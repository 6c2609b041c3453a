"""A 2-50-50-50-50-1 tanh network for u_t + β u_x = 0, u(x, 0) = sin x, periodic: relative error on the grid ≤ 0.1.

PyTorch's start, 100 fixed points of the equation, 256 of the start and 100 of each side, Adam 1e-3 (arXiv 2109.01050).
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax

from reference.common import train_all

X, T = jnp.arange(256) * 2 * jnp.pi / 256, jnp.linspace(0, 1, 100)
_rng = np.random.default_rng(7)
INSIDE = jnp.stack([X[_rng.integers(1, 256, 100)], T[_rng.integers(1, 100, 100)]], 1)


def init(key):
    sizes = (2, 50, 50, 50, 50, 1)
    keys = jax.random.split(key, 10)

    def draw(k, shape, n):
        return jax.random.uniform(k, shape, minval=-1, maxval=1) / jnp.sqrt(n)

    return [
        (draw(keys[2 * i], (n, m), n), draw(keys[2 * i + 1], (m,), n))
        for i, (n, m) in enumerate(itertools.pairwise(sizes))
    ]


def u(p, x, t):
    h = jnp.stack([x, t])
    for w, b in p[:-1]:
        h = jnp.tanh(h @ w + b)
    return (h @ p[-1][0] + p[-1][1])[0]


def loss(p, beta):
    at = jax.vmap(u, (None, 0, 0))
    u_x, u_t = jax.vmap(jax.grad(u, (1, 2)), (None, 0, 0))(p, INSIDE[:, 0], INSIDE[:, 1])
    start = at(p, X, jnp.zeros(256)) - jnp.sin(X)
    sides = at(p, jnp.zeros(100), T) - at(p, jnp.full(100, 2 * jnp.pi), T)
    return ((u_t + beta * u_x) ** 2).mean() + (start**2).mean() + (sides**2).mean()


def good(p, beta):
    x, t = (axis.ravel() for axis in jnp.meshgrid(X, T))
    exact = jnp.sin(x - beta * t)
    return jnp.linalg.norm(jax.vmap(u, (None, 0, 0))(p, x, t) - exact) <= 0.1 * jnp.linalg.norm(exact)


def successes(seeds, beta, steps):
    """Count the seeds that learn the wave after so many steps of Adam."""
    return train_all(init, lambda p, _: loss(p, beta), optax.adam(1e-3), steps, lambda p, _: good(p, beta), seeds)
