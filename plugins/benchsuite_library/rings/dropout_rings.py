"""Dropout: a model that draws random numbers in training, and none in evaluation."""

from functools import partial

import optax
from flax import nnx

from benchsuite import Diagnostic, hookimpl

from .data import rings_case


class Net(nnx.Module):
    """2-16-3, with a fifth of the hidden units left out in training."""

    def __init__(self, rngs, *, activation=nnx.relu, kernel_init=nnx.initializers.lecun_normal()):
        self.hidden = nnx.Linear(2, 16, kernel_init=kernel_init, rngs=rngs)
        self.drop, self.activation = nnx.Dropout(0.2, rngs=rngs), activation
        self.output = nnx.Linear(16, 3, kernel_init=kernel_init, rngs=rngs)

    def __call__(self, x):
        return self.output(self.drop(self.activation(self.hidden(x))))


def dead(model, x, _):
    return (model.activation(model.hidden(x)) == 0).all(0).sum()


@hookimpl
def benchsuite_cases():
    yield rings_case(
        "dropout-rings",
        "A 2-16-3 ReLU network with dropout tells three rings apart.",
        "https://jmlr.org/papers/v15/srivastava14a.html",
        Net,
        0.95,
        optimizer=partial(optax.adam, learning_rate=0.02),
        diagnostics=[Diagnostic("dead units", "Of sixteen, those that are 0 on every example.", dead)],
    )
