"""One unit |w·x + b| learns XOR from every start: the symmetry that two ReLUs have to find is built in."""

from functools import partial

import jax.numpy as jnp
import optax
from flax import nnx

from benchsuite import Case, Criterion, FailureRate, Ladder, Schedule, binary_accuracy, hookimpl

from .points import centred


class Absolute(nnx.Module):
    """|w·x + b| for x of shape (n, 2); w is drawn from N(0, deviation²)."""

    def __init__(self, rngs, *, deviation=1.0, bias_init=nnx.initializers.zeros):
        normal = nnx.initializers.normal(deviation)
        self.hidden = nnx.Linear(2, 1, kernel_init=normal, bias_init=bias_init, rngs=rngs)

    def __call__(self, x):
        return jnp.abs(self.hidden(x)[..., 0])


def from_deviation(deviation):
    return Case(
        name="xor-abs",
        summary="One unit |w·x + b| learns XOR.",
        source="https://github.com/alanoursland/tr_xor",
        model=partial(Absolute, deviation=deviation),
        dataset=centred(),
        optimizer=partial(optax.adam, learning_rate=0.01, b2=0.99),
        schedule=Schedule(epochs=2000 if deviation > 1 else 1000, evaluate_every=50, seeds=1000),
        metrics={"right": binary_accuracy},
        criterion=Criterion("right", at_least=1.0),
        family="xor",
        tags=("small", "classification"),
        solution={"hidden.kernel[0, 0]": 0.5, "hidden.kernel[1, 0]": -0.5, "hidden.bias[0]": 0},
    )


@hookimpl
def benchsuite_cases():
    yield Ladder(
        "xor-abs",
        "Does |w·x + b| learn XOR from starts of any size?",
        "https://github.com/alanoursland/tr_xor",
        options={"deviation": (0.1, 0.5, 1.0, 4.0)},
        case=from_deviation,
        published={deviation: FailureRate(failed=0, of=50) for deviation in (0.1, 0.5, 1.0, 4.0)},
    )
