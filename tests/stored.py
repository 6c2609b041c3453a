"""Write run folders without training, with any outcomes that a test needs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from test_store import PLAN
from toys import line, trace

from benchsuite import Case
from benchsuite.case import combine_values
from benchsuite.results.landscape import Surface
from benchsuite.results.plan import Plan
from benchsuite.results.round import RoundResult, kept_curves
from benchsuite.results.seeds import SeedTable
from benchsuite.results.summary import summarise
from benchsuite.results.trace import Trace
from benchsuite.store.folder import RunFolder

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

#: R² at the evaluations of a seed that converges, is slow, is stuck, or diverges.
GOOD, SLOW, STUCK, WILD = [0.0, 0.6, 0.999, 0.9999], [-1.0, 0.1, 0.3, 0.5], [-1.0] * 4, [-1.0, -9.0, np.nan, np.nan]

#: Rounds of a run with enough seeds.
ROUNDS = 6


@dataclass(frozen=True)
class ACase:
    """A case with given results.

    Args:
        name: of the case.
        ends: the R² of each seed; with a sweep those for its first value, then those for its second, and so on.
        plan: fields of its plan.
        fields: of the case.
    """

    name: str
    ends: list[list[float]]
    plan: dict[str, Any]
    fields: dict[str, Any]


def a_case(name: str, *ends: list[float], plan: dict[str, Any] | None = None, **fields: Any) -> ACase:
    """Return a case with the R² of its seeds; `plan` and `fields` replace those of its plan and of the case."""
    source = fields.get("source", "https://example.org/line")
    return ACase(name, list(ends), {"case": name, "source": source, **(plan or {})}, {"name": name, **fields})


def treated(name: str, treatment: str, *ends: list[float], **plan: Any) -> ACase:
    """Return a treated case with the R² of its seeds."""
    return a_case(name, *ends, plan={"treatment": treatment, **plan}, treatment=treatment)


def store_run(path: Path, *cases: ACase) -> RunFolder:
    """Write a finished run of cases with one parameter."""
    folder = RunFolder.create(path, MACHINE, {"protocol": "source", "precision": "highest", "run_dir": path})
    for case in cases:
        _store(folder, case)
    return folder


def _store(folder: RunFolder, of: ACase) -> None:
    about = {"steps": [0, 20, 40, 60], "parameter_names": ["w"], "device": "a device", **of.plan}
    plan, case = replace(PLAN, **about), line(**of.fields)
    values = combine_values(plan.sweep)
    ends = np.reshape(of.ends, (len(values), -1, len(plan.steps)))
    plan = replace(plan, seeds=ends.shape[1])
    folder.write_plan(plan)
    size = max(2, plan.seeds // ROUNDS)
    lanes = of.plan.get("chunk_size", size)
    for first in range(0, plan.seeds, size):
        part = ends[:, first : first + size]
        seeds = np.tile(np.arange(first, first + part.shape[1]), len(values))
        settings = {name: np.repeat([value[name] for value in values], part.shape[1]) for name in plan.sweep}
        rows, course = _rows(plan, case, part.reshape(len(seeds), -1), seeds, settings)
        times = {"seconds": 1 + 0.01 * first, "first_run": first == 0}
        folder.write_round(plan.id, RoundResult(rows, kept_curves(course), chunk_size=lanes, device_count=2, **times))
    starts = None
    if plan.starts:
        starts, course = _rows(plan, case, np.array([GOOD] * len(plan.starts)), np.zeros(len(plan.starts), int), {})
        folder.write_starts(plan.id, starts, kept_curves(course))
    if not plan.treatment and not plan.sweep:
        values = np.linspace(-2, 2, 9)
        folder.write_surfaces(plan.id, [Surface("loss", {"w": values}, (values - 1) ** 2)])
    folder.write_summaries(summarise(plan, folder.round_results(plan.id), starts))


def _rows(
    plan: Plan, case: Case, ends: np.ndarray, seeds: np.ndarray, settings: dict[str, np.ndarray]
) -> tuple[SeedTable, Trace]:
    paths = np.outer(np.where(seeds % 2, 1.0, -1.0), np.linspace(0.5, 1, ends.shape[1]))[:, :, None]
    steps = 20 * np.arange(ends.shape[1])
    course = trace(ends.tolist(), seeds=seeds, steps=steps, parameters=paths, settings=settings)
    return SeedTable.from_trace(course, case, plan.parameter_names, {}), course
