"""The 8-3-8 encoder."""

from functools import partial

import numpy as np
import optax
from flax import nnx

from benchsuite import Case, Criterion, Schedule, Split, Table, binary_accuracy, hookimpl


def net(rngs):
    return nnx.Sequential(nnx.Linear(8, 3, rngs=rngs), nnx.sigmoid, nnx.Linear(3, 8, rngs=rngs))


def codes(_):
    rows = np.eye(8, dtype=np.float32), np.eye(8, dtype=int)
    return Split(train=rows, test=rows)


def cross_entropy(logits, code):
    return optax.sigmoid_binary_cross_entropy(logits, code.astype(float)).mean()


@hookimpl
def benchsuite_cases():
    yield Case(
        name="encoder",
        summary="An 8-3-8 sigmoid network gives back eight codes through three units.",
        source="D. Ackley, G. Hinton, T. Sejnowski, A learning algorithm for Boltzmann machines (1985)",
        model=net,
        dataset=Table("codes", load=codes, batch_size=8),
        loss=cross_entropy,
        optimizer=partial(optax.adam, learning_rate=0.05),
        schedule=Schedule(epochs=600, evaluate_every=150, seeds=100),
        metrics={"right": partial(binary_accuracy, threshold=0)},
        criterion=Criterion("right", at_least=1.0),
    )
