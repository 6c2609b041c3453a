"""A 2-2-1 sigmoid network learns XOR from weights between 0 and 1.

The question reports that one training in five to one in ten fails, with learning factors from 0.001 to 1 and up to
1,000,000 iterations. Here the factor is 1, and a training ends after 100,000 iterations: that figure is not tested.
"""

from functools import partial

import optax

from benchsuite import Case, Criterion, Schedule, binary_accuracy, hookimpl
from benchsuite_library.readings import flat_share, wrong_rows

from .points import bits
from .sigmoids import Sigmoids, both_bits, half_squares


@hookimpl
def benchsuite_cases():
    yield Case(
        name="xor-2-2-1",
        summary="A 2-2-1 sigmoid network learns XOR from positive weights.",
        source="https://stats.stackexchange.com/questions/213666",
        model=partial(Sigmoids, units=2, low=0.0),
        dataset=bits(1),
        loss=half_squares,
        optimizer=partial(optax.sgd, learning_rate=1.0),
        schedule=Schedule(epochs=25_000, evaluate_every=500, seeds=1000),
        metrics={"right": binary_accuracy},
        criterion=Criterion("right", at_least=1.0),
        family="xor",
        tags=("small", "classification"),
        diagnostics=[wrong_rows(4), flat_share],
        solution=both_bits,
    )
