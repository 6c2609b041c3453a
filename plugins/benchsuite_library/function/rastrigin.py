"""Gradient descent ends in the minimum of the cell that it starts in: the rate can be computed.

With steps that never cross a summit, only starts whose coordinates all lie between the two summits next to 0 end there:
2x + 20π sin 2πx = 0 has the roots ±0.502546, so of U(-5.12, 5.12) a share of 0.098154 succeeds in each dimension.
"""

from functools import partial

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from benchsuite import Case, Criterion, Diagnostic, FailureRate, Ladder, Schedule, hookimpl

WIDTH, SUMMIT = 5.12, 0.502546


class Point(nnx.Module):
    """A point of [-5.12, 5.12]ᵈ."""

    def __init__(self, rngs, *, dimensions):
        self.x = nnx.Param(jax.random.uniform(rngs.params(), (dimensions,), minval=-WIDTH, maxval=WIDTH))


def height(point, _):
    x = point.x[...]
    return (x**2 + 10 - 10 * jnp.cos(2 * jnp.pi * x)).sum()


def origin(point):
    point.x[...] = jnp.zeros_like(point.x[...])


def rastrigin(dimensions):
    reading = "The cell that it ended in, as the largest distance from that of the global minimum."
    return Case(
        name="rastrigin",
        summary="Gradient descent looks for the lowest of many minima, and finds the nearest.",
        source="L. A. Rastrigin, Systems of extremal control (1974)",
        model=partial(Point, dimensions=dimensions),
        dataset=None,
        objective=height,
        optimizer=partial(optax.sgd, learning_rate=0.002),
        schedule=Schedule(steps=300, evaluate_every=30, seeds=1000),
        criterion=Criterion("loss", at_most=1e-3),
        diagnostics=[Diagnostic("cell", reading, lambda point, _: abs(jnp.round(point.x[...])).max())],
        solution=origin,
        family="function",
        tags=("small", "function"),
    )


@hookimpl
def benchsuite_cases():
    yield Ladder(
        "rastrigin",
        "How fast does the chance of the right cell fall with the dimension?",
        "theory: see the module's docstring",
        options={"dimensions": (1, 2, 3)},
        case=rastrigin,
        published={d: FailureRate(equals=1 - (SUMMIT / WIDTH) ** d) for d in (1, 2, 3)},
    )
