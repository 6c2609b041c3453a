"""A vector of eight numbers is recovered from squares of m random products with it, up to its sign.

How many measurements does gradient descent need to have no spurious minima? Theory asks for m of order d log d and more
(arXiv 1602.06664); the curve is ours. Every seed has a vector and measurements of its own.
"""

from functools import partial

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from benchsuite import Case, Criterion, Diagnostic, Ladder, Measure, Schedule, hookimpl

DIMENSIONS = 8


class Signal(nnx.Module):
    """An estimate from N(0, I/8), a target of norm 1, and m vectors from N(0, I)."""

    def __init__(self, rngs, *, measurements):
        start, target, vectors = jax.random.split(rngs.params(), 3)
        self.x = nnx.Param(jax.random.normal(start, (DIMENSIONS,)) / DIMENSIONS**0.5)
        drawn = jax.random.normal(target, (DIMENSIONS,))
        self.target = nnx.Variable(drawn / jnp.linalg.norm(drawn))
        self.vectors = nnx.Variable(jax.random.normal(vectors, (DIMENSIONS, measurements)))


def intensity(signal, _):
    products, known = (x[...] @ signal.vectors[...] for x in (signal.x, signal.target))
    return ((products**2 - known**2) ** 2).mean()


def error(signal, _):
    x, target = signal.x[...], signal.target[...]
    return jnp.minimum(jnp.linalg.norm(x - target), jnp.linalg.norm(x + target))


def solve(signal):
    signal.x[...] = signal.target[...]


def measured(measurements):
    reading = "|cos| of the angle to the vector: near 1 it was slow, else it sits in a spurious minimum."
    return Case(
        name="phase-retrieval",
        summary="Eight numbers are recovered from squares of random products with them.",
        source="https://arxiv.org/abs/1602.06664",
        model=partial(Signal, measurements=measurements),
        dataset=None,
        objective=intensity,
        optimizer=partial(optax.sgd, learning_rate=0.005),
        schedule=Schedule(steps=5000, evaluate_every=500, seeds=1000),
        metrics={"error": Measure(error)},
        criterion=Criterion("error", at_most=0.01),
        diagnostics=[Diagnostic("alignment", reading, lambda s, _: abs(s.x[...] @ s.target[...]) / norm(s.x[...]))],
        solution=solve,
        family="recovery",
        tags=("small", "regression"),
    )


def norm(x):
    return jnp.sqrt((x**2).sum())


@hookimpl
def benchsuite_cases():
    question = "How many measurements does gradient descent need to recover a vector without signs?"
    yield Ladder("phase-retrieval", question, options={"measurements": (8, 16, 24, 32, 48, 64)}, case=measured)
