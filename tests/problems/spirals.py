"""Two spirals."""

from functools import partial

import numpy as np
import optax
from flax import nnx

from benchsuite import Case, Criterion, Schedule, Split, Table, binary_accuracy, hookimpl


def net(rngs):
    wide = partial(nnx.Linear, rngs=rngs)
    return nnx.Sequential(wide(2, 20), nnx.tanh, wide(20, 20), nnx.tanh, wide(20, 1))


def spirals(_):
    turn, radius = np.arange(97) / 16 * np.pi, (104 - np.arange(97)) / 104
    arm = np.stack([radius * np.sin(turn), radius * np.cos(turn)], 1)
    rows = np.float32(np.concatenate([arm, -arm])), np.repeat([[1], [0]], 97, axis=0)
    return Split(train=rows, test=rows)


@hookimpl
def benchsuite_cases():
    yield Case(
        name="two-spirals",
        summary="A 2-20-20-1 tanh network tells two spirals of 97 points each apart.",
        source="K. Lang, M. Witbrock, Learning to tell two spirals apart (1988)",
        model=net,
        dataset=Table("spirals", load=spirals, batch_size=194),
        loss=lambda logit, side: optax.sigmoid_binary_cross_entropy(logit, side.astype(float)).mean(),
        optimizer=partial(optax.adam, learning_rate=0.02),
        schedule=Schedule(epochs=2000, evaluate_every=500, seeds=64),
        metrics={"right": partial(binary_accuracy, threshold=0)},
        criterion=Criterion("right", at_least=1.0),
    )
