"""XOR with two ReLU units: how often does a random start find the textbook's solution?"""

from functools import partial

import jax.numpy as jnp
import optax
from flax import nnx

from benchsuite import Case, Schedule, Split, Table, hookimpl


class TwoUnits(nnx.Module):
    """w·relu(W·x + c) + b for x of shape (n, 2): nine parameters, two hidden units, the minimum for XOR."""

    def __init__(self, rngs, *, activation=nnx.relu, kernel_init=nnx.initializers.glorot_uniform()):
        self.hidden = nnx.Linear(2, 2, kernel_init=kernel_init, rngs=rngs)
        self.output = nnx.Linear(2, 1, kernel_init=kernel_init, rngs=rngs)
        self.activation = activation

    def __call__(self, x):
        return self.output(self.activation(self.hidden(x)))[:, 0]


def by_hand(model):
    """Set the parameters to the textbook's solution."""
    model.hidden.kernel[...] = 1
    model.hidden.bias[...] = jnp.array([0, -1])
    model.output.kernel[...] = jnp.array([[1], [-2]])
    model.output.bias[...] = 0


def truth_table(files):
    """Return all four points as training and test data."""
    del files  # there are none
    inputs = jnp.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
    targets = jnp.array([0, 1, 1, 0], float)
    return Split(train=(inputs, targets), test=(inputs, targets))


@hookimpl
def benchsuite_cases():
    yield Case(
        name="xor",
        summary="Two ReLU units and a linear one learn XOR from the four points of its truth table.",
        source="I. Goodfellow, Y. Bengio, A. Courville, Deep Learning (2016), section 6.1",
        model=TwoUnits,
        dataset=Table("truth-table", load=truth_table, batch_size=4),
        optimizer=partial(optax.sgd, learning_rate=0.1),
        schedule=Schedule(epochs=2000, evaluate_every=100, seeds=1000),
        solution=by_hand,
    )
