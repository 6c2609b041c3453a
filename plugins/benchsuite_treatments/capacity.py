"""More units, or more attempts."""

from dataclasses import replace

from benchsuite import DoesNotApply, Landscape, Treatment, hookimpl


def wider(case, factor=4):
    units = case.model_options.get("units")
    if units is None:
        raise DoesNotApply("its model has no option 'units'")
    # Parameters get another shape: what speaks of their values makes no sense any more.
    return replace(case.with_model(units=int(units * factor)), groups={}, landscape=Landscape())


def restarts(case, times=4):
    return replace(case, restarts=int(times), groups={})


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
