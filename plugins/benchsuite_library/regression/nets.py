"""What the cases share: one hidden layer, and a case of a function."""

from functools import partial

import optax
from flax import nnx

from benchsuite import Case, Schedule, Stream


class Net(nnx.Module):
    """`inputs` → `units` → 1, linear at the end."""

    def __init__(self, rngs, *, inputs=1, units, activation=nnx.tanh, kernel_init=nnx.initializers.lecun_normal()):
        self.hidden = nnx.Linear(inputs, units, kernel_init=kernel_init, rngs=rngs)
        self.output = nnx.Linear(units, 1, kernel_init=kernel_init, rngs=rngs)
        self.activation = activation

    def __call__(self, x):
        return self.output(self.activation(self.hidden(x)))


def fitted(name, summary, source, draw, model, **fields):
    """Return the case of a function that a small net fits with Adam in 4,000 steps."""
    return Case(
        name=name,
        summary=summary,
        source=source,
        model=model,
        dataset=Stream(draw, batch_size=64, evaluation_size=2048),
        optimizer=partial(optax.adam, learning_rate=0.01),
        schedule=Schedule(steps=4000, evaluate_every=200, seeds=1000),
        family="regression",
        tags=("small", "regression"),
        **fields,
    )
