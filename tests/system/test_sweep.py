"""Values of an option, trained side by side, are what they would be alone."""

from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np
import optax
import pytest
from flax import nnx
from test_sweep import RATES, RELU, SLOW
from toys import line, line_table, run, treatment

from benchsuite import Case, Schedule
from benchsuite.case.sweep import SweepRange
from benchsuite.engine.ensemble import Ensemble
from benchsuite.engine.problem import Problem
from benchsuite.results.outcome import classify
from benchsuite.results.trace import Trace
from benchsuite.settings import TrainingSettings
from benchsuite.system import machine
from benchsuite.variants.treatment import Treatment
from benchsuite.variants.variant import sweep_case


def train(case: Case, seeds: int = 10) -> Trace:
    """The first seeds of a case."""
    problem = Problem.load(case, TrainingSettings())
    return Ensemble.fitting(problem, machine.devices()).train(np.arange(seeds))[0]


def leaky(case: Case, leak: float = 0.01) -> Case:
    """A treatment with an option of the model."""
    return case.with_model(activation=partial(nnx.leaky_relu, negative_slope=leak))


SHORT = dataclasses.replace(RELU, schedule=Schedule(steps=300, evaluate_every=100))


@pytest.mark.parametrize(
    ("case", "treated", "option"),
    [
        (SHORT, None, "learning_rate"),
        (SHORT, treatment(leaky), "leak"),
        (line(optimizer=SLOW, dataset=line_table(), schedule=Schedule(epochs=20)), None, "learning_rate"),
    ],
    ids=["stream", "treatment", "table"],
)
def test_sweep_is_what_separate_runs_are(case: Case, treated: Treatment | None, option: str) -> None:
    """Seed by seed the outcomes are identical, and the figures are to the precision of float32."""
    together = train(sweep_case(case, treated, SweepRange(option, RATES)))

    value = RATES[-1]
    alone = train(treated.apply(case, leak=value) if treated else case.with_optimizer(learning_rate=value))
    chosen = together.settings[option] == value
    np.testing.assert_array_equal(together.seeds[chosen], alone.seeds)
    assert list(classify(together, case.criterion)[chosen]) == list(classify(alone, case.criterion))
    np.testing.assert_allclose(together.metrics["r2"][chosen], alone.metrics["r2"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(together.parameters[chosen], alone.parameters, rtol=1e-5, atol=1e-6)


def test_values_that_are_close_keep_apart() -> None:
    """Each has its own summary, called as it can be typed again."""
    case = sweep_case(
        line(optimizer=partial(optax.adam, learning_rate=0.1)), None, SweepRange("b2", (0.9999, 0.99999, 0.999999))
    )

    assert [summary.id for summary in run(case, seeds=2).summaries()] == [
        f"line@b2={b2}" for b2 in (0.9999, 0.99999, 0.999999)
    ]


def test_grid_is_all_combinations() -> None:
    """Each has a summary and columns of its own, and seeds end as they do alone."""
    case = sweep_case(
        line(optimizer=SLOW), None, SweepRange("learning_rate", (0.0, 0.1)), SweepRange("momentum", (0.1, 0.5))
    )
    swept = run(case, seeds=4)
    alone = run(line(optimizer=partial(optax.sgd, learning_rate=0.1, momentum=0.5)), seeds=4)

    assert swept.plan.id == "line@learning_rate@momentum"
    assert [summary.id for summary in swept.summaries()] == [
        f"line@learning_rate={rate}@momentum={momentum}" for rate in (0.0, 0.1) for momentum in (0.1, 0.5)
    ]
    rows = [result.rows for result in swept.round_results()]
    chosen = [part[(part.settings["learning_rate"] == 0.1) & (part.settings["momentum"] == 0.5)] for part in rows]
    ends = np.concatenate([part.final["r2"] for part in chosen])
    np.testing.assert_allclose(
        ends, np.concatenate([result.rows.final["r2"] for result in alone.round_results()]), rtol=1e-5
    )
