"""One ReLU with a bias learns one ReLU: similar things happen as without."""

from functools import partial

import optax

from benchsuite import Case, Claim, Ends, FailureRate, Landscape, Schedule, Stream, hookimpl

from .data import normal, relu
from .units import Unit


@hookimpl
def benchsuite_cases():
    yield Case(
        name="relu-bias",
        family="relu",
        tags=("core", "small", "regression"),
        summary="One ReLU unit with a bias, relu(w·x + b), learns relu(x) from a random weight and b = 0.",
        source="https://stats.stackexchange.com/questions/379884",
        model=partial(Unit, bias=True),
        dataset=Stream(normal, batch_size=1000, prepare=relu),
        optimizer=partial(optax.sgd, learning_rate=0.01),
        schedule=Schedule(steps=2000, evaluate_every=100, seeds=1000),
        starts={"red": {"w": -2.5, "b": 1.5}, "blue": {"w": -1.5, "b": 2.5}},
        groups={"w > 0": lambda start: start["w"] > 0, "w < 0": lambda start: start["w"] < 0},
        claims=[
            Claim("Similar things happen with a bias: about half of random starts fail.", FailureRate(equals=0.5)),
            Claim("The red start, upside down, gets stuck.", Ends("red", converges=False)),
            Claim("The blue start walks down to the minimum.", Ends("blue", converges=True)),
        ],
        solution={"w": 1, "b": 0},
        landscape=Landscape(
            ranges={"w": (-3, 3), "b": (-3, 3)},
            close_up={"w": (-0.5, 0.5), "b": (-0.5, 0.5)},
        ),
    )
