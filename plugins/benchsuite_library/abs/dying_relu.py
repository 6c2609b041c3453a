"""Ten ReLU layers of two units learn |x|, unless they are born dead: a layer is silent for all x, and stays silent.

Biases start at zero, so that the network is linear on each side of zero, and each side is one ray from layer to layer.
A ray dies in a layer with probability 1/4; two rays that enclose an angle θ both die with (π - θ)² / 4π². The angle
after each layer is a Markov chain, whose integration gives the share of networks that are born dead: `BORN_DEAD`
(`tests/reference/dying_relu.py` computes it). Their outputs are constant, and no gradient reaches their hidden layers.
"""

from functools import partial

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from benchsuite import Case, Claim, Diagnostic, FailureRate, Schedule, Stream, hookimpl

LAYERS, BORN_DEAD = 10, 0.9099


class Narrow(nnx.Module):
    """1 → 2 → … → 2 → 1, linear at the end."""

    def __init__(self, rngs, *, activation=nnx.relu, kernel_init=None, bias_init=nnx.initializers.zeros):
        kernel_init = kernel_init or nnx.initializers.variance_scaling(2.0, "fan_in", "normal")
        layer = partial(nnx.Linear, kernel_init=kernel_init, bias_init=bias_init, rngs=rngs)
        self.hidden = nnx.List([layer(1 if first else 2, 2) for first in [True] + [False] * (LAYERS - 1)])
        self.output = layer(2, 1)
        self.activation = activation

    def last(self, x):
        for layer in self.hidden:
            x = self.activation(layer(x))
        return x

    def __call__(self, x):
        return self.output(self.last(x))


def magnitude(key, n):
    x = jax.random.uniform(key, (n, 1), minval=-(3**0.5), maxval=3**0.5)
    return x, abs(x)


def two_sides(model):
    """The first layer splits x by its sign, the others pass both sides on."""
    for layer in model.hidden:
        signs = jnp.array([[1.0, -1.0]]) if layer.kernel.shape[0] == 1 else jnp.eye(2)
        layer.kernel[...], layer.bias[...] = signs, jnp.zeros(2)
    model.output.kernel[...], model.output.bias[...] = jnp.ones((2, 1)), jnp.zeros(1)


@hookimpl
def benchsuite_cases():
    yield Case(
        name="dying-relu",
        summary="Ten ReLU layers of two units learn |x|.",
        source="https://arxiv.org/abs/1903.06733",
        model=Narrow,
        dataset=Stream(magnitude, batch_size=64, evaluation_size=1024),
        optimizer=partial(optax.adam, learning_rate=0.001),
        schedule=Schedule(steps=5000, evaluate_every=250, seeds=1000),
        family="abs",
        tags=("small", "regression"),
        claims=[Claim("Networks that are born dead cannot learn.", FailureRate(at_least=BORN_DEAD))],
        solution=two_sides,
        diagnostics=[
            Diagnostic(
                "silent share",
                "Examples for which the last layer is silent.",
                lambda m, x, _: (m.last(x) <= 0).all(-1).mean(),
            ),
        ],
    )
