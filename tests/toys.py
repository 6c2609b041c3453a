"""Cases that train in milliseconds, for tests that call the runner directly."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import numpy as np
import optax
from flax import nnx

from benchsuite import Case, Schedule, Split, Stream, Table, Treatment
from benchsuite.execution.runner import CaseRun, open_folder
from benchsuite.results.trace import Trace
from benchsuite.settings import OutputSettings, TrainingSettings
from benchsuite.store.folder import RunFolder


def noisy_line(key: jax.Array, n: int) -> tuple[jax.Array, jax.Array]:
    """X ~ N(0, 1) and y = 3x + 1 with a little noise, both (n, 1)."""
    x, noise = jax.random.normal(key, (2, n, 1))
    return x, 3 * x + 1 + 0.01 * noise


def line(**fields: Any) -> Case:
    """Return a linear unit that learns a line; `fields` replace those of the case."""
    standard = {
        "name": "line",
        "summary": "A linear unit learns a line.",
        "source": "https://example.org/line",
        "model": lambda rngs: nnx.Linear(1, 1, rngs=rngs),
        "dataset": Stream(noisy_line, batch_size=32, evaluation_size=256),
        "optimizer": optax.sgd(0.1),
        "schedule": Schedule(steps=60, evaluate_every=20, seeds=20),
    }
    return Case(**(standard | fields))


def treatment(change: Callable[..., Any], name: str = "change") -> Treatment:
    """Return a treatment with a function only."""
    return Treatment(name, "A change.", "https://example.org/change", change)


def line_table(rows: int = 10, batch_size: int = 4, **fields: Any) -> Table:
    """Return a table of `rows` points on a line."""
    x = np.linspace(-1, 1, rows, dtype=np.float32)[:, None]
    split = Split(train=(x, 3 * x + 1), test=(x, 3 * x + 1))
    return Table("points", load=lambda files: split, batch_size=batch_size, **fields)


def trace(r2: list[list[float]], **columns: Any) -> Trace:
    """Return a trace with these R², one list a seed, evaluated every 10 steps; `columns` replace the others."""
    values = np.array(r2)
    seeds, evaluations = values.shape
    standard = {
        "seeds": np.arange(seeds),
        "steps": 10 * np.arange(evaluations),
        "train": {"loss": np.ones_like(values)},
        "metrics": {"loss": 1 - values, "r2": values, "largest_error": np.sqrt(np.abs(1 - values))},
        "gradient_norm": np.ones_like(values),
        "finite": np.ones(values.shape, bool),
        "parameters": np.zeros((seeds, evaluations, 0)),
        "diagnostics": {},
    }
    return Trace(**(standard | columns))


#: Examples of a table in a case that is cut down.
ROWS = 300


def cut_down(case: Case) -> Case:
    """Return a real case with two evaluations of few examples."""
    if not isinstance(case.dataset, Table):
        return dataclasses.replace(case, schedule=Schedule(steps=4, evaluate_every=2, seeds=4), quick=None)
    few = jax.tree.map(lambda rows: rows[:ROWS], _stand_in(case.dataset))
    table = dataclasses.replace(case.dataset, load=lambda files: few, download=None, stand_in=None)
    return dataclasses.replace(case, dataset=table, schedule=Schedule(epochs=2, seeds=4), quick=None)


@cache
def _stand_in(table: Table) -> Split:
    return table.stand_in() if table.stand_in else table.load({})


class Notes:
    """An observer that records its calls."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.seeds = 0.0
        self.rates: list[tuple[int, int]] = []

    def begin(self, label: str, seeds: int, done: int) -> None:
        self.begun = (label, seeds, done)

    def stage(self, stage: str) -> None:
        self.stages.append(stage)

    def advance(self, seeds: float) -> None:
        self.seeds += seeds

    def update_rate(self, seeds: int, converged: int) -> None:
        self.rates.append((seeds, converged))


def run(case: Case, folder: RunFolder | None = None, notes: Notes | None = None, **options: Any) -> CaseRun:
    """Run a case to its end and return the run."""
    settings = TrainingSettings(**options)
    case_run = CaseRun(case, settings, folder or open_folder(settings, OutputSettings()), notes or Notes())
    for _ in case_run.round_results():
        pass
    return case_run
