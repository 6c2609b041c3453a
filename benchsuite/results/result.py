"""What a run folder holds of a case: its figures, the rows that they were taken from, and some learning curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from benchsuite.results.landscape import Surface
from benchsuite.results.plan import Plan
from benchsuite.results.round import Shard
from benchsuite.results.seeds import Rows
from benchsuite.results.summary import Record, summarise
from benchsuite.store.folder import RunFolder


@dataclass(frozen=True)
class Curves:
    """The evaluations of the first k seeds of a case.

    Args:
        seeds: (k,) which.
        steps: (e,) optimiser steps before each evaluation.
        columns: name → (k, e, …), as `shard.curves` names them: "metric.loss", "parameters" and so on.
    """

    seeds: np.ndarray = field(default_factory=lambda: np.empty(0, int))
    steps: np.ndarray = field(default_factory=lambda: np.empty(0, int))
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)


class Result(NamedTuple):
    """The figures of a case, or of one value of an option that is swept over, its rows, and what else was kept."""

    record: Record
    rows: Rows
    curves: Curves = Curves()
    surfaces: Sequence[Surface] = ()


def results(folder: RunFolder) -> list[Result]:
    """All results of a run, finished or not, in the order in which the cases were started.

    Raises:
        StoreError: a file is damaged.
    """
    found = []
    for plan in folder.plans:
        if shards := folder.shards(plan.id):
            records = summarise(plan, shards, folder.starts(plan.id))
            parts = [[shard.at(record.setting) for shard in shards] for record in records]
            surfaces = folder.surfaces(plan.id)
            found += [
                Result(record, Rows.join([shard.rows for shard in part]), _curves(plan, part), surfaces)
                for record, part in zip(records, parts, strict=True)
            ]
    return found


def _curves(plan: Plan, shards: Sequence[Shard]) -> Curves:
    kept = [(shard, len(next(iter(shard.curves.values())))) for shard in shards if shard.curves]
    if not kept:
        return Curves()
    columns = {name: np.concatenate([shard.curves[name] for shard, _ in kept]) for name in kept[0][0].curves}
    return Curves(np.concatenate([shard.rows.seeds[:k] for shard, k in kept]), np.array(plan.steps), columns)
