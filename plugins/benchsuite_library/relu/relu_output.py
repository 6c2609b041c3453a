"""One ReLU with a bias, an output weight and an output bias learns one ReLU: does it flip what starts the wrong way?"""

from functools import partial

import optax

from benchsuite import Bound, Case, Claim, FailureRate, Landscape, Schedule, Stream, hookimpl

from .data import normal, relu
from .units import OutputUnit


@hookimpl
def benchsuite_cases():
    yield Case(
        name="relu-output",
        family="relu",
        tags=("core", "small", "regression"),
        summary="One ReLU unit with an output layer, v·relu(w·x + b) + c, learns relu(x) from random w and v.",
        source="https://stats.stackexchange.com/questions/379884",
        model=OutputUnit,
        dataset=Stream(normal, batch_size=1000, prepare=relu),
        optimizer=partial(optax.sgd, learning_rate=0.01),
        schedule=Schedule(steps=2000, evaluate_every=100, seeds=1000),
        groups={
            "w > 0, v > 0": lambda start: (start["w"] > 0) & (start["v"] > 0),
            "w > 0, v < 0": lambda start: (start["w"] > 0) & (start["v"] < 0),
            "w < 0, v > 0": lambda start: (start["w"] < 0) & (start["v"] > 0),
            "w < 0, v < 0": lambda start: (start["w"] < 0) & (start["v"] < 0),
        },
        claims=[
            Claim("It will flip top to bottom.", Bound("v", at_least=0, among="w > 0, v < 0")),
            Claim("It will flip left to right.", Bound("w", at_least=0, among="w < 0, v > 0")),
            Claim("It will not flip both, and so fail.", FailureRate(equals=1, among="w < 0, v < 0")),
        ],
        solution={"w": 1, "b": 0, "v": 1, "c": 0},
        landscape=Landscape(
            basins={"w": (-(3**0.5), 3**0.5), "v": (-(3**0.5), 3**0.5)},  # where Glorot's random starts are drawn from
        ),
    )
