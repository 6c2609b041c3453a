"""Rosenbrock's valley."""

from functools import partial

import jax
import optax
from flax import nnx

from benchsuite import Case, Criterion, Schedule, hookimpl


class Point(nnx.Module):
    def __init__(self, rngs):
        x, y = jax.random.uniform(rngs.params(), (2,), minval=-2, maxval=2)
        self.x, self.y = nnx.Param(x), nnx.Param(y)


def height(point, _):
    x, y = point.x[...], point.y[...]
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


@hookimpl
def benchsuite_cases():
    yield Case(
        name="rosenbrock",
        summary="Adam goes down Rosenbrock's valley.",
        source="https://doi.org/10.1093/comjnl/3.3.175",
        model=Point,
        dataset=None,
        objective=height,
        optimizer=partial(optax.adam, learning_rate=0.01),
        schedule=Schedule(steps=1500, evaluate_every=300, seeds=500),
        criterion=Criterion("loss", at_most=1e-3),
        solution={"x": 1, "y": 1},
    )
