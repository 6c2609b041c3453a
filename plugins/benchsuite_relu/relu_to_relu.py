"""One ReLU learns one ReLU, and half of the time it cannot."""

import optax

from benchsuite import Case, Claim, Schedule, Stream, hookimpl

from .data import normal_relu
from .units import Unit


@hookimpl
def benchsuite_cases():
    yield Case(
        name="relu-to-relu",
        summary="One ReLU unit, relu(w·x), learns relu(x) from a random weight.",
        source="https://stats.stackexchange.com/questions/379884",
        model=Unit,
        dataset=Stream(normal_relu, batch_size=1000),
        optimizer=optax.sgd(0.01),
        schedule=Schedule(steps=2000, evaluate_every=100, seeds=1000),
        claims=[Claim("Half of random starts fail: those with a negative weight.", failure_rate=0.5)],
    )
