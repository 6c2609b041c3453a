"""Convection with Adam at its usual learning rate; the source's program has the option, its paper uses L-BFGS."""

from functools import partial

import optax

from benchsuite import Schedule, hookimpl

from .convection import convection


@hookimpl
def benchsuite_cases():
    adam = partial(optax.adam, learning_rate=1e-3)
    full = Schedule(steps=50_000, evaluate_every=5000, seeds=10)
    yield convection("Adam", adam, full, Schedule(steps=2000, evaluate_every=500, seeds=10))
