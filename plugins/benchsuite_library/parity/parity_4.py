"""A 4-4-1 sigmoid network learns the parity of four bits, example by example: as many hidden units as it needs.

Rumelhart, Hinton and Williams describe the network and its learning rate, but neither the start nor the length:
parameters from U(-1, 1), and 3,000 epochs, are ours.
"""

from functools import partial

import jax
import numpy as np
import optax
from flax import nnx

from benchsuite import Case, Criterion, Schedule, Split, Table, binary_accuracy, hookimpl
from benchsuite_library.readings import flat_share, wrong_rows


def around_zero(key, shape, dtype=np.float32, **_):
    return jax.random.uniform(key, shape, dtype, -1, 1)


class Net(nnx.Module):
    """4 → `units` → 1 sigmoid units."""

    def __init__(self, rngs, *, units=4, activation=nnx.sigmoid, kernel_init=around_zero, bias_init=around_zero):
        layer = partial(nnx.Linear, kernel_init=kernel_init, bias_init=bias_init, rngs=rngs)
        self.hidden, self.output, self.activation = layer(4, units), layer(units, 1), activation

    def __call__(self, x):
        return nnx.sigmoid(self.output(self.activation(self.hidden(x))))


def corners(_):
    bits = np.indices((2,) * 4).reshape(4, -1).T
    rows = np.float32(bits), np.float32(bits.sum(1, keepdims=True) % 2)
    return Split(train=rows, test=rows)


def counted(model):
    """Unit k is on from k bits on; the output adds them with alternating signs."""
    model.hidden.kernel[...], model.hidden.bias[...] = np.full((4, 4), 20.0), 10.0 - 20 * np.arange(1, 5)
    model.output.kernel[...], model.output.bias[...] = 20.0 * np.array([[1], [-1], [1], [-1]]), np.full(1, -10.0)


@hookimpl
def benchsuite_cases():
    yield Case(
        name="parity-4",
        summary="A 4-4-1 sigmoid network learns the parity of four bits.",
        source="https://doi.org/10.21236/ADA164453",
        model=Net,
        dataset=Table("four-bits", load=corners, batch_size=1),
        loss=lambda output, odd: ((output - odd) ** 2).sum() / 2,
        optimizer=partial(optax.sgd, learning_rate=0.5, momentum=0.9),
        schedule=Schedule(epochs=3000, evaluate_every=150, seeds=1000),
        metrics={"right": binary_accuracy},
        criterion=Criterion("right", at_least=1.0),
        family="parity",
        tags=("small", "classification"),
        diagnostics=[wrong_rows(16), flat_share],
        solution=counted,
    )
