"""The 8-3-8 encoder: three units can hold eight codes in binary, and most starts find such codes within 600 epochs."""

from functools import partial

import numpy as np
import optax
from flax import nnx

from benchsuite import Case, Criterion, Schedule, Split, Table, binary_accuracy, hookimpl
from benchsuite_library.readings import flat_share, wrong_rows


class Encoder(nnx.Module):
    """8 → `units` → 8, with logits at the end."""

    def __init__(self, rngs, *, units=3, activation=nnx.sigmoid, kernel_init=nnx.initializers.lecun_normal()):
        self.hidden = nnx.Linear(8, units, kernel_init=kernel_init, rngs=rngs)
        self.output = nnx.Linear(units, 8, kernel_init=kernel_init, rngs=rngs)
        self.activation = activation

    def __call__(self, x):
        return self.output(self.activation(self.hidden(x)))


def codes(_):
    rows = np.eye(8, dtype=np.float32), np.eye(8, dtype=int)
    return Split(train=rows, test=rows)


def cross_entropy(logits, code):
    return optax.sigmoid_binary_cross_entropy(logits, code.astype(float)).mean()


def binary(model):
    """Each code has its own three signs; the output is the number of signs in common."""
    signs = 2.0 * np.indices((2,) * 3).reshape(3, -1) - 1
    model.hidden.kernel[...], model.hidden.bias[...] = 20 * signs.T, np.zeros(3)
    model.output.kernel[...], model.output.bias[...] = 20 * signs, -20 * (signs > 0).sum(0) + 10.0


@hookimpl
def benchsuite_cases():
    yield Case(
        name="encoder-8-3-8",
        summary="An 8-3-8 sigmoid network gives back eight codes through three units.",
        source="https://doi.org/10.1207/s15516709cog0901_7",
        model=Encoder,
        dataset=Table("codes", load=codes, batch_size=8),
        loss=cross_entropy,
        optimizer=partial(optax.adam, learning_rate=0.05),
        schedule=Schedule(epochs=600, evaluate_every=30, seeds=1000),
        metrics={"right": partial(binary_accuracy, threshold=0)},
        criterion=Criterion("right", at_least=1.0),
        family="encoder",
        tags=("small", "classification"),
        diagnostics=[wrong_rows(8, threshold=0), flat_share],
        solution=binary,
    )
