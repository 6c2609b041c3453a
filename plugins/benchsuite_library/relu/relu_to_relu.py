"""One ReLU learns one ReLU, and half of the time it cannot."""

from functools import partial

import optax

from benchsuite import Bound, Case, Claim, Ends, FailureRate, Landscape, Schedule, Stream, hookimpl

from .data import normal, relu
from .units import Unit


@hookimpl
def benchsuite_cases():
    yield Case(
        name="relu-to-relu",
        family="relu",
        tags=("core", "small", "regression"),
        summary="One ReLU unit, relu(w·x), learns relu(x) from a random weight.",
        source="https://stats.stackexchange.com/questions/379884",
        model=Unit,
        dataset=Stream(normal, batch_size=1000, prepare=relu),
        optimizer=partial(optax.sgd, learning_rate=0.01),
        schedule=Schedule(steps=2000, evaluate_every=100, seeds=1000),
        starts={"w=-10": {"w": -10}},
        groups={"w > 0": lambda start: start["w"] > 0, "w < 0": lambda start: start["w"] < 0},
        claims=[
            Claim("About half of random starts fail.", FailureRate(equals=0.5)),
            Claim("With w > 0 at the start it learns.", FailureRate(equals=0, among="w > 0")),
            Claim("With w > 0 at the start it ends at w = 1.", Bound("w", 0.99, 1.01, among="w > 0")),
            Claim("With w < 0 at the start it never learns.", FailureRate(equals=1, among="w < 0")),
            Claim("With w < 0 at the start it ends at w = 0.", Bound("w", -1e-6, 0, among="w < 0")),
            Claim("The printed run, from w = -10, does not learn.", Ends("w=-10", converges=False)),
        ],
        solution={"w": 1},
        landscape=Landscape(ranges={"w": (-11, 4)}, close_up={"w": (-0.3, 0.3)}),
    )
