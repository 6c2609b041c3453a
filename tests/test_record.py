"""The record is a sum of the rows, and a claim is judged only where it speaks."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from test_store import PLAN, shard
from toys import trace

from benchsuite import Criterion
from benchsuite.record import Shard, judge_claim, summarise


def test_record_sums_up_the_rows() -> None:
    """Counts, rate, interval and times come from the shards alone."""
    record = summarise(PLAN, [shard(0, seconds=8.0), shard(2, seconds=2.0), shard(4, seconds=1.0)])

    assert (record.seeds, record.converged, record.rate) == (6, 3, 0.5)
    assert record.outcomes == {"diverged": 0, "converged": 3, "lost": 0, "dead": 0, "stuck": 3, "slow": 0}
    assert record.rate_interval[0] < 0.5 < record.rate_interval[1]
    assert record.median_steps_to_success == 20
    assert record.first_run_seconds == 8
    assert record.round_seconds == [2, 1]
    assert record.seeds_per_second == 1.5, "the median of the steady rounds"
    assert record.device_seconds == 22, "all rounds, on two devices"
    assert record.device_seconds_per_converged == pytest.approx(22 / 3)


def test_record_without_success_has_no_time_for_it() -> None:
    """Where none converged there is no median and no price."""
    course = trace([[0.0, 0.0, np.nan]])
    measured = {"seconds": 1.0, "first_run": True, "chunk_size": 1, "device_count": 1}
    record = summarise(PLAN, [Shard.judge(course, Criterion("r2", at_least=0.99), **measured)])

    assert record.rate == 0
    assert record.median_steps_to_success is None
    assert record.device_seconds_per_converged is None
    assert record.final["r2"] == {"q05": None, "median": None, "q95": None}
    assert record.seeds_per_second == 1, "of the first round, for want of another"


def test_record_is_plain_json() -> None:
    """A record survives strict JSON."""
    record = summarise(PLAN, [shard()])

    assert json.loads(json.dumps(record.to_json(), allow_nan=False)) == record.to_json()


@pytest.mark.parametrize(
    ("failures", "seeds", "verdict"), [(500, 1000, "holds"), (463, 1000, "holds"), (400, 1000, "refuted")]
)
def test_claim_is_judged_by_the_exact_test(failures: int, seeds: int, verdict: str) -> None:
    """A rate that chance does not explain refutes the claim."""
    judged = judge_claim(PLAN.claims[0], PLAN, failures, seeds)

    assert judged.verdict == verdict
    assert "exact binomial test" in judged.reason


@pytest.mark.parametrize(("change", "reason"), [({"protocol": "quick"}, "quick"), ({"stand_in": True}, "stand-in")])
def test_claim_is_not_judged_where_it_does_not_speak(change: dict[str, object], reason: str) -> None:
    """Another protocol or other data say nothing of the source, and that is the reason given."""
    judged = judge_claim(PLAN.claims[0], dataclasses.replace(PLAN, **change), 0, 1000)  # type: ignore[arg-type]

    assert judged.verdict == "not judged"
    assert judged.p_value is None
    assert reason in judged.reason


def test_claim_is_not_judged_by_too_few_seeds() -> None:
    """Where no outcome could refute a claim, nothing is said of it."""
    assert judge_claim(PLAN.claims[0], PLAN, 4, 4).verdict == "not judged"
    assert judge_claim(PLAN.claims[0], PLAN, 10, 10).verdict == "refuted"


def test_label_keeps_unlike_figures_apart() -> None:
    """A quick protocol and stand-in data are part of the name."""
    assert PLAN.label == "line"
    assert dataclasses.replace(PLAN, protocol="quick", stand_in=True).label == "line (quick, stand-in data)"
