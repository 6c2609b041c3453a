"""25 modes on a square grid of spacing 2, with a deviation of 0.05."""

from itertools import product

from benchsuite import hookimpl

from .mixtures import mixture

MEANS = list(product(range(-4, 5, 2), repeat=2))


@hookimpl
def benchsuite_cases():
    yield mixture(
        "gan-grid25", "A generator covers 25 modes on a grid, or loses some.", MEANS, 0.05, captured=17.3, error=0.8
    )
