"""Batch normalisation: a model whose running means are state, used in evaluation only."""

from functools import partial

import optax
from flax import nnx

from benchsuite import Diagnostic, hookimpl

from .data import rings_case


class Net(nnx.Module):
    """2-6-3, with normalisation between the layer and its activation."""

    def __init__(self, rngs, *, activation=nnx.relu, kernel_init=nnx.initializers.lecun_normal()):
        self.hidden = nnx.Linear(2, 6, use_bias=False, kernel_init=kernel_init, rngs=rngs)
        self.norm, self.activation = nnx.BatchNorm(6, momentum=0.9, rngs=rngs), activation
        self.output = nnx.Linear(6, 3, kernel_init=kernel_init, rngs=rngs)

    def __call__(self, x):
        return self.output(self.activation(self.norm(self.hidden(x))))


def dead(model, x, _):
    return (model.activation(model.norm(model.hidden(x))) == 0).all(0).sum()


@hookimpl
def benchsuite_cases():
    yield rings_case(
        "batchnorm-rings",
        "A 2-6-3 ReLU network with batch normalisation tells three rings apart.",
        "https://arxiv.org/abs/1502.03167",
        Net,
        0.95,
        optimizer=partial(optax.adam, learning_rate=0.02),
        diagnostics=[Diagnostic("dead units", "Of six, those that are 0 on every example.", dead)],
    )
