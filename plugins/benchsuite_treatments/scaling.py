"""Other scales of the data.

Targets are only divided by a number, never shifted: below zero no ReLU could reach them. R² does not see it.
"""

from dataclasses import replace
from functools import wraps

import jax
import jax.numpy as jnp

from benchsuite import DoesNotApply, Stream, Treatment, hookimpl

#: Examples from which the scale of a stream is taken, and how near to the wanted one it may be.
SAMPLE, NEAR = 10_000, 0.05


def unit_scale(case):
    return _scaled(case, _largest, "its inputs and targets have no bounds that they could be divided by")


def standardise(case):
    return _scaled(case, _mean_and_deviation, None)


def _largest(x):
    return 0.0, jnp.abs(x).max()


def _mean_and_deviation(x):
    return x.mean(), x.std()


def _scaled(case, measure, unbounded):
    if case.criterion.metric != "r2":
        raise DoesNotApply(f"its criterion, on {case.criterion.metric}, would mean something else on another scale")
    if isinstance(case.dataset, Stream):
        if unbounded:
            raise DoesNotApply(unbounded)
        return replace(case, dataset=_scaled_stream(case.dataset, measure))
    # Diagnostics of the data speak of the rows as they lie on disk.
    diagnostics = [diagnostic for diagnostic in case.diagnostics if diagnostic.of_data is None]
    return replace(case, dataset=_scaled_table(case.dataset, measure), diagnostics=diagnostics)


def _scaled_stream(stream, measure):
    with jax.ensure_compile_time_eval():  # a sweep may be being traced
        x, y = stream.prepare(stream.draw(jax.random.key(0), SAMPLE))
        (shift, scale), (_, y_scale) = (tuple(map(float, measure(values))) for values in (x, y))
    if abs(shift) < NEAR and abs(scale - 1) < NEAR:
        raise DoesNotApply("its inputs have that scale already")

    @wraps(stream.prepare)
    def prepare(rows):
        x, y = stream.prepare(rows)
        return (x - shift) / scale, y / y_scale

    return replace(stream, prepare=prepare)


def _scaled_table(table, measure):
    """The table with inputs shifted and divided, and targets divided, by what its training rows measure."""
    scales = {}

    def load(files):
        return measured(table.load(files))

    def stand_in():
        return measured(table.stand_in())

    def measured(split):
        x, y = table.prepare(split.train)
        scales["x"], scales["y"] = [tuple(map(float, measure(values))) for values in (x, y)]
        return split

    def prepare(rows):
        x, y = table.prepare(rows)
        (shift, scale), (_, y_scale) = scales["x"], scales["y"]
        return (x - shift) / scale, y / y_scale

    return replace(table, load=load, prepare=prepare, stand_in=table.stand_in and stand_in)


@hookimpl
def benchsuite_treatments():
    yield Treatment(
        "unit-scale",
        "Inputs and targets are divided by their largest value, 255 for grey levels.",
        "https://stats.stackexchange.com/questions/424558",
        unit_scale,
    )
    yield Treatment(
        "standardise",
        "Inputs get mean 0 and deviation 1; targets are divided by their deviation.",
        "Y. LeCun, L. Bottou, G. Orr, K.-R. Müller (1998), Efficient BackProp, section 4.3",
        standardise,
    )
