"""Student and teacher."""

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from benchsuite import Case, Criterion, Schedule, hookimpl


class Student(nnx.Module):
    def __init__(self, rngs):
        self.w = nnx.Param(jax.random.normal(rngs.params(), (9, 9)) / 3)


def overlap(a, b):
    norms = jnp.sqrt((a**2).sum(1))[:, None] * jnp.sqrt((b**2).sum(1))
    cosine = jnp.clip(a @ b.T / norms, -1 + 1e-15, 1 - 1e-15)
    return (norms * (jnp.sqrt(1 - cosine**2) + (jnp.pi - jnp.arccos(cosine)) * cosine)).sum() / (2 * jnp.pi)


def distance(student, _):
    w, v = student.w[...], jnp.eye(9, dtype=student.w.dtype)
    return (overlap(w, w) + overlap(v, v)) / 2 - overlap(w, v)


@hookimpl
def benchsuite_cases():
    yield Case(
        name="teacher-student",
        summary="Nine ReLUs learn nine orthogonal ReLUs, by their loss over all inputs in closed form.",
        source="https://arxiv.org/abs/1712.08968",
        model=Student,
        dataset=None,
        objective=distance,
        optimizer=optax.sgd(5 / 9),
        schedule=Schedule(steps=6000, evaluate_every=1500, seeds=100),
        criterion=Criterion("loss", at_most=1e-6),
        dtype="float64",
    )
