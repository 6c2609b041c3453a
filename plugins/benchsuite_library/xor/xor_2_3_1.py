"""A 2-3-1 sigmoid network learns XOR by back-propagation with momentum, online or in batches.

The source gives success rates of 96 % (online) and 99 % (batch), but not of how many runs, nor the order of the
examples, which are shuffled here. Its measure of an update is the delta rule's: the gradient of half the squares' sum.
"""

from functools import partial

import optax

from benchsuite import Case, Criterion, Schedule, hookimpl
from benchsuite_library.readings import flat_share, wrong_rows

from .points import bits
from .sigmoids import Sigmoids, both_bits, half_squares, root_mean_square


def trained(name, batch_size):
    return Case(
        name=f"xor-2-3-1-{name}",
        summary=f"A 2-3-1 sigmoid network learns XOR by {name} back-propagation with momentum.",
        source="https://stats.stackexchange.com/questions/129472",
        model=Sigmoids,
        dataset=bits(batch_size),
        loss=half_squares,
        optimizer=partial(optax.sgd, learning_rate=1.0, momentum=0.7),
        schedule=Schedule(epochs=10_000, evaluate_every=100, seeds=1000),
        metrics={"rms": root_mean_square},
        criterion=Criterion("rms", at_most=0.05, when="ever"),
        family="xor",
        tags=("small", "classification"),
        diagnostics=[wrong_rows(4), flat_share],
        solution=both_bits,
    )


@hookimpl
def benchsuite_cases():
    yield trained("online", 1)
    yield trained("batch", 4)
