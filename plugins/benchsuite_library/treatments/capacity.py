"""More units, or more attempts."""

from dataclasses import replace
from math import gcd

from benchsuite import DoesNotApply, Landscape, Treatment, hookimpl

#: Evaluations at most of a shortened schedule whose length the case's own interval does not divide.
MOST = 200


def wider(case, factor=4):
    units = case.model_options.get("units")
    if units is None:
        raise DoesNotApply("its model has no option 'units'")
    # Parameters get another shape: what speaks of their values makes no sense any more.
    return replace(case.with_model(units=int(units * factor)), groups={}, landscape=Landscape())


def restarts(case, times=4):
    return replace(case, restarts=int(times), groups={})


def restarts_equal_budget(case, times=4):
    times = int(times)
    shorter = [schedule and _part_of(schedule, times) for schedule in (case.schedule, case.quick)]
    return replace(case, restarts=times, groups={}, schedule=shorter[0], quick=shorter[1])


def _part_of(schedule, times):
    """A schedule of 1 / times of the length, with evaluations as often, or more often."""
    length = schedule.length // times
    if not length:
        raise DoesNotApply(f"its {schedule.length} {schedule.unit} cannot be divided by {times}")
    every = gcd(length, schedule.evaluate_every)
    return replace(schedule, **{schedule.unit: length}, evaluate_every=every if length // every <= MOST else length)


@hookimpl
def benchsuite_treatments():
    yield Treatment(
        "wider",
        "Four times as many units in the hidden layer.",
        "https://arxiv.org/abs/1903.06733",
        wider,
    )
    yield Treatment(
        "restarts",
        "Four starts for every seed, of which the best counts; the cost is that of all four.",
        "https://doi.org/10.1080/10556788.2020.1808977",
        restarts,
    )
    yield Treatment(
        "restarts-equal-budget",
        "Four starts for every seed, each for a quarter of the steps; the best one counts.",
        "https://doi.org/10.1080/10556788.2020.1808977",
        restarts_equal_budget,
    )
