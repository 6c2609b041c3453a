"""What the identity cases share: the network, and the protocol of their source."""

from functools import partial

import jax.numpy as jnp
import optax
from flax import nnx

from benchsuite import Bound, Case, Claim, FailureRate, Figure, Schedule, mean_absolute_percentage_error

from .diagnostics import DIAGNOSTICS
from .images import MNIST, PIXELS

#: RMSprop as Keras 2.2 has it: the epsilon is added to the root, the accumulators start at zero.
#: Source: keras/optimizers.py of 2.2.4.
KERAS_RMSPROP = partial(optax.rmsprop, learning_rate=1e-3, decay=0.9, eps=1e-7, eps_in_sqrt=False)


EPOCHS, STEPS_PER_EPOCH = 20, 469


class DenseStack(nnx.Module):
    """Layers Dense(784, ReLU), for x of shape (n, 784).

    Args:
        rngs: random numbers for the start.
        layers: how many.
        activation: what ends each layer.
        output_activation: what ends the last layer, where it is another.
        kernel_init: starts the kernels, Keras' default unless said otherwise.
        bias_init: starts the biases.
    """

    def __init__(
        self,
        rngs,
        *,
        layers,
        activation=nnx.relu,
        output_activation=None,
        kernel_init=nnx.initializers.glorot_uniform(),
        bias_init=nnx.initializers.zeros,
    ):
        self.layers = nnx.List(
            [nnx.Linear(PIXELS, PIXELS, kernel_init=kernel_init, bias_init=bias_init, rngs=rngs) for _ in range(layers)]
        )
        self.activation = activation
        self.output_activation = output_activation or activation

    def __call__(self, x):
        *hidden, last = self.layers
        for layer in hidden:
            x = self.activation(layer(x))
        return self.output_activation(last(x))


def give_back(model):
    """Every layer passes on what it gets, which is never negative."""
    for layer in model.layers:
        layer.kernel[...] = jnp.eye(PIXELS)
        layer.bias[...] = 0


#: What the source says of networks of any depth.
STATEMENTS = (
    Claim("The identity is not found: no start learns it in 20 epochs.", FailureRate(equals=1)),
    Claim(
        "Many solutions are equally good: there are pixels that never vary.",
        Bound("constant pixels", at_least=1),
    ),
    Claim(
        "Dying ReLUs have a part in it: a tenth of the loss or more.",
        Bound("loss of dead outputs", at_least=0.1),
    ),
    Claim(
        "It is badly conditioned: gradient descent needs more steps than there are.",
        Bound("condition number", at_least=EPOCHS * STEPS_PER_EPOCH),
    ),
    Claim(
        "The input scale makes it hard: plain gradient descent diverges at Keras' default rate.",
        Bound("largest learning rate", at_most=0.01),
    ),
)


def identity_case(name, layers, summary, quick_seeds, reported):
    """The identity on MNIST with so many layers.

    Args:
        name: of the case.
        layers: how many.
        summary: of the case.
        quick_seeds: of the quick protocol.
        reported: figure → what the source's one run reports of it after its last epoch.
    """
    return Case(
        name=name,
        family="mnist",
        tags=("core", "autoencoder"),
        summary=summary,
        source="https://stats.stackexchange.com/questions/424558",
        model=partial(DenseStack, layers=layers),
        dataset=MNIST,
        optimizer=KERAS_RMSPROP,
        schedule=Schedule(epochs=EPOCHS, seeds=16),
        quick=Schedule(epochs=1, seeds=quick_seeds),
        metrics={"mape": mean_absolute_percentage_error},
        claims=[
            *STATEMENTS,
            *(Claim(f"Its one run ended with {of} {value:,}.", Figure(of, value)) for of, value in reported.items()),
        ],
        diagnostics=DIAGNOSTICS,
        solution=give_back,
    )
