"""NAC•: a sum, then a product as exp Σ w log|z|. Most starts end with a weight that is none of -1, 0 and 1.

The source takes the evaluation with the lowest error on U[1, 2]; here any evaluation counts.
"""

import jax.numpy as jnp
from flax import nnx

from benchsuite import hookimpl

from .cells import WIDTHS, Nac, exp_linear_log, linear, multiplication


class Net(nnx.Module):
    """4 → 2 → 1: the sums, and their product."""

    def __init__(self, rngs):
        self.sum, self.product = Nac(rngs, 4, 2, WIDTHS[0]), Nac(rngs, 2, 1, WIDTHS[1])

    def __call__(self, x):
        return exp_linear_log(self.product.weights, linear(self.sum.weights, x))[0]

    def weights(self):
        return self.sum.weights, self.product.weights


def solve(model):
    model.sum.set(jnp.array([[1.0, 1], [1, 1], [0, 1], [0, 1]]))
    model.product.set(jnp.ones((2, 1)))


@hookimpl
def benchsuite_cases():
    yield multiplication("nac", "NAC, the second in log space,", Net, solve, solved=13)
