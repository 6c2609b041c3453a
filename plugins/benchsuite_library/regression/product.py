"""Four tanh units learn the product of two numbers, as many as Taylor's expansion needs: a continuous XOR.

No source has a rate; the first one is ours. Four units suffice for any accuracy (arXiv 1608.08225, section III C).
"""

from functools import partial

import jax

from benchsuite import hookimpl

from .nets import Net, fitted


def product(key, n):
    x = jax.random.uniform(key, (n, 2), minval=-1, maxval=1)
    return x, x[:, :1] * x[:, 1:]


@hookimpl
def benchsuite_cases():
    summary = "Four tanh units learn the product of two numbers."
    model = partial(Net, inputs=2, units=4)
    yield fitted("product", summary, "https://arxiv.org/abs/1608.08225", product, model)
