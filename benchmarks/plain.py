"""Time cases in plain JAX: `jit(vmap(scan))`, the default generator and devices, without evaluations."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from theory import assert_learnt
from timing import Work

from benchsuite.plugins.registry import load_registry

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


def of_case(case: str, seeds: int) -> Work:
    """Train a case for its number of steps: its model, data, loss and optimiser, and nothing else."""
    chosen = load_registry().case(case)
    optimizer = chosen.make_optimizer()

    def value(parameters: Any, graph: Any, key: jax.Array) -> jax.Array:
        model = nnx.merge(graph, parameters)
        if chosen.objective:
            return chosen.objective(model, None)
        x, y = chosen.dataset.prepare(chosen.dataset.draw(key, chosen.dataset.batch_size))
        return jnp.mean(chosen.loss(model(x), y))

    def train_one(key: jax.Array) -> Any:
        start_key, data_key = jax.random.split(key)
        graph, parameters = nnx.split(chosen.model(rngs=nnx.Rngs(start_key)))

        def step(carry: Any, number: jax.Array) -> tuple[Any, None]:
            parameters, state = carry
            gradient = jax.grad(value)(parameters, graph, jax.random.fold_in(data_key, number))
            updates, state = optimizer.update(gradient, state, parameters)
            return (optax.apply_updates(parameters, updates), state), None

        start = (parameters, optimizer.init(parameters))
        return jax.lax.scan(step, start, jnp.arange(chosen.schedule.steps))[0][0]

    program, keys = jax.jit(jax.vmap(train_one)), jax.random.split(jax.random.key(0), seeds)
    jax.block_until_ready(program(keys))
    return Work(lambda: jax.block_until_ready(program(keys)), seeds)
