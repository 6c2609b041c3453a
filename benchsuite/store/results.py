"""Read the results of a run from its folder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchsuite.results import Curves, Plan, Result, RoundResult, SeedTable, summarise
from benchsuite.store.folder import RunFolder


def read_results(folder: RunFolder) -> list[Result]:
    """All results of a run, finished or not, in the order in which the cases were started.

    Raises:
        StoreError: a file is damaged.
    """
    found = []
    for plan in folder.plans:
        if round_results := folder.round_results(plan.id):
            summaries = summarise(plan, round_results, folder.starts(plan.id))
            parts = [[round_result.at(summary.setting) for round_result in round_results] for summary in summaries]
            surfaces = folder.surfaces(plan.id)
            found += [
                Result(
                    summary, SeedTable.join([round_result.rows for round_result in part]), _curves(plan, part), surfaces
                )
                for summary, part in zip(summaries, parts, strict=True)
            ]
    return found


def _curves(plan: Plan, round_results: Sequence[RoundResult]) -> Curves:
    kept = [
        (round_result, len(next(iter(round_result.curves.values()))))
        for round_result in round_results
        if round_result.curves
    ]
    if not kept:
        return Curves()
    columns = {
        name: np.concatenate([round_result.curves[name] for round_result, _ in kept]) for name in kept[0][0].curves
    }
    return Curves(
        np.concatenate([round_result.rows.seeds[:k] for round_result, k in kept]), np.array(plan.steps), columns
    )
