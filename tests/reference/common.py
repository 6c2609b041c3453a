"""What the reference programs share: starts, dense layers, and the training of many seeds."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import optax

LABELS = optax.softmax_cross_entropy_with_integer_labels


def lecun_normal(key, shape):
    """Draw from a normal distribution of variance 1 / fan in, cut at two standard deviations."""
    scale = jnp.sqrt(1 / shape[0]) / 0.87962566103423978
    return scale * jax.random.truncated_normal(key, -2, 2, shape)


def layers(key, *sizes):
    """Draw dense layers with biases of zero."""
    keys = jax.random.split(key, len(sizes) - 1)
    return [(lecun_normal(k, pair), jnp.zeros(pair[1])) for k, pair in zip(keys, pairwise(sizes), strict=True)]


def dense(parameters, x, activation):
    """Compute the output of dense layers, the last one linear."""
    for w, b in parameters[:-1]:
        x = activation(x @ w + b)
    return x @ parameters[-1][0] + parameters[-1][1]


def descend(loss, parameters, optimizer, steps, key):
    """Minimise loss(parameters, key), with a fresh key at each step."""

    def step(carry, key):
        parameters, state = carry
        updates, state = optimizer.update(jax.grad(loss)(parameters, key), state, parameters)
        return (optax.apply_updates(parameters, updates), state), None

    return jax.lax.scan(step, (parameters, optimizer.init(parameters)), jax.random.split(key, steps))[0][0]


def count(succeeds, seeds, block=64):
    """Count the seeds of which succeeds(key) is true, so many side by side."""
    keys = jax.random.split(jax.random.key(987), seeds)
    run = jax.jit(jax.vmap(succeeds))
    return sum(int(np.sum(run(keys[first : first + block]))) for first in range(0, seeds, block))


def train_all(init, loss, optimizer, steps, good, seeds):
    """Count the seeds of which good(parameters, key) is true after so many steps of descent."""

    def succeeds(key):
        start, data, test = jax.random.split(key, 3)
        return good(descend(loss, init(start), optimizer, steps, data), test)

    return count(succeeds, seeds)
