"""Adam goes down Rosenbrock's valley: starts whose way along it is long are slow, not stuck."""

from functools import partial

import jax
import optax
from flax import nnx

from benchsuite import Case, Criterion, Diagnostic, Landscape, Schedule, hookimpl


class Point(nnx.Module):
    """A point of [-2, 2]²."""

    def __init__(self, rngs):
        x, y = jax.random.uniform(rngs.params(), (2,), minval=-2, maxval=2)
        self.x, self.y = nnx.Param(x), nnx.Param(y)


def height(point, _):
    x, y = point.x[...], point.y[...]
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


@hookimpl
def benchsuite_cases():
    reading = "Distance from the valley's floor y = x²: near 0, a failed seed was only slow along it."
    yield Case(
        name="rosenbrock",
        summary="Adam goes down Rosenbrock's valley.",
        source="https://doi.org/10.1093/comjnl/3.3.175",
        model=Point,
        dataset=None,
        objective=height,
        optimizer=partial(optax.adam, learning_rate=0.01),
        schedule=Schedule(steps=1500, evaluate_every=100, seeds=1000),
        criterion=Criterion("loss", at_most=1e-3),
        diagnostics=[Diagnostic("off the floor", reading, lambda point, _: abs(point.y[...] - point.x[...] ** 2))],
        solution={"x": 1, "y": 1},
        landscape=Landscape(ranges={"x": (-2, 2), "y": (-2, 4)}),
        family="function",
        tags=("small", "function"),
    )
