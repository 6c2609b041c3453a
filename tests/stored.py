"""Run folders that nobody trained: whatever ends a test needs, as a run would have left them, in no time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from test_store import PLAN
from toys import line, trace

from benchsuite.landscape import Surface
from benchsuite.plan import Plan
from benchsuite.record import summarise
from benchsuite.rows import Rows
from benchsuite.shard import Shard, curves
from benchsuite.store import RunFolder

MACHINE = {
    "device": "a device",
    "platform": "cpu",
    "device_count": 2,
    "driver": "cpu",
    "cpu": "a processor",
    "cores": 2,
    "memory_gib": 23.5,
    "os": "an OS",
    "python": "3.14",
    "versions": {"benchsuite": "0.1.0", "jax": "1", "flax": "2", "optax": "3"},
}

#: R² at the evaluations of a seed that converges, is slow, or diverges.
GOOD, SLOW, WILD = [0.0, 0.6, 0.999, 0.9999], [-1.0, 0.1, 0.3, 0.5], [-1.0, -9.0, np.nan, np.nan]

SEEDS_A_ROUND = 2

Case = tuple[dict[str, Any], list[list[float]], dict[str, Any]]


def a_case(name: str, *ends: list[float], plan: dict[str, Any] | None = None, **fields: Any) -> Case:
    """A case with the R² of each of its seeds; `plan` and `fields` replace those of its plan and of the case."""
    return (
        {"case": name, "source": fields.get("source", "https://example.org/line"), **(plan or {})},
        list(ends),
        fields,
    )


def store_run(path: Path, *cases: Case) -> RunFolder:
    """A finished run of cases with one parameter."""
    folder = RunFolder.create(path, MACHINE, {"protocol": "source", "precision": "highest", "run_dir": path})
    for about, ends, fields in cases:
        plan = replace(PLAN, steps=[0, 20, 40, 60], parameter_names=["w"], seeds=len(ends), device="a device", **about)
        _store(folder, plan, ends, fields)
    return folder


def _store(folder: RunFolder, plan: Plan, ends: list[list[float]], fields: dict[str, Any]) -> None:
    case = line(**({"name": plan.case} | fields))
    folder.keep_plan(plan)
    for first in range(0, len(ends), SEEDS_A_ROUND):
        rows, course = _rows(case, ends[first : first + SEEDS_A_ROUND], first)
        times = {"seconds": 1 + 0.1 * first, "first_run": first == 0}
        folder.keep_shard(plan.id, Shard(rows, curves(course), chunk_size=2, device_count=2, **times))
    starts = None
    if plan.starts:
        starts, course = _rows(case, [GOOD] * len(plan.starts), 0)
        folder.keep_starts(plan.id, starts, curves(course))
    if not plan.treatment:
        values = np.linspace(-2, 2, 9)
        folder.keep_surfaces(plan.id, [Surface("loss", {"w": values}, (values - 1) ** 2)])
    folder.keep_records(summarise(plan, folder.shards(plan.id), starts))


def _rows(case: Any, ends: list[list[float]], first: int) -> tuple[Rows, Any]:
    seeds = first + np.arange(len(ends))
    paths = np.outer(np.where(seeds % 2, 1.0, -1.0), np.linspace(0.5, 1, 4))[:, :, None]
    course = trace(ends, seeds=seeds, steps=20 * np.arange(4), parameters=paths)
    return Rows.judge(course, case, ["w"], {}), course
