"""Other scales of the data.

Targets are only divided by a number, never shifted: below zero no ReLU could reach them. R² does not depend on it.
"""

from dataclasses import replace
from functools import wraps

import jax
import jax.numpy as jnp
import numpy as np

from benchsuite import DoesNotApply, Split, Stream, Treatment, hookimpl

#: Examples from which the scale of a stream is measured, and how near to the wanted scale it must not be.
SAMPLE, NEAR = 10_000, 0.05


def unit_scale(case):
    return _scaled(case, _largest, "its inputs and targets have no bounds to divide by")


def standardise(case):
    return _scaled(case, _mean_and_deviation, None)


def _largest(x):
    return 0.0, jnp.abs(x).max()


def _mean_and_deviation(x):
    return x.mean(), x.std()


def _scaled(case, measure, unbounded):
    if case.criterion.metric != "r2":
        raise DoesNotApply(f"its criterion, on {case.criterion.metric}, depends on the scale")
    if isinstance(case.dataset, Stream):
        if unbounded:
            raise DoesNotApply(unbounded)
        return replace(case, dataset=_scaled_stream(case.dataset, measure))
    # Diagnostics of the data are defined for rows as they are stored in files.
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
    """The table with inputs shifted and divided, and targets divided, by measures of its training rows.

    Every row carries the three numbers, so that `prepare` needs nothing but the rows.
    """

    def load(files):
        return measured(table.load(files))

    def stand_in():
        return measured(table.stand_in())

    def measured(split):
        x, y = table.prepare(split.train)
        (shift, scale), (_, y_scale) = (tuple(map(float, measure(values))) for values in (x, y))
        return Split(*(_with_numbers(rows, (shift, scale, y_scale)) for rows in split))

    def prepare(rows):
        rows, numbers = rows
        x, y = table.prepare(rows)
        shift, scale, y_scale = numbers[0]
        return (x - shift) / scale, y / y_scale

    return replace(table, load=load, prepare=prepare, stand_in=table.stand_in and stand_in)


def _with_numbers(rows, numbers):
    """The rows, and the numbers once for each of them: (n, 3)."""
    count = len(jax.tree.leaves(rows)[0])
    return rows, np.tile(np.array(numbers, np.float32), (count, 1))


@hookimpl
def benchsuite_treatments():
    yield Treatment(
        "unit-scale",
        "Divide inputs and targets by their largest value, 255 for grey levels.",
        "https://stats.stackexchange.com/questions/424558",
        unit_scale,
    )
    yield Treatment(
        "standardise",
        "Inputs get mean 0 and deviation 1; targets are divided by their deviation.",
        "Y. LeCun, L. Bottou, G. Orr, K.-R. Müller (1998), Efficient BackProp, section 4.3",
        standardise,
    )
