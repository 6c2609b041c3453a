"""Three ReLUs learn x²: with fewer than three bends, R² ≥ 0.99 is out of reach.

No source has a rate; the first one is ours. ReLU networks approximate x² piece by piece (arXiv 1610.01145).
"""

from functools import partial

import jax
from flax import nnx

from benchsuite import hookimpl
from benchsuite_library.readings import bends

from .nets import Net, fitted


def square(key, n):
    x = jax.random.uniform(key, (n, 1), minval=-1, maxval=1)
    return x, x**2


@hookimpl
def benchsuite_cases():
    summary = "Three ReLU units learn the square of a number."
    model = partial(Net, units=3, activation=nnx.relu)
    yield fitted("square", summary, "https://arxiv.org/abs/1610.01145", square, model, diagnostics=[bends(3)])
