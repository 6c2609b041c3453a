"""k ReLUs learn k orthogonal ReLUs: how often does gradient descent end in a spurious minimum?

The loss over all inputs N(0, I) is known in closed form, so there are no data. The source goes on to a gradient of
1e-12; the schedules here are long enough to tell, and `gradient` says what is left of it.
"""

from functools import partial

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from benchsuite import Case, Criterion, Diagnostic, FailureRate, Ladder, Schedule, hookimpl

#: k → starts of the source, of 500, that ended in a global minimum.
GLOBAL = {6: 500, 7: 473, 9: 389, 10: 340, 12: 231, 13: 165, 16: 64, 20: 29}

#: The largest k that 6,000 steps suffice for.
EASY = 10

#: A unit is met within this distance.
CLOSE = 0.1


class Student(nnx.Module):
    """The weights (inputs, units) of k units, from N(0, 1 / k)."""

    def __init__(self, rngs, *, k):
        self.w = nnx.Param(jax.random.normal(rngs.params(), (k, k)) / k**0.5)


def overlap(a, b):
    norms = jnp.sqrt((a**2).sum(1))[:, None] * jnp.sqrt((b**2).sum(1))
    cosine = jnp.clip(a @ b.T / norms, -1 + 1e-15, 1 - 1e-15)
    return (norms * (jnp.sqrt(1 - cosine**2) + (jnp.pi - jnp.arccos(cosine)) * cosine)).sum() / (2 * jnp.pi)


def distance(student, _):
    w = student.w[...].T
    v = jnp.eye(len(w), dtype=w.dtype)
    return (overlap(w, w) + overlap(v, v)) / 2 - overlap(w, v)


def gradient(student, batch):
    slopes = jax.tree.leaves(nnx.grad(distance)(student, batch))
    return jnp.log10(optax.tree.norm(slopes))


def met(student, _):
    """Count the teacher's units with a student unit within 0.1 of them."""
    w = student.w[...].T
    return (((w[:, None] - jnp.eye(len(w))) ** 2).sum(2) < CLOSE**2).any(0).sum()


def identity(student):
    student.w[...] = jnp.eye(len(student.w[...]), dtype=student.w.dtype)


def students(k):
    easy = k <= EASY
    return Case(
        name="teacher-student",
        summary="k ReLU units learn k orthogonal ReLU units, by their loss over all inputs in closed form.",
        source="https://github.com/ItaySafran/Overparameterization",
        model=partial(Student, k=k),
        dataset=None,
        objective=distance,
        optimizer=partial(optax.sgd, learning_rate=5 / k),
        schedule=Schedule(steps=6000 if easy else 20_000, evaluate_every=500, seeds=500 if easy else 200),
        criterion=Criterion("loss", at_most=1e-6),
        family="teacher-student",
        tags=("small" if easy else "long", "regression"),
        diagnostics=[
            Diagnostic("gradient", "The logarithm of the gradient's norm: a spurious minimum is reached.", gradient),
            Diagnostic("met units", "The teacher's units that a student unit equals, k at the global minimum.", met),
        ],
        solution=identity,
        dtype="float64",
    )


@hookimpl
def benchsuite_cases():
    yield Ladder(
        "teacher-student",
        "How many ReLUs can still be learnt by as many?",
        "https://github.com/ItaySafran/Overparameterization",
        options={"k": tuple(GLOBAL)},
        case=students,
        published={k: FailureRate(failed=500 - ends, of=500) for k, ends in GLOBAL.items()},
    )
