"""u'' = -sin(x) on [0, π] with u = 0 at both ends, 1-8-1 tanh, Adam 0.01: error of u at most 0.3 % in mean square."""

import jax
import jax.numpy as jnp
import optax

from reference.common import dense, layers, train_all


def u(p, x):
    return dense(p, jnp.reshape(x, (1, 1)), jnp.tanh)[0, 0]


def loss(p, key):
    x = jax.random.uniform(key, (32,), maxval=jnp.pi)
    second = jax.vmap(jax.grad(jax.grad(u, 1), 1), (None, 0))(p, x)
    return ((second + jnp.sin(x)) ** 2).mean() + u(p, 0.0) ** 2 + u(p, jnp.pi) ** 2


def good(p, key):
    x = jax.random.uniform(key, (256,), maxval=jnp.pi)
    error = jax.vmap(u, (None, 0))(p, x) - jnp.sin(x)
    return (error**2).mean() <= 0.003**2


def successes(seeds):
    """Count the seeds that solve the equation in 1,000 steps."""
    return train_all(lambda key: layers(key, 1, 8, 1), loss, optax.adam(0.01), 1000, good, seeds)
