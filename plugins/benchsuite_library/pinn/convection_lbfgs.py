"""Convection with L-BFGS of 50 pairs and a line search, as in the source.

The source stops when loss or gradient change by less than 1e-7, at most after 100,000 iterations; here 15,000 are made,
and a search that finds no lower point stays where it is. optax's line search is zoom by strong Wolfe conditions too.
"""

from functools import partial

import optax

from benchsuite import Schedule, hookimpl

from .convection import convection


@hookimpl
def benchsuite_cases():
    lbfgs = partial(optax.lbfgs, memory_size=50)
    full = Schedule(steps=15_000, evaluate_every=1500, seeds=10)
    yield convection("LBFGS", lbfgs, full, Schedule(steps=500, evaluate_every=100, seeds=10))
