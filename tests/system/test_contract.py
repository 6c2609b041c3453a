"""What every case of ours keeps, whatever it is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from toys import ROWS, cut_down

from benchsuite import Case, Claim, Stream
from benchsuite.engine.landscape import LandscapeEvaluator, has_landscape
from benchsuite.engine.model import parameter_names
from benchsuite.engine.prng import data_key
from benchsuite.engine.problem import Problem
from benchsuite.execution.runner import CaseRun, open_folder
from benchsuite.plugins.registry import load_registry
from benchsuite.report.terminal.summary import render, run_tables
from benchsuite.settings import OutputSettings, TrainingSettings
from benchsuite.variants.start import start_values

#: One of each kind besides the core cases: without data, with labels, with players, with state, and a sequence.
KINDS = {"rosenbrock", "modular-addition", "gan-line", "batchnorm-rings", "adding-rnn"}

OURS = {
    plugin.name: plugin
    for plugin in load_registry().plugins
    if plugin.name in KINDS or any("core" in case.tags for case in plugin.declared.cases)
}


@pytest.fixture(params=sorted(OURS), scope="module")
def case(request: pytest.FixtureRequest) -> Case:
    """The first case of each of our plugins, cut down to two evaluations of few examples."""
    found = OURS[request.param].supplied.cases[0]
    return cut_down(found)


Drawn = tuple[Callable[[Any], Any], Callable[[Any], Any]]


@pytest.fixture(scope="module")
def drawn(case: Case) -> Drawn:
    """What makes the start of a seed, and the first batch or the order of the first rows that it sees."""
    problem = Problem.load(case, TrainingSettings())
    dataset = case.dataset

    def data(seed: Any) -> Any:
        if dataset is None:
            return jax.random.key_data(jax.random.key(seed))
        key = jax.random.fold_in(data_key(case.name, seed), 0)
        return dataset.draw(key, 8) if isinstance(dataset, Stream) else jax.random.permutation(key, ROWS)

    def start(seed: Any) -> Any:
        return problem.training.start(seed, None, None, problem.data)[0].parameters

    return jax.jit(start), jax.jit(data)


class Unseen:
    """An observer that shows nothing."""

    def begin(self, label: str, seeds: int, done: int) -> None: ...
    def stage(self, stage: str) -> None: ...
    def advance(self, seeds: float) -> None: ...
    def update_rate(self, seeds: int, converged: int) -> None: ...


def test_case_tells_what_it_is(case: Case) -> None:
    """It has a sentence, an address, and claims that are sentences and can be stored."""
    assert case.summary.endswith(".")
    assert case.source.startswith("https://")
    for claim in case.claims:
        assert claim.statement.endswith(".")
        assert Claim.from_json(claim.to_json()) == claim


SEEDS = st.integers(0, 2**32 - 1)


@given(one=SEEDS, other=SEEDS)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_two_seeds_differ_in_start_and_in_data(drawn: Drawn, one: int, other: int) -> None:
    """Whichever they are, each has its own, and always the same."""
    assume(one != other)
    start, first = drawn

    for draw in (start, first):
        ours, theirs, again = (jax.tree.leaves(draw(np.uint32(seed))) for seed in (one, other, one))
        assert any((a != b).any() for a, b in zip(ours, theirs, strict=True))
        assert all((a == b).all() for a, b in zip(ours, again, strict=True))


def test_case_runs_from_start_to_tables(case: Case) -> None:
    """It trains, is judged, keeps its rows, and every figure that is said of it can be shown."""
    run = CaseRun(case, TrainingSettings(rounds=1), open_folder(TrainingSettings(), OutputSettings()), Unseen())
    (round_result,) = run.round_results()
    summary = run.summaries()[0]

    shown = render(run_tables([summary], 120), 120, colour=False)

    losses = round_result.curves["metric.loss"]
    assert np.isfinite(losses).all()
    assert (losses[:, -1] != losses[:, 0]).all(), "training moves it"
    assert summary.seeds == 4
    assert summary.outcomes["diverged"] == 0
    assert len(summary.claims) == len(case.claims)
    assert len(summary.starts) == len(case.starts)
    for name in (*case.starts, *case.groups, *(diagnostic.name for diagnostic in case.diagnostics)):
        assert name in shown


def test_named_places_exist(case: Case) -> None:
    """Starts and landscapes give every parameter of the model."""
    names = parameter_names(case)

    assert start_values(case, case.starts, names).shape == (len(case.starts), len(names))
    if has_landscape(case):
        assert LandscapeEvaluator(case, TrainingSettings(), grid=4).surfaces({})
