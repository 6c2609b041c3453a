"""A 2-5-5-5-1 network tells two spirals apart: do shortcuts from all earlier layers help?

Lang and Witbrock (1988) chose the network and its shortcuts, as the source says. Their back-propagation took 20,000
epochs; Adam, tanh units and 3,000 epochs are ours, so that no figure of theirs is tested.
"""

from functools import partial

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from benchsuite import Case, Criterion, Ladder, Schedule, Split, Table, binary_accuracy, hookimpl
from benchsuite_library.readings import wrong_rows


class Net(nnx.Module):
    """Three layers of five units; with shortcuts, each layer sees all before it."""

    def __init__(self, rngs, *, shortcuts, units=5, activation=nnx.tanh, kernel_init=nnx.initializers.lecun_normal()):
        seen = [2 + layer * units if shortcuts else units if layer else 2 for layer in range(4)]
        layers = [nnx.Linear(n, units, kernel_init=kernel_init, rngs=rngs) for n in seen[:3]]
        self.hidden, self.output = nnx.List(layers), nnx.Linear(seen[3], 1, kernel_init=kernel_init, rngs=rngs)
        self.activation, self.shortcuts = activation, bool(shortcuts)

    def __call__(self, x):
        for layer in self.hidden:
            new = self.activation(layer(x))
            x = jnp.concatenate([x, new], 1) if self.shortcuts else new
        return self.output(x)


def spirals(_):
    turn, radius = np.arange(97) / 16 * np.pi, (104 - np.arange(97)) / 104
    arm = np.stack([radius * np.sin(turn), radius * np.cos(turn)], 1)
    rows = np.float32(np.concatenate([arm, -arm])), np.repeat([[1], [0]], 97, axis=0)
    return Split(train=rows, test=rows)


def connected(shortcuts):
    return Case(
        name="two-spirals",
        summary="A 2-5-5-5-1 tanh network tells two spirals of 97 points each apart.",
        source="https://proceedings.neurips.cc/paper/1989/hash/69adc1e107f7f7d035d7baf04342e1ca-Abstract.html",
        model=partial(Net, shortcuts=shortcuts),
        dataset=Table("spirals", load=spirals, batch_size=194),
        loss=lambda logit, side: optax.sigmoid_binary_cross_entropy(logit, side.astype(float)).mean(),
        optimizer=partial(optax.adam, learning_rate=0.02),
        schedule=Schedule(epochs=3000, evaluate_every=150, seeds=200),
        metrics={"right": partial(binary_accuracy, threshold=0)},
        criterion=Criterion("right", at_least=1.0),
        diagnostics=[wrong_rows(194, threshold=0)],
        family="spirals",
        tags=("classification",),
    )


@hookimpl
def benchsuite_cases():
    yield Ladder(
        "two-spirals", "Do shortcuts help to tell spirals apart?", options={"shortcuts": (0, 1)}, case=connected
    )
