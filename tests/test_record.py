"""Summaries are computed from the rows, at once or round by round."""

from __future__ import annotations

import dataclasses
import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_store import PLAN, round_result
from toys import line, trace

from benchsuite import Bound, Claim, FailureRate, Figure
from benchsuite.results.round import RoundResult, kept_curves
from benchsuite.results.seeds import SeedTable
from benchsuite.results.summary import Accumulator, Summary, summarise
from benchsuite.results.trace import Trace


def round_of(course: Trace, **fields: object) -> RoundResult:
    """A round with the rows of a trace of a case with these fields."""
    return RoundResult(SeedTable.from_trace(course, line(**fields), ["w"], {}), kept_curves(course), 1.0, True, 1, 1)


def test_record_sums_up_the_rows() -> None:
    """Counts, rate, interval and times come from the rounds alone."""
    summary = summarise(
        PLAN, [round_result(0, seconds=8.0), round_result(2, seconds=2.0), round_result(4, seconds=1.0)]
    )[0]

    assert (summary.seeds, summary.converged, summary.rate) == (6, 3, 0.5)
    assert summary.outcomes == {
        "diverged": 0,
        "converged": 3,
        "lost": 0,
        "dead": 0,
        "collapsed": 0,
        "stuck": 3,
        "slow": 0,
    }
    assert summary.rate_interval[0] < 0.5 < summary.rate_interval[1]
    assert summary.first_run_seconds == 8
    assert summary.round_seconds == [2, 1]
    assert summary.seeds_per_second == 1.5, "the median of the steady rounds"
    assert summary.device_seconds == 22, "all rounds, on two devices"
    assert summary.device_seconds_per_converged == pytest.approx(22 / 3)


def test_time_to_success_counts_failures_as_censored() -> None:
    """Half succeed at step 20 of 20: that is the median, and each success costs two runs."""
    time = summarise(PLAN, [round_result(0), round_result(2)])[0].time_to_success

    assert time["median"] == 20
    assert time["expected_running_time"] == (20 + 20 + 20 + 20) / 2
    assert (time["resolution"], time["censored_at"]) == (10, 20)
    assert time["curve"]["times"] == [20]
    assert time["curve"]["share"] == [0.5]
    assert time["curve"]["low"][0] < 0.5 < time["curve"]["high"][0]


def test_ladder_is_taken_from_one_training() -> None:
    """The rate falls as the threshold rises, and the error is that which a share of the seeds keeps."""
    course = trace([[0.0, r2] for r2 in (0.5, 0.95, 0.995, 0.9995, 0.99995)], parameters=np.zeros((5, 2, 1)))
    ladder = summarise(PLAN, [round_of(course)])[0].thresholds

    assert [rung["rate"] for rung in ladder["r2"]] == [0.8, 0.6, 0.4, 0.2]
    assert [rung["at_least"] for rung in ladder["r2"]] == [0.9, 0.99, 0.999, 0.9999]
    errors = sorted(np.sqrt(1 - course.metrics["r2"][:, -1]))
    assert [rung["at_most"] for rung in ladder["largest_error"]] == pytest.approx([errors[0], errors[2], errors[4]])


def test_groups_have_rates_of_their_own() -> None:
    """The rate is split by where seeds started; a group without a seed has none."""
    groups = {"w > 0": lambda start: start["w"] > 0, "w > 9": lambda start: start["w"] > 9}
    course = trace(
        [[0.0, 1.0], [0.0, 0.0], [0.0, 1.0]], parameters=np.array([1.0, -1.0, 2.0])[:, None, None].repeat(2, 1)
    )

    positive, far = summarise(PLAN, [round_of(course, groups=groups)])[0].groups

    assert (positive["name"], positive["seeds"], positive["rate"]) == ("w > 0", 2, 1.0)
    assert (far["seeds"], far["rate"], far["rate_interval"]) == (0, None, [0, 1])


def test_named_starts_count_in_no_rate() -> None:
    """They are shown by name, with where they began and ended."""
    plan = dataclasses.replace(PLAN, starts={"far": {"w": -10.0}})
    course = trace([[0.0, 0.0]], parameters=np.array([[[-10.0], [0.5]]]))

    summary = summarise(plan, [round_result(0)], SeedTable.from_trace(course, line(), ["w"], {}))[0]

    assert summary.seeds == 2
    (start,) = summary.starts
    assert (start["name"], start["start"], start["end"]) == ("far", {"w": -10.0}, {"w": 0.5})
    assert (start["outcome"], start["steps_to_success"]) == ("stuck", None)


def test_diagnostics_are_spread_over_the_seeds() -> None:
    """Each has its quantiles and its reading; those of the data are the same for all seeds."""
    course = trace([[0.0, 1.0]] * 3, diagnostics={"dead": np.array([1.0, 2.0, 9.0])})
    plan = dataclasses.replace(PLAN, readings={"dead": "how many", "rank": "of the data"})
    rows = SeedTable.from_trace(course, line(), [], {"rank": 7.0})

    dead, rank = summarise(plan, [RoundResult(rows, {}, 1.0, True, 1, 1)])[0].diagnostics

    assert dead == {"name": "dead", "reading": "how many", "finite": 3, "q05": 1, "median": 2, "q95": 9}
    assert rank == {"name": "rank", "reading": "of the data", "finite": 3, "q05": 7, "median": 7, "q95": 7}


def test_record_without_success_has_no_time_for_it() -> None:
    """Where none converged there is no median and no price."""
    course = trace([[0.0, 0.0, np.nan]], parameters=np.zeros((1, 3, 1)))
    summary = summarise(PLAN, [round_of(course)])[0]

    assert summary.rate == 0
    assert summary.time_to_success["median"] is None
    assert summary.time_to_success["expected_running_time"] is None
    assert summary.time_to_success["curve"]["times"] == []
    assert summary.device_seconds_per_converged is None
    assert summary.final["r2"] == {"finite": 0, "q05": None, "median": None, "q95": None}
    assert summary.thresholds["largest_error"][0]["at_most"] is None
    assert summary.seeds_per_second == 1, "of the first round, for want of another"


def test_record_is_plain_json() -> None:
    """A summary survives strict JSON."""
    summary = summarise(PLAN, [round_result()])[0]

    assert json.loads(json.dumps(summary.to_json(), allow_nan=False)) == summary.to_json()


def test_label_keeps_unlike_figures_apart() -> None:
    """A quick protocol and synthetic data are part of the label."""
    assert PLAN.label == "line"
    assert dataclasses.replace(PLAN, protocol="quick", stand_in=True).label == "line (quick, stand-in data)"


#: R² of seeds with every kind of end.
R2 = st.sampled_from(
    [[0.0, 0.5, 1.0], [0.0, 0.0, 0.0], [0.0, np.nan, np.nan], [0.0, 0.5, 0.9], [0.0, 1.0, 0.5], [1.0] * 3]
)


@given(
    ends=st.lists(R2, min_size=1, max_size=40),
    cuts=st.sets(st.integers(1, 39)),
    asked=st.sets(st.integers(0, 39)),
    swept=st.booleans(),
)
def test_rounds_add_up_to_the_same_summary(
    ends: list[list[float]], cuts: set[int], asked: set[int], *, swept: bool
) -> None:
    """However the seeds are split into rounds, and whenever figures were computed before, the end is the same."""
    sweep = {"rate": [0.1, 0.2]} if swept else {}
    claims = [
        Claim("So.", FailureRate(equals=0.5)),
        Claim("It ends.", Figure("r2", 0.9)),
        Claim("B.", Bound("w", -3, 3)),
    ]
    plan = dataclasses.replace(
        PLAN, sweep=sweep, parameter_names=["w"], seeds=len(ends), claims=[claim.to_json() for claim in claims]
    )
    whole = _round(ends, 0, len(ends), swept=swept)
    bounds = [0, *sorted(cut for cut in cuts if cut < len(ends)), len(ends)]
    accumulator = Accumulator(plan)

    for number, (first, last) in enumerate(itertools.pairwise(bounds)):
        accumulator.add(_round(ends, first, last, swept=swept))
        if number in asked:
            accumulator.summaries()

    assert accumulator.due
    found, expected = accumulator.summaries(), summarise(plan, [whole])
    assert [_of_rows(one) for one in found] == [_of_rows(one) for one in expected]
    assert accumulator.seeds == len(ends)
    assert accumulator.converged == max(one.converged for one in expected)


def _round(ends: list[list[float]], first: int, last: int, *, swept: bool) -> RoundResult:
    """The seeds from `first` to before `last`; for each of two values of a sweep, where it is one."""
    course = [*ends[first:last], *(end[::-1] for end in ends[first:last])] if swept else ends[first:last]
    seeds = np.tile(np.arange(first, last), 2 if swept else 1)
    settings = {"rate": np.repeat([0.1, 0.2], last - first)} if swept else {}
    parameters = np.repeat(np.sin(seeds)[:, None, None], 3, axis=1)
    groups = {"w > 0": lambda start: start["w"] > 0}
    rows = SeedTable.from_trace(
        trace(course, seeds=seeds, settings=settings, parameters=parameters), line(groups=groups), ["w"], {}
    )
    return RoundResult(rows, {}, 1.0, first_run=False, chunk_size=1, device_count=1)


def _of_rows(summary: Summary) -> str:
    """All figures but those of the rounds' times, as JSON."""
    timed = {"seeds_per_second", "device_seconds", "device_seconds_per_converged", "round_seconds", "round_seeds"}
    return json.dumps({name: value for name, value in summary.to_json().items() if name not in timed})


def test_figures_are_computed_when_the_seeds_have_doubled() -> None:
    """Of 64 rounds, seven compute all figures: the work is that of twice the rows."""
    plan = dataclasses.replace(PLAN, seeds=128)
    accumulator, computed = Accumulator(plan), []

    for first in range(0, 128, 2):
        accumulator.add(round_result(first))
        if accumulator.due:
            computed.append(accumulator.summaries()[0].seeds)

    assert computed == [2, 4, 8, 16, 32, 64, 128]
