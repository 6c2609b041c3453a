"""One ReLU with a bias learns one ReLU: similar things happen as without."""

from functools import partial

import optax

from benchsuite import Case, Schedule, Stream, hookimpl

from .data import normal_relu
from .units import Unit


@hookimpl
def benchsuite_cases():
    yield Case(
        name="relu-bias",
        summary="One ReLU unit with a bias, relu(w·x + b), learns relu(x) from a random weight and b = 0.",
        source="https://stats.stackexchange.com/questions/379884",
        model=partial(Unit, bias=True),
        dataset=Stream(normal_relu, batch_size=1000),
        optimizer=optax.sgd(0.01),
        schedule=Schedule(steps=2000, evaluate_every=100, seeds=1000),
    )
