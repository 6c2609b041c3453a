"""Eight modes on a circle of radius 1, with a deviation of 0.01."""

from math import cos, pi, sin

from benchsuite import hookimpl

from .mixtures import mixture

MEANS = [(cos(turn * pi / 4), sin(turn * pi / 4)) for turn in range(8)]


@hookimpl
def benchsuite_cases():
    yield mixture(
        "gan-ring8", "A generator covers eight modes on a circle, or loses some.", MEANS, 0.01, captured=6.3, error=0.5
    )
