"""An autoencoder of MNIST by the width of its bottleneck: does it beat the linear one, principal components?

The bar is the R² on the test images of as many principal components of the training images. The curve is ours.
"""

from functools import partial

import optax
from flax import nnx

from benchsuite import Case, Criterion, Diagnostic, Ladder, Schedule, Table, hookimpl

from .images import MNIST, PIXELS

#: Bottleneck → R² of principal components.
COMPONENTS = {2: 0.174147, 8: 0.444565, 16: 0.601529, 32: 0.750354}


class Autoencoder(nnx.Module):
    """784-64-b-64-784, linear at the bottleneck and at the end."""

    def __init__(self, rngs, *, bottleneck, activation=nnx.relu, kernel_init=nnx.initializers.glorot_uniform()):
        sizes = ((PIXELS, 64), (64, bottleneck), (bottleneck, 64), (64, PIXELS))
        self.layers = nnx.List([nnx.Linear(*pair, kernel_init=kernel_init, rngs=rngs) for pair in sizes])
        self.activation = activation

    def code(self, x):
        return self.layers[1](self.activation(self.layers[0](x)))

    def __call__(self, x):
        return self.layers[3](self.activation(self.layers[2](self.code(x))))


def unit_scale(rows):
    x, y = MNIST.prepare(rows)
    return x / 255, y / 255


def used(model, x, _):
    """Directions of the code with at least a hundredth of its variance."""
    code = model.code(x)
    variances = code.var(0)
    return (variances >= variances.sum() / 100).sum()


def narrow(bottleneck):
    reading = "Outputs of the bottleneck with at least a hundredth of its variance."
    return Case(
        name="mnist-autoencoder",
        summary="An autoencoder reconstructs MNIST better than as many principal components.",
        source="https://doi.org/10.1126/science.1127647",
        model=partial(Autoencoder, bottleneck=bottleneck),
        dataset=Table("mnist", MNIST.load, 128, unit_scale, MNIST.download, MNIST.stand_in),
        optimizer=partial(optax.adam, learning_rate=0.001),
        schedule=Schedule(epochs=5, seeds=16),
        quick=Schedule(epochs=1, seeds=4),
        criterion=Criterion("r2", at_least=COMPONENTS[bottleneck]),
        diagnostics=[Diagnostic("used outputs", reading, used)],
        family="mnist",
        tags=("long", "regression"),
    )


@hookimpl
def benchsuite_cases():
    question = "From which bottleneck does an autoencoder beat principal components?"
    yield Ladder("mnist-autoencoder", question, options={"bottleneck": tuple(COMPONENTS)}, case=narrow)
