"""How many hidden ReLUs does XOR need to be learnt? Two suffice to represent it."""

from functools import partial

import jax.numpy as jnp
import optax
from flax import nnx

from benchsuite import Case, Criterion, Diagnostic, Ladder, Schedule, binary_accuracy, hookimpl

from .points import bits, cross_entropy


class Net(nnx.Module):
    """2 → `units` → 1, with a logit at the end."""

    def __init__(self, rngs, *, units, activation=nnx.relu, kernel_init=nnx.initializers.glorot_normal()):
        self.hidden = nnx.Linear(2, units, kernel_init=kernel_init, rngs=rngs)
        self.output = nnx.Linear(units, 1, kernel_init=kernel_init, rngs=rngs)
        self.activation = activation

    def __call__(self, x):
        return self.output(self.activation(self.hidden(x)))


def living(model, x, _):
    return (model.hidden(x) > 0).any(0).sum()


def two_steps(model):
    """One unit is the number of ones, another takes two off from the second on."""
    kernel, bias = jnp.zeros_like(model.hidden.kernel[...]), jnp.zeros_like(model.hidden.bias[...])
    model.hidden.kernel[...], model.hidden.bias[...] = kernel.at[:, :2].set(1.0), bias.at[1].set(-1.0)
    output = jnp.zeros_like(model.output.kernel[...])
    model.output.kernel[...], model.output.bias[...] = (
        output.at[:2, 0].set(jnp.array([20.0, -40.0])),
        jnp.full(1, -10.0),
    )


def width(units):
    return Case(
        name="xor-width",
        summary="A hidden layer of ReLU units learns XOR.",
        source="https://arxiv.org/abs/1803.03635",
        model=partial(Net, units=units),
        dataset=bits(),
        loss=cross_entropy,
        optimizer=partial(optax.adam, learning_rate=0.01),
        schedule=Schedule(epochs=2000, evaluate_every=100, seeds=1000),
        metrics={"right": partial(binary_accuracy, threshold=0)},
        criterion=Criterion("right", at_least=1.0),
        family="xor",
        tags=("small", "classification"),
        solution=two_steps,
        diagnostics=[Diagnostic("living units", "Units active on one of the four points at least.", living)],
    )


@hookimpl
def benchsuite_cases():
    yield Ladder(
        "xor-width", "How many ReLUs does it take to learn XOR?", options={"units": (2, 4, 6, 8, 10)}, case=width
    )
