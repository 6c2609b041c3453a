"""Eight of COCO's functions by gradient descent with Adam, each by dimension, where bbobax is installed.

Every seed has an instance of its own: another optimum, shift and rotation. `pip install benchsuite[bbob]` adds them.
"""

from functools import partial
from importlib.util import find_spec

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from benchsuite import Case, Criterion, Diagnostic, Ladder, Schedule, hookimpl

#: Functions of the suite: unimodal, ill-conditioned, and with regular and irregular minima.
NAMES = (
    "sphere", "rosenbrock", "attractive_sector", "discus",
    "different_powers", "rastrigin", "schaffers_f7", "gallagher_21_hi",
)  # fmt: skip


class Point(nnx.Module):
    """A point of [-5, 5]ᵈ, and an instance of the problem."""

    def __init__(self, rngs, *, problem):
        start, key = jax.random.split(rngs.params())
        self.x = nnx.Param(jax.random.uniform(start, (problem.num_dims,), minval=-5, maxval=5))
        leaves, self.tree = jax.tree.flatten(problem.sample(key))
        self.leaves = nnx.List([nnx.Variable(leaf) for leaf in leaves])

    @property
    def instance(self):
        return jax.tree.unflatten(self.tree, [leaf[...] for leaf in self.leaves])


def excess(point, _, problem):
    """The value above that of the optimum."""
    instance = point.instance
    return problem.evaluate(jax.random.key(0), point.x[...], instance).fitness - instance.f_opt


def distance(point, _):
    return jnp.sqrt(((point.x[...] - point.instance.x_opt) ** 2).sum())


def optimum(point):
    point.x[...] = point.instance.x_opt


def bbob(function, dimensions):
    from bbobax import bbob_suite

    problem = bbob_suite(num_dims=dimensions)[function]
    reading = "From the optimum: far away it sits in another minimum or valley, close to it it was slow."
    return Case(
        name=ladder_name(function),
        summary=f"Adam minimises the function {function.replace('_', ' ')} of COCO's suite bbob.",
        source="https://github.com/numbbo/coco",
        model=partial(Point, problem=problem),
        dataset=None,
        objective=partial(excess, problem=problem),
        optimizer=partial(optax.adam, learning_rate=0.1),
        schedule=Schedule(steps=2000, evaluate_every=200, seeds=200),
        criterion=Criterion("loss", at_most=1e-2),
        diagnostics=[Diagnostic("distance", reading, distance)],
        solution=optimum,
        family="bbob",
        tags=("small", "function"),
    )


def ladder_name(function):
    return f"bbob-{function.replace('_', '-')}"


@hookimpl
def benchsuite_cases():
    if not find_spec("bbobax"):
        return
    for function in NAMES:
        question = f"Up to which dimension does Adam minimise {function.replace('_', ' ')}?"
        yield Ladder(ladder_name(function), question, options={"dimensions": (2, 5, 10)}, case=partial(bbob, function))
