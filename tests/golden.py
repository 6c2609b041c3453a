"""Rows of an earlier version, `data/golden.json`, which every later one reproduces: train a case and read it.

Where rounding grows (mnist-identity-4L, and relu-bias at 150 times its learning rate) they are from the version that
introduced blocks of lanes, which changed the last bits of every seed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from toys import Notes

from benchsuite import Case
from benchsuite.execution import CaseRun, open_folder
from benchsuite.plugins import load_registry
from benchsuite.results import SeedTable
from benchsuite.settings import OutputSettings, TrainingSettings
from benchsuite.variants import make_variants

GOLDEN: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "data" / "golden.json").read_text())

SEEDS, DIGITS = 3, 4


def case_of(name: str) -> Case:
    """The case of an entry such as "relu-bias+adam", made from the installed plugins."""
    registry = load_registry()
    case, _, treatment = name.partition("+")
    chosen = [registry.treatments[treatment]] if treatment else []
    treated = make_variants([registry.case(case)], chosen, ())[-1].treated
    assert treated is not None
    return treated


def trained(name: str) -> dict[str, Any]:
    """Train the seeds of an entry on synthetic data, and summarise them as the entry does."""
    settings = TrainingSettings(seeds=SEEDS, dataset="stand-in")
    folder = open_folder(settings, OutputSettings())
    run = CaseRun(case_of(name), settings, folder, Notes())
    rows = SeedTable.join([result.rows for result in run.round_results()])
    found: dict[str, Any] = {str(seed): _row(rows, place) for place, seed in enumerate(rows.seeds)}
    starts = folder.starts(run.plan.id)
    return found if starts is None else {**found, "starts": starts.outcomes.tolist()}


def _row(rows: SeedTable, place: int) -> dict[str, Any]:
    final = {name: float(f"{values[place]:.{DIGITS}g}") for name, values in rows.final.items()}
    return {"final": final, "outcome": str(rows.outcomes[place]), "steps": int(rows.steps_to_success[place])}
