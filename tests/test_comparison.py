"""A treated case is compared with the untreated one on the seeds that both have."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from test_store import PLAN
from toys import Notes, line, trace, treatment

from benchsuite import stats
from benchsuite.comparison.treatments import compare_treatments
from benchsuite.execution.runner import CaseRun, open_folder
from benchsuite.report.terminal import render, run_tables
from benchsuite.results.result import Result
from benchsuite.results.round import RoundResult
from benchsuite.results.seeds import SeedTable
from benchsuite.results.summary import summarise
from benchsuite.settings import OutputSettings, TrainingSettings
from benchsuite.store.results import read_results


def result(converged: list[int], treatment: str = "", first: int = 0) -> Result:
    """The result of as many seeds, of which these converged."""
    course = trace([[0.0, 0.5, 1.0 if ended else 0.5] for ended in converged], seeds=first + np.arange(len(converged)))
    rows = SeedTable.from_trace(course, line(), [], {})
    plan = dataclasses.replace(PLAN, treatment=treatment, seeds=len(converged))
    (summary,) = summarise(plan, [RoundResult(rows, {}, 1.0, False, 4, 1)])
    return Result(summary, rows)


UNTREATED = [1, 1, 0, 0, 0, 0]


def test_seeds_are_paired() -> None:
    """Who was fixed and who was regressed is told by number, whatever the order of the rows."""
    (found,) = compare_treatments([result(UNTREATED), result([1, 0, 1, 1, 0, 1], "better")])

    assert (found.fixed, found.fixed_seeds) == (3, (2, 3, 5))
    assert (found.regressed, found.regressed_seeds) == (1, (1,))
    assert found.difference == pytest.approx(2 / 6)
    assert found.p_value == stats.paired_p_value(3, 1)
    assert found.difference_interval == stats.paired_difference_interval(both=1, fixed=3, regressed=1, neither=1)


def test_ratio_of_times_has_an_interval_or_is_not_given() -> None:
    """Of the steady rounds, of which there must be two on each side; and not after warnings about the timing."""

    def timed(treatment: str, *seconds: float) -> Result:
        plain = result(UNTREATED, treatment)
        times = {"round_seconds": list(seconds), "round_seeds": [2] * len(seconds)}
        return plain._replace(summary=dataclasses.replace(plain.summary, **times))

    before, after = timed("", 1.0, 1.1, 0.9), timed("slower", 2.0, 2.2, 1.8)

    (found,) = compare_treatments([before, after])
    assert found.cost
    assert found.cost.ratio == pytest.approx(2)
    assert 1.5 < found.cost.low < 2 < found.cost.high < 2.7
    (alone,) = compare_treatments([before, timed("slower", 2.0)])
    assert alone.cost is None
    (busy,) = compare_treatments([before, after], timed=False)
    assert busy.cost is None
    summaries = [before.summary, after.summary]
    assert "× 2.00" in render(run_tables(summaries, 120, [before, after]), 120, colour=False)
    disturbed = render(run_tables(summaries, 120, [before, after], timed=False), 120, colour=False)
    assert "× 2.00" not in disturbed
    assert "The machine was disturbed: times are not compared." in disturbed


def test_only_common_seeds_count() -> None:
    """A run that was interrupted is compared on what it has."""
    (found,) = compare_treatments([result(UNTREATED), result([1, 1, 1], "better", first=2)])

    assert found.seeds == 3
    assert found.fixed_seeds == (2, 3, 4)
    (apart,) = compare_treatments([result(UNTREATED), result([1, 1, 1], "better", first=6)])
    assert (apart.seeds, apart.untreated, apart.p_value) == (0, None, None)


def test_all_comparisons_are_corrected_together() -> None:
    """Holm's method, over all that could be tested."""
    found = compare_treatments([result(UNTREATED), result([1] * 6, "a"), result(UNTREATED, "b"), result([0] * 6, "c")])

    assert [item.adjusted_p_value for item in found] == stats.holm([item.p_value or 0 for item in found])


def test_without_the_untreated_case_there_is_no_difference() -> None:
    """The rate stands alone."""
    (found,) = compare_treatments([result([1, 0], "alone")])

    assert found.untreated is None
    assert found.difference is None
    assert found.adjusted_p_value is None


def test_null_treatment_makes_no_difference() -> None:
    """A treatment that does nothing leaves every seed as it was, to the last bit."""
    case = line(optimizer=line().optimizer, claims=[])
    settings = TrainingSettings(seeds=12)
    folder = open_folder(settings, OutputSettings())
    for variant in (case, treatment(lambda case: case, "null").apply(case)):
        for _ in CaseRun(variant, settings, folder, Notes()).round_results():
            pass

    untreated, treated = read_results(folder)
    (found,) = compare_treatments([untreated, treated])

    assert (found.fixed, found.regressed, found.p_value) == (0, 0, 1.0)
    np.testing.assert_array_equal(untreated.rows.final["loss"], treated.rows.final["loss"])
