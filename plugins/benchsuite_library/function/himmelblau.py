"""Four minima of the same height: which of them a start finds depends on the optimiser, and all count (a control)."""

from functools import partial

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from benchsuite import Case, Criterion, Diagnostic, Landscape, Schedule, hookimpl

MINIMA = ((3.0, 2.0), (-2.805118, 3.131312), (-3.779310, -3.283186), (3.584428, -1.848126))


class Point(nnx.Module):
    """A point of [-5, 5]²."""

    def __init__(self, rngs):
        x, y = jax.random.uniform(rngs.params(), (2,), minval=-5, maxval=5)
        self.x, self.y = nnx.Param(x), nnx.Param(y)


def height(point, _):
    x, y = point.x[...], point.y[...]
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def nearest(point, _):
    place = jnp.stack([point.x[...], point.y[...]])
    return 1 + ((jnp.array(MINIMA) - place) ** 2).sum(1).argmin()


@hookimpl
def benchsuite_cases():
    yield Case(
        name="himmelblau",
        summary="Adam finds one of the four minima of Himmelblau's function.",
        source="D. M. Himmelblau, Applied Nonlinear Programming (1972)",
        model=Point,
        dataset=None,
        objective=height,
        optimizer=partial(optax.adam, learning_rate=0.1),
        schedule=Schedule(steps=500, evaluate_every=50, seeds=1000),
        criterion=Criterion("loss", at_most=1e-6),
        diagnostics=[Diagnostic("minimum", "The nearest of the four minima, numbered by quadrant.", nearest)],
        solution={"x": 3, "y": 2},
        landscape=Landscape(ranges={"x": (-5, 5), "y": (-5, 5)}),
        family="function",
        tags=("small", "function"),
    )
