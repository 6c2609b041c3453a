"""The parity of four bits."""

from functools import partial

import numpy as np
import optax
from flax import nnx

from benchsuite import Case, Criterion, Schedule, Split, Table, binary_accuracy, hookimpl


def net(rngs):
    return nnx.Sequential(nnx.Linear(4, 4, rngs=rngs), nnx.tanh, nnx.Linear(4, 1, rngs=rngs))


def corners(_):
    bits = np.indices((2,) * 4).reshape(4, -1).T
    rows = np.float32(2 * bits - 1), bits.sum(1, keepdims=True) % 2
    return Split(train=rows, test=rows)


def cross_entropy(logit, odd):
    return optax.sigmoid_binary_cross_entropy(logit, odd.astype(float)).mean()


@hookimpl
def benchsuite_cases():
    yield Case(
        name="parity",
        summary="A 4-4-1 tanh network learns the parity of four bits.",
        source="D. Rumelhart, G. Hinton, R. Williams, Learning internal representations by error propagation (1986)",
        model=net,
        dataset=Table("bits", load=corners, batch_size=16),
        loss=cross_entropy,
        optimizer=partial(optax.sgd, learning_rate=0.5, momentum=0.9),
        schedule=Schedule(epochs=1000, evaluate_every=250, seeds=100),
        metrics={"right": partial(binary_accuracy, threshold=0)},
        criterion=Criterion("right", at_least=1.0),
    )
