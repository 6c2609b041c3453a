"""How deep may a chain of scalar layers be to learn the identity? Its loss is (w₁ ⋯ w_d - 1)² / 2."""

from functools import partial

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from benchsuite import Case, Criterion, Diagnostic, Ladder, Schedule, hookimpl


class Chain(nnx.Module):
    """The factors, drawn from N(0, 1)."""

    def __init__(self, rngs, *, depth, deviation=1.0):
        self.w = nnx.Param(deviation * jax.random.normal(rngs.params(), (depth,)))


def half_square(chain, _):
    return (jnp.prod(chain.w[...]) - 1) ** 2 / 2


def depth_of(depth):
    return Case(
        name="deep-linear",
        summary="A chain of scalar layers learns the identity.",
        source="https://arxiv.org/abs/1809.08587",
        model=partial(Chain, depth=depth),
        dataset=None,
        objective=half_square,
        optimizer=partial(optax.sgd, learning_rate=0.02),
        schedule=Schedule(steps=2000, evaluate_every=100, seeds=1000),
        criterion=Criterion("loss", at_most=1e-3),
        family="deep-linear",
        tags=("small", "function"),
        diagnostics=[
            Diagnostic(
                "product", "Near 0 it sits on the plateau, where no gradient is left.", lambda m, _: m.w[...].prod()
            )
        ],
        solution={f"w[{layer}]": 1 for layer in range(depth)},
    )


@hookimpl
def benchsuite_cases():
    yield Ladder(
        "deep-linear", "How deep may a linear chain be?", options={"depth": (2, 3, 4, 6, 8, 12)}, case=depth_of
    )
