"""A deep linear network of one unit in each layer."""

from functools import partial

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from benchsuite import Case, Criterion, Schedule, hookimpl


class Chain(nnx.Module):
    def __init__(self, rngs):
        self.w = nnx.Param(jax.random.normal(rngs.params(), (6,)))


def half_square(chain, _):
    return (jnp.prod(chain.w[...]) - 1) ** 2 / 2


@hookimpl
def benchsuite_cases():
    yield Case(
        name="deep-linear",
        summary="Six scalar layers learn the identity.",
        source="https://arxiv.org/abs/1809.08587",
        model=Chain,
        dataset=None,
        objective=half_square,
        optimizer=partial(optax.sgd, learning_rate=0.02),
        schedule=Schedule(steps=2000, evaluate_every=500, seeds=500),
        criterion=Criterion("loss", at_most=1e-3),
        solution={f"w[{layer}]": 1 for layer in range(6)},
    )
