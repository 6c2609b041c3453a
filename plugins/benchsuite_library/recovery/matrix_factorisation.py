"""An 8 × 8 matrix of rank 2 is recovered from m random measurements as a product of two factors.

The matrix has 28 degrees of freedom. With enough measurements no minimum is spurious (arXiv 1605.07221); the curve is
ours. Every seed has a matrix and measurements of its own.
"""

from functools import partial

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from benchsuite import Case, Criterion, Diagnostic, Ladder, Measure, Schedule, hookimpl

SIZE, RANK = 8, 2


class Factors(nnx.Module):
    """Estimates and targets of both factors from N(0, 1/8), and m matrices from N(0, 1)."""

    def __init__(self, rngs, *, measurements):
        u, v, target_u, target_v, matrices = jax.random.split(rngs.params(), 5)
        self.u, self.v = (nnx.Param(_factor(key)) for key in (u, v))
        self.target_u, self.target_v = (nnx.Variable(_factor(key)) for key in (target_u, target_v))
        self.matrices = nnx.Variable(jax.random.normal(matrices, (measurements, SIZE * SIZE)))

    def difference(self):
        return self.u[...] @ self.v[...].T - self.target_u[...] @ self.target_v[...].T


def _factor(key):
    return jax.random.normal(key, (SIZE, RANK)) / SIZE**0.5


def mismatch(factors, _):
    return ((factors.matrices[...] @ factors.difference().ravel()) ** 2).mean()


def error(factors, _):
    target = factors.target_u[...] @ factors.target_v[...].T
    return jnp.sqrt((factors.difference() ** 2).sum() / (target**2).sum())


def solve(factors):
    factors.u[...], factors.v[...] = factors.target_u[...], factors.target_v[...]


def measured(measurements):
    reading = "The loss: near 0 another matrix fits all measurements, else the minimum is spurious or it was slow."
    return Case(
        name="matrix-factorisation",
        summary="A matrix of rank 2 is recovered from random measurements as a product of two factors.",
        source="https://arxiv.org/abs/1605.07221",
        model=partial(Factors, measurements=measurements),
        dataset=None,
        objective=mismatch,
        optimizer=partial(optax.sgd, learning_rate=0.02),
        schedule=Schedule(steps=6000, evaluate_every=500, seeds=1000),
        metrics={"error": Measure(error)},
        criterion=Criterion("error", at_most=0.01),
        diagnostics=[Diagnostic("mismatch", reading, mismatch)],
        solution=solve,
        family="recovery",
        tags=("small", "regression"),
    )


@hookimpl
def benchsuite_cases():
    question = "How many measurements does it take to recover a matrix of rank 2?"
    yield Ladder("matrix-factorisation", question, options={"measurements": (20, 28, 34, 40, 56)}, case=measured)
