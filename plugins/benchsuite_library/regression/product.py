"""Four tanh units learn the product of two numbers, as many as Taylor's expansion needs: a continuous XOR.

No source has a rate; the first one is ours. Four units suffice for any accuracy (arXiv 1608.08225, section III C).
"""

from functools import partial

import jax
import jax.numpy as jnp

from benchsuite import hookimpl
from benchsuite_library.readings import flat_share

from .nets import Net, fitted


def product(key, n):
    x = jax.random.uniform(key, (n, 2), minval=-1, maxval=1)
    return x, x[:, :1] * x[:, 1:]


def by_squares(model):
    """(x + y)² - (x - y)² is 4xy, and two tanh units around a bend make each square."""
    sums, bend = 0.2 * jnp.array([[1.0, -1, 1, -1], [1, -1, -1, 1]]), 0.66
    model.hidden.kernel[...], model.hidden.bias[...] = sums, jnp.full(4, bend)
    curvature = -2 * jnp.tanh(bend) * (1 - jnp.tanh(bend) ** 2)
    model.output.kernel[...] = jnp.array([[1.0], [1], [-1], [-1]]) / (4 * 0.2**2 * curvature)
    model.output.bias[...] = jnp.zeros(1)


@hookimpl
def benchsuite_cases():
    summary = "Four tanh units learn the product of two numbers."
    model = partial(Net, inputs=2, units=4)
    yield fitted(
        "product",
        summary,
        "https://arxiv.org/abs/1608.08225",
        product,
        model,
        diagnostics=[flat_share],
        solution=by_squares,
    )
