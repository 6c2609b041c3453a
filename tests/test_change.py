"""What has changed from one run to another, what cannot be compared, and which gate falls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optax
import pytest
from conftest import Command
from hypothesis import given
from hypothesis import strategies as st
from stored import GOOD as GOOD_SEED
from stored import a_case, store_run, treated
from test_comparison import result
from toys import line, line_table

from benchsuite import Case, Criterion, Schedule, stats
from benchsuite.case.version import case_version
from benchsuite.comparison.gate import Gate
from benchsuite.comparison.runs import MISSING, NEW, CaseChange, RunResults, compare_runs
from benchsuite.errors import OptionError
from benchsuite.results.result import Result

MACHINE = {"versions": {"jax": "1"}}
GOOD, BAD = [1] * 40, [1] * 10 + [0] * 30


def run(*converged: list[int], machine: dict[str, Any] | None = None, **fields: Any) -> RunResults:
    """A run of as many cases, with `fields` of their summaries."""
    results = [result(ends) for ends in converged]
    renamed = [
        Result(replace(item.summary, id=f"case-{n}", label=f"case-{n}", **fields), item.rows)
        for n, item in enumerate(results)
    ]
    return RunResults(renamed, machine or MACHINE)


def one(before: RunResults, after: RunResults) -> CaseChange:
    """The change of the only case."""
    (change,) = compare_runs(before, after, 0.05)
    return change


def test_a_case_is_compared_with_its_own_protocol() -> None:
    """Where both runs have it under two; where only another one is there, it says so."""
    quick, source = run(GOOD, protocol="quick"), run(BAD, protocol="source")
    both = RunResults([*source.results, *[labelled(result, "case-0 (quick)") for result in quick.results]], MACHINE)

    found = compare_runs(both, both, 0.05)
    assert [change.rate.before for change in found if change.rate] == [0.25, 1.0]
    assert [change.rate_incomparable for change in found] == ["", ""]
    assert (
        "different protocol"
        in one(RunResults(both.results[:1], MACHINE), RunResults(both.results[1:], MACHINE)).rate_incomparable
    )


def labelled(of: Result, label: str) -> Result:
    """The same under another label."""
    return of._replace(summary=replace(of.summary, label=label))


def test_the_same_seeds_are_paired() -> None:
    """McNemar's test, and the interval of pairs."""
    rate = one(run(GOOD), run(BAD)).rate

    assert rate
    assert rate.worse
    assert (rate.test, rate.seeds) == ("McNemar", {"fixed": 0, "regressed": 30})
    assert rate.p_value == stats.paired_p_value(0, 30)
    assert rate.interval == stats.paired_difference_interval(10, 0, 30, 0)
    assert rate.visible == 6 / 40, "six broken seeds have p = 2/64, five have 2/32"


def test_shared_seeds_are_paired_where_one_run_has_more() -> None:
    """The rates compared are those of the shared seeds."""
    rate = one(run(BAD), run([0] * 20)).rate

    assert rate
    assert (rate.test, rate.pairs, rate.seeds) == ("McNemar", 20, {"fixed": 0, "regressed": 10})
    assert (rate.before, rate.after) == (0.5, 0.0)
    assert rate.visible == 6 / 20


def test_other_seeds_are_not() -> None:
    """Fisher's test, and the interval of independent rates."""
    before, after = run(GOOD), run(BAD)
    moved = [item._replace(rows=replace(item.rows, seeds=item.rows.seeds + 10)) for item in after.results]
    rate = one(before, replace(after, results=moved)).rate

    assert rate
    assert rate.test == "Fisher"
    assert rate.p_value == stats.rates_p_value((40, 40), (10, 40))
    assert rate.interval == stats.difference_interval((40, 40), (10, 40))
    assert rate.seeds is None


def test_better_is_a_change_too() -> None:
    """It is shown, but no gate falls."""
    change = one(run(BAD), run(GOOD))

    assert change.rate
    assert not change.rate.worse
    assert change.rate.adjusted_p_value < 0.001
    assert Gate.parse("rate:0.01").falls([change]) == []


def test_p_values_are_corrected_for_the_number_of_cases() -> None:
    """By Holm's method."""
    found = compare_runs(run(GOOD, GOOD, GOOD), run(BAD, GOOD, GOOD), 0.05)

    p_values = [change.rate.p_value for change in found if change.rate]
    assert [change.rate.adjusted_p_value for change in found if change.rate] == stats.holm(p_values)
    assert found[1].rate
    assert found[1].rate.visible == 7 / 40


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"protocol": "quick"}, "different protocol: the reference has source, this run has quick"),
        ({"dataset": "mnist"}, "different data: the reference has noisy_line, this run has mnist"),
        ({"stand_in": True}, "this run has noisy_line, a stand-in"),
        ({"criterion": "r2 ≥ 0.9"}, "different criterion"),
        ({"version": "deadbeef"}, "different case version"),
        ({"program": "fedcba"}, "the program changed, and JAX did not"),
    ],
)
def test_other_cases_are_refused(fields: dict[str, Any], said: str) -> None:
    """With what is another; and a gate of the rate falls, for nobody knows."""
    change = one(run(GOOD), run(GOOD, **fields))

    assert change.rate is None
    assert change.speed is None
    assert said in change.rate_incomparable
    assert Gate("rate", 0.05).falls([change]) == [f"case-0: not comparable: {change.rate_incomparable}"]


def test_another_program_under_another_jax_is_no_other_case() -> None:
    """JAX changes the program, and whether that changes the rate is what is asked."""
    change = one(run(GOOD), run(BAD, program="other", machine={"versions": {"jax": "2"}}))

    assert change.rate
    assert change.speed_incomparable == "different jax: 1, now 2"


def test_digests_of_two_kinds_are_no_other_case() -> None:
    """Versions before this one had digests of another kind, which say nothing about those of today."""
    change = one(run(GOOD, program="b6d4a2641da3d5e1"), run(GOOD, program="jaxpr:369d28a5164f0a8d"))

    assert change.rate


def test_new_and_missing_cases() -> None:
    """They are told, and let no gate fall: a person may have chosen some of the cases."""
    grown, shrunk = compare_runs(run(GOOD), run(GOOD, GOOD), 0.05), compare_runs(run(GOOD, GOOD), run(GOOD), 0.05)

    assert grown[1].rate_incomparable == NEW
    assert Gate("rate", 0.05).falls(grown) == []
    assert shrunk[1].rate_incomparable == MISSING
    assert Gate("rate", 0.05).falls(shrunk) == []


ROUNDS = {"round_seeds": [10] * 8}


def test_speeds_are_compared_by_rank() -> None:
    """Of steady rounds, where the machines agree; a slower one lets the gate of the speed fall, and no other."""
    seconds = [1.0, 1.1, 0.9, 1.05, 0.95, 1.0, 1.02, 0.98]
    fast = run(GOOD, round_seconds=seconds, **ROUNDS)
    slow = run(GOOD, round_seconds=[2 * value for value in seconds], **ROUNDS)
    change = one(fast, slow)

    assert change.speed
    assert (change.speed.before, change.speed.after) == (pytest.approx(10, rel=0.02), pytest.approx(5, rel=0.02))
    assert change.speed.adjusted_p_value < 0.01
    (reason,) = Gate.parse("speed:0.01").falls([change])
    assert reason.startswith("case-0: its speed has dropped by 50.0 % (Mann-Whitney's p = ")
    assert Gate.parse("speed:0.01:49%").falls([change])
    assert Gate.parse("speed:0.01:51%").falls([change]) == []
    assert Gate.parse("rate:0.01").falls([change]) == []
    assert Gate.parse("speed").falls([one(slow, fast)]) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"device": "other"}, "different device: cpu, now other"),
        ({"precision": "default"}, "different precision"),
        ({"device_count": 8}, "different device count"),
        ({"executor": "dask"}, "different executor: local, now dask"),
        ({"workers": 2}, "different workers: 1, now 2"),
        ({"chunk_size": 7}, "different chunk size"),
        ({"round_seconds": [1.0] * 3}, "3 steady rounds, but a rank test needs 4"),
    ],
)
def test_speeds_of_other_machines_are_not_compared(fields: dict[str, Any], said: str) -> None:
    """The rates are, all the same."""
    standard = {"round_seconds": [1.0] * 8, **ROUNDS}
    change = one(run(GOOD, **standard), run(GOOD, **(standard | fields)))

    assert change.rate
    assert said in change.speed_incomparable
    assert Gate("speed", 0.05).falls([change]) == []


def test_a_gate_of_the_rate_may_have_a_smallest_drop() -> None:
    """In points; a smaller drop is significant, and does not fail."""
    change = one(run(GOOD), run(BAD))

    assert Gate.parse("rate:0.01:75%").falls([change]) == [
        "case-0: its rate has dropped by 75.0 points (McNemar's p = 1.9e-09, level 0.01)"
    ]
    assert Gate.parse("rate:0.01:76%").falls([change]) == []


@pytest.mark.parametrize("text", ["rate:0.01", "speed:0.001:10%", "speed:0.05:2.5%"])
def test_a_gate_is_written_as_it_is_read(text: str) -> None:
    """In messages and tables."""
    assert str(Gate.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "form"),
    [
        *((text, "rate:0.01") for text in ("rat:0.01", "rate:2", "rate:x", "rate:0", "rate:nan", "", "speed:")),
        *((f"speed:0.01:{drop}", "speed:0.001:10%") for drop in ("0", "10", "x%", "%", "-1%", "100%", "nan%", "1:2%")),
    ],
)
def test_bad_gate_is_refused(text: str, form: str) -> None:
    """With the form that it has."""
    with pytest.raises(OptionError) as refused:
        Gate.parse(text)

    assert form in str(refused.value)


COUNTS = st.integers(1, 300)


@given(COUNTS, COUNTS, st.data())
def test_difference_interval_contains_the_difference(first: int, second: int, data: st.DataObject) -> None:
    """It lies within -1 to 1."""
    before = (data.draw(st.integers(0, first)), first)
    after = (data.draw(st.integers(0, second)), second)
    low, high = stats.difference_interval(before, after)

    assert -1 <= low <= after[0] / second - before[0] / first + 1e-12
    assert after[0] / second - before[0] / first - 1e-12 <= high <= 1


def test_difference_interval_is_the_published_one() -> None:
    """Newcombe's first example, 56 of 70 and 48 of 80: 0.0524 to 0.3339."""
    assert stats.difference_interval((48, 80), (56, 70)) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_visible_drops_are_seen() -> None:
    """As many broken seeds as are said have a p-value below the level, one less has not; power is what is said."""
    for level in (0.05, 0.01, 0.001):
        broken = stats.visible_regressions(level)
        assert stats.paired_p_value(0, broken) <= level < stats.paired_p_value(0, broken - 1)
    drop = stats.visible_drop(0.5, 1000, 1000, 0.05, 0.8)
    drawn = np.random.default_rng(0).binomial(1000, [[0.5], [0.5 - drop]], size=(2, 400))
    seen = [stats.rates_p_value((int(a), 1000), (int(b), 1000)) <= 0.05 for a, b in drawn.T]
    assert 0.7 < np.mean(seen) < 0.9


def version(**fields: Any) -> str:
    """The version of a case with these fields."""
    case = line(**fields)
    return case_version(case, case.schedule)


OPTIMIZER: Callable[..., Any] = partial(optax.sgd, learning_rate=0.1)


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "other"},
        {"optimizer": partial(optax.sgd, learning_rate=0.2)},
        {"optimizer": partial(optax.adam, learning_rate=0.1)},
        {"criterion": Criterion("r2", at_least=0.9)},
        {"schedule": Schedule(steps=80, evaluate_every=20)},
        {"dataset": line_table(), "schedule": Schedule(epochs=2)},
        {"restarts": 2},
        {"loss": lambda p, y: abs(p - y).mean()},
    ],
)
def test_a_changed_case_has_another_version(fields: dict[str, Any]) -> None:
    """Whatever defines it; what only describes it does not."""
    assert version(optimizer=OPTIMIZER) == version(optimizer=OPTIMIZER, summary="Told otherwise.", claims=[])
    assert version(**({"optimizer": OPTIMIZER} | fields)) != version(optimizer=OPTIMIZER)


def test_versions_of_our_cases_are_all_different(registered: dict[str, Case]) -> None:
    """And the same when they are asked for again."""
    versions = [case_version(case, case.schedule) for case in registered.values()]

    assert len(set(versions)) == len(registered)
    assert versions == [case_version(case, case.schedule) for case in registered.values()]


@pytest.fixture
def registered() -> dict[str, Case]:
    """The cases of all plugins."""
    from benchsuite.plugins.registry import load_registry

    return load_registry().cases


def test_compare_command(benchsuite: Command) -> None:
    """The same run twice has not changed; other seeds are compared too, and what only one of them has is told."""
    for folder in ("before", "after"):
        store_run(Path(folder), a_case("line", *[GOOD_SEED] * 12))
    code, out, _ = benchsuite("compare", "before", "after", "--fail=rate:0.01")

    assert code == 0
    assert "Changes since before" in out
    assert "+0.0" in out
    store_run(Path("more"), a_case("line", *[GOOD_SEED] * 16), treated("line", "sgd-0.1", GOOD_SEED))
    code, out, err = benchsuite("compare", "more", "before", "--fail=rate:0.01")
    assert code == 0
    assert err == ""
    assert "rate not comparable: not in this run (line+sgd-0.1)" in out
    assert "+0.0" in out
    assert "no run" in benchsuite("compare", "nowhere", "after")[2]
    assert "unknown gate" in benchsuite("compare", "before", "after", "--fail=rat:1")[2]
