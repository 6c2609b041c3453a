"""Values of an option, trained side by side, are what they would be alone."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from benchsuite_library.relu import relu_to_relu
from hypothesis import given
from hypothesis import strategies as st
from stored import GOOD, STUCK, store_run, treated
from toys import Notes, line, run, treatment

from benchsuite import DoesNotApply
from benchsuite.case.sweep import SweepRange
from benchsuite.errors import OptionError
from benchsuite.execution.runner import CaseRun
from benchsuite.plugins.registry import load_registry
from benchsuite.plugins.selection import select_treatments
from benchsuite.report.terminal.summary import render, run_tables
from benchsuite.report.terminal.sweep import group_curves
from benchsuite.settings import TrainingSettings
from benchsuite.store.folder import RunFolder
from benchsuite.store.results import read_results
from benchsuite.variants.variant import sweep_case

RATES = (0.001, 0.01, 0.3)

SLOW = partial(optax.sgd, learning_rate=0.1)


@given(st.floats(1e-12, 1e12), st.floats(1.01, 1e9), st.integers(2, 50))
def test_ranges_in_equal_ratios(low: float, ratio: float, count: int) -> None:
    """They begin and end where they are told to, and every value is the one before times the same."""
    values = SweepRange.parse(f"rate={low!r}:{low * ratio!r}:{count}").values

    assert len(values) == count
    np.testing.assert_allclose([values[0], values[-1]], [low, low * ratio], rtol=1e-5)
    np.testing.assert_allclose(np.diff(np.log(values)), np.log(ratio) / (count - 1), atol=2e-5)  # six digits are kept


def test_other_ranges() -> None:
    """Equal distances, values one by one, and a single one."""
    assert SweepRange.parse("momentum=0:0.9:4:linear") == SweepRange("momentum", (0.0, 0.3, 0.6, 0.9))
    assert SweepRange.parse("rate = 0.5, 1e-3") == SweepRange("rate", (0.001, 0.5))
    assert SweepRange.parse("rate=0.1") == SweepRange("rate", (0.1,))
    assert SweepRange.parse("rate=0.1:0.1:1") == SweepRange("rate", (0.1,))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rate", "write, for example"),
        ("rate=", "write, for example"),
        ("=1:2:3", "write, for example"),
        ("a rate=1:2:3", "write, for example"),
        ("rate=1:2", "write, for example"),
        ("rate=1:2:3:cubic", "write, for example"),
        ("rate=1:2:3:linear:4", "write, for example"),
        ("rate=1:0.1:5", "is reversed"),
        ("rate=1:2:0", "whole number from 1"),
        ("rate=1:2:1.5", "whole number from 1"),
        ("rate=1:2:1", "has 1 values"),
        ("rate=1:1:5", "has 5 values"),
        ("rate=1:2:99999", "whole number from 1 to 1,000"),
        ("rate=0:1:5", "rate=0:1:5:linear"),
        ("rate=-1:1:5", "equal ratios"),
        ("rate=one:2:3", "not a finite number"),
        ("rate=nan", "not a finite number"),
        ("rate=1:inf:3", "not a finite number"),
        ("rate=1,1", "duplicate values"),
    ],
)
def test_bad_range_is_refused(text: str, said: str) -> None:
    """Empty, reversed, endless or misspelt: a sentence says what to write, before anything runs."""
    with pytest.raises(OptionError) as refused:
        TrainingSettings(sweep=(text,))

    assert said in str(refused.value)


(RELU,) = relu_to_relu.benchsuite_cases()


def test_sweep_of_a_treatments_own_option_comes_first() -> None:
    """Then the optimiser's, then the model's; and a schedule is made of the case's own value."""
    case = line(optimizer=SLOW)
    halved = treatment(lambda case, learning_rate=1.0: case.with_optimizer(learning_rate=learning_rate / 2))

    assert (
        sweep_case(case, halved, SweepRange("learning_rate", RATES))
        .sweep.at({"learning_rate": 1.0})
        .optimizer_options["learning_rate"]
        == 0.5
    )  # type: ignore[union-attr]  # it has one
    assert (
        sweep_case(case, None, SweepRange("momentum", RATES)).sweep.at({"momentum": 0.5}).optimizer_options["momentum"]
        == 0.5
    )  # type: ignore[union-attr]  # as above
    (decay,) = select_treatments(["decay"], [], load_registry().treatments)
    scheduled = sweep_case(case, decay, SweepRange("learning_rate", RATES)).sweep.at({"learning_rate": 1.0})  # type: ignore[union-attr]  # as above
    assert scheduled.optimizer_options["learning_rate"](jnp.array(0)) == 1.0


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("momentun", "did you mean momentum"),
        ("learning_rates", "did you mean learning_rate"),
        ("units", "is not a number, and cannot be swept"),
        ("activation", "is not a number, and cannot be swept"),
    ],
)
def test_option_that_cannot_be_swept(option: str, said: str) -> None:
    """It is not there, shapes depend on it, or it is no number at all."""
    with pytest.raises(DoesNotApply) as refused:
        sweep_case(RELU, None, SweepRange(option, (1.0, 2.0)))

    assert said in str(refused.value)


def test_option_that_a_treatment_has_replaced_is_not_swept() -> None:
    """SGD's momentum would change nothing of the Adam that took its place."""
    (adam,) = select_treatments(["adam"], [], load_registry().treatments)

    with pytest.raises(DoesNotApply, match="relu-to-relu\\+adam has no option 'momentum'"):
        sweep_case(RELU, adam, SweepRange("momentum", (0.1, 0.9)))


def test_record_of_every_value() -> None:
    """A run of a sweep has a summary for each value, with an even share of the time; it can be resumed."""
    case = sweep_case(line(optimizer=SLOW), None, SweepRange("learning_rate", (0.0, 0.1)))
    first = run(case, seeds=8)
    never, always = first.summaries()

    assert (never.id, always.id) == ("line@learning_rate=0.0", "line@learning_rate=0.1")
    assert (never.converged, always.converged) == (0, 8)
    assert never.seeds == always.seeds == 8
    assert always.setting == {"learning_rate": 0.1}
    assert never.device_seconds == pytest.approx(always.device_seconds)


def test_sweep_is_resumed() -> None:
    """What is there is kept, what is missing is trained, and other values are refused."""
    folder = RunFolder.create(None, {}, {})
    case = sweep_case(line(optimizer=SLOW), None, SweepRange("learning_rate", (0.0, 0.1)))
    run(case, folder, seeds=6)
    again = CaseRun(case, TrainingSettings(seeds=10), RunFolder(folder.path), Notes())
    for _ in again.round_results():
        pass

    assert [summary.seeds for summary in again.summaries()] == [10, 10]
    other = sweep_case(line(optimizer=SLOW), None, SweepRange("learning_rate", (0.0, 0.2)))
    with pytest.raises(Exception, match="with sweep"):
        run(other, RunFolder(folder.path), seeds=10)


CHAIN = "chain(clip_by_global_norm(1.0), sgd(linear_schedule(0.1, 0.1, 50)))"


def test_sweeps_reach_options_of_nested_calls() -> None:
    """By their names where they are unique, and by their paths."""
    (nested,) = select_treatments([], [CHAIN], {})

    sweep = sweep_case(line(), nested, SweepRange("init_value", (0.1, 0.2)), SweepRange("sgd.momentum", (0.5,))).sweep

    assert sweep
    assert sweep.settings == [{"init_value": 0.1, "sgd.momentum": 0.5}, {"init_value": 0.2, "sgd.momentum": 0.5}]
    changed = sweep.at({"init_value": 0.2, "sgd.momentum": 0.5}).optimizer_options
    assert changed["linear_schedule.init_value"] == 0.2
    assert changed["momentum"] == 0.5
    with pytest.raises(DoesNotApply, match=r"has no option 'learning_rates'") as refused:
        sweep_case(line(), nested, SweepRange("learning_rates", (0.1,)))
    assert "max_norm" in refused.value.hint or "learning_rate" in refused.value.hint


def test_settings_of_a_grid() -> None:
    """Options are given once, and the combinations are bounded; one text is read as an earlier version stored it."""
    assert TrainingSettings.parse({"sweep": "rate=1,2"}).sweep == ("rate=1,2",)
    with pytest.raises(OptionError, match="rate is given twice"):
        TrainingSettings(sweep=("rate=1", "rate=2"))
    with pytest.raises(OptionError, match="1,600 combinations"):
        TrainingSettings(sweep=("rate=1:2:40", "momentum=1:2:40"))


def test_table_of_a_grid() -> None:
    """A row for each combination, a column for each option, and the best one below."""
    ends = [*[STUCK] * 3, *[GOOD] * 3, *[STUCK] * 3, *[GOOD] * 2, STUCK]
    folder = store_run(Path("out"), treated("line", "rest", *ends, sweep={"rate": [0.1, 0.2], "momentum": [0.5, 0.9]}))
    results = read_results(folder)

    shown = render(run_tables([], 120, results), 120, colour=False)

    assert "line+rest: rate × momentum from 0.1 to 0.2 × 0.5 to 0.9, 4 combinations, 3 seeds" in shown
    assert re.search(r"0.1 +0.9 100.0 %", shown)
    assert re.search(r"0.2 +0.9 +66.7 %", shown)
    assert "best: 100.0 % at rate = 0.1, momentum = 0.9; rate within 5 points of it at 1 of 4 combinations" in shown
    option, curves = group_curves([result.summary for result in results])
    assert option == "rate"
    assert [len(curve) for curve in curves.values()] == [2, 2]
    assert list(curves) == ["momentum = 0.5", "momentum = 0.9"]
