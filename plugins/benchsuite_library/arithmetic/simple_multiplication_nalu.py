"""NALU: a gate chooses between sum and product in either layer, and many starts leave it half open.

The source takes the evaluation with the lowest error on U[1, 2]; here any evaluation counts.
"""

import jax.numpy as jnp
from flax import nnx

from benchsuite import Diagnostic, hookimpl

from .cells import WIDTHS, Nac, exp_linear_log, linear, multiplication


class Nalu(nnx.Module):
    """σ(Gx) of the sum, and the rest of the product, with the same weights for both."""

    def __init__(self, rngs, inputs, outputs, width):
        self.nac = Nac(rngs, inputs, outputs, width)
        self.gate = nnx.Param(nnx.initializers.glorot_uniform()(rngs.params(), (inputs, outputs)))

    def __call__(self, x):
        gate = nnx.sigmoid(linear(self.gate[...], x))
        return gate * linear(self.nac.weights, x) + (1 - gate) * exp_linear_log(self.nac.weights, x)


class Net(nnx.Module):
    """4 → 2 → 1."""

    def __init__(self, rngs):
        self.first, self.second = Nalu(rngs, 4, 2, WIDTHS[0]), Nalu(rngs, 2, 1, WIDTHS[1])

    def __call__(self, x):
        return self.second(self.first(x))[0]

    def weights(self):
        return self.first.nac.weights, self.second.nac.weights


def solve(model):
    model.first.nac.set(jnp.array([[1.0, 1], [1, 1], [0, 1], [0, 1]]))
    model.second.nac.set(jnp.ones((2, 1)))
    model.first.gate[...], model.second.gate[...] = jnp.full((4, 2), 20.0), jnp.full((2, 1), -20.0)


def gates(model, u):
    """The largest distance of a mean gate from 0 and 1."""
    x = 1 + u.T
    means = [nnx.sigmoid(linear(layer.gate[...], z)).mean(1) for layer, z in zip(*_inputs(model, x), strict=True)]
    return jnp.concatenate([jnp.minimum(mean, 1 - mean) for mean in means]).max()


def _inputs(model, x):
    return (model.first, model.second), (x, model.first(x))


@hookimpl
def benchsuite_cases():
    reading = "Distance of the mean of the worst gate from 0 and 1: neither sum nor product."
    diagnostics = [Diagnostic("open gate", reading, gates)]
    yield multiplication("nalu", "NALU", Net, solve, solved=26, diagnostics=diagnostics)
