"""Read the results of a run from its folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from benchsuite.results import Curves, Plan, Result, RoundResult, SeedTable, summarise
from benchsuite.store.folder import RunFolder


def read_results(folder: RunFolder) -> list[Result]:
    """Read all results of a run, finished or not, in the order of start.

    Summaries are computed from the rows. Rows are in the order of the seeds, however rounds were divided.

    Raises:
        StoreError: a file is damaged.
    """
    return [result for plan in folder.plans for result in _results_of(plan, folder)]


def _results_of(plan: Plan, folder: RunFolder) -> Iterator[Result]:
    """Read the results of a case, one for each value of its sweep."""
    round_results = folder.round_results(plan.id)
    if not round_results:
        return
    surfaces = folder.surfaces(plan.id)
    for summary in summarise(plan, round_results, folder.starts(plan.id)):
        part = [round_result.at(summary.setting) for round_result in round_results]
        rows = SeedTable.join([round_result.rows for round_result in part])
        yield Result(summary, rows[np.argsort(rows.seeds)], _curves(plan, part), surfaces)


def _curves(plan: Plan, round_results: Sequence[RoundResult]) -> Curves:
    kept = [one for one in round_results if one.curves]
    if not kept:
        return Curves()
    seeds = np.concatenate([one.rows.seeds[: len(next(iter(one.curves.values())))] for one in kept])
    order = np.argsort(seeds)
    columns = {name: np.concatenate([one.curves[name] for one in kept])[order] for name in kept[0].curves}
    return Curves(seeds[order], np.array(plan.steps), columns)
