"""Claims are judged only where they apply, and by a test that is named."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_store import PLAN
from toys import line, trace

from benchsuite import Bound, Claim, Ends, FailureRate, Figure
from benchsuite.case.claim import Check
from benchsuite.results.claims import ClaimResult, judge_claim
from benchsuite.results.seeds import SeedTable


def rows(r2: list[float], w: list[float] | None = None) -> SeedTable:
    """Seeds that end with these R², and start and end with these w."""
    parameters = np.repeat(np.array(w or [1.0] * len(r2))[:, None, None], 2, axis=1)
    groups = {"w < 0": lambda start: start["w"] < 0}
    return SeedTable.from_trace(
        trace([[0.0, value] for value in r2], parameters=parameters), line(groups=groups), ["w"], {}
    )


def verdict(check: Check, these: SeedTable, **plan: object) -> ClaimResult:
    """Judge a claim with this check on these rows."""
    return judge_claim(Claim("It is so.", check), dataclasses.replace(PLAN, **plan), these)  # type: ignore[arg-type]


def failing(failures: int, seeds: int) -> SeedTable:
    """So many seeds, of which so many fail."""
    return rows([0.0] * failures + [1.0] * (seeds - failures))


@pytest.mark.parametrize(
    ("check", "failures", "expected"),
    [
        (FailureRate(equals=0.5), 500, "holds"),
        (FailureRate(equals=0.5), 463, "holds"),
        (FailureRate(equals=0.5), 400, "refuted"),
        (FailureRate(at_least=0.5), 900, "holds"),
        (FailureRate(at_least=0.5), 400, "refuted"),
        (FailureRate(at_most=0.5), 100, "holds"),
        (FailureRate(at_most=0.5), 600, "refuted"),
        (FailureRate(equals=1), 999, "refuted"),
        (FailureRate(equals=0), 0, "holds"),
    ],
)
def test_rate_is_judged_by_the_exact_test(check: FailureRate, failures: int, expected: str) -> None:
    """A rate that chance does not explain refutes the claim; only the side that it bounds counts."""
    judged = verdict(check, failing(failures, 1000))

    assert judged.verdict == expected
    assert "exact binomial test" in judged.test
    assert judged.found.startswith(f"{failures} of 1,000 fail")


def test_claim_is_limited_to_its_group() -> None:
    """Only seeds that started there are counted."""
    these = rows([0.0, 0.0, 1.0, 1.0], w=[-1, -2, 1, 2])

    assert verdict(FailureRate(equals=1, among="w < 0"), these).found.startswith("2 of 2 fail")
    assert verdict(FailureRate(equals=1, among="w < 0"), rows([1.0])).reason == "no seed started there"


@pytest.mark.parametrize(("change", "reason"), [({"protocol": "quick"}, "quick"), ({"stand_in": True}, "synthetic")])
def test_claim_is_not_judged_where_it_does_not_speak(change: dict[str, object], reason: str) -> None:
    """Another protocol or other data say nothing of the source: that is the reason, and the figures are shown."""
    judged = verdict(FailureRate(equals=0.5), failing(0, 1000), **change)

    assert judged.verdict == "not judged"
    assert judged.p_value is None
    assert reason in judged.reason
    assert judged.found.startswith("0 of 1,000 fail")


def test_rate_is_not_judged_by_too_few_seeds() -> None:
    """Where no outcome could refute a claim, it is not judged."""
    assert verdict(FailureRate(equals=0.5), failing(4, 4)).verdict == "not judged"
    assert verdict(FailureRate(equals=0.5), failing(10, 10)).verdict == "refuted"


def test_bound_is_refuted_by_one_seed_which_is_named() -> None:
    """Every seed must be within it, and an exception can be replayed; a seed without a figure is one."""
    assert verdict(Bound("r2", at_most=0.9), rows([0.1] * 16)).verdict == "holds"
    assert verdict(Bound("w", -2, 0, among="w < 0"), rows([0.0] * 17, w=[-1] * 16 + [5])).verdict == "holds"

    judged = verdict(Bound("r2", at_most=0.9), rows([0.1, 0.95, np.nan]))

    assert judged.verdict == "refuted"
    assert judged.found == "0.1 to 0.95 over 3 seeds; outside: 2, such as seed 1, 2"


@pytest.mark.parametrize("check", [Bound("r2", at_most=0.9), FailureRate(equals=1)])
def test_few_seeds_without_an_exception_say_little(check: Check) -> None:
    """A claim that one seed could refute holds after sixteen seeds, not before."""
    assert verdict(check, rows([0.1] * 15)).verdict == "not judged"
    assert verdict(check, rows([0.1] * 16)).verdict == "holds"


@pytest.mark.parametrize("check", [Bound("r2", at_most=0.9), Figure("r2", 0.5)])
def test_seeds_without_a_finite_figure_are_not_passed_over(check: Check) -> None:
    """Where none has one nothing is judged; where some have none, a figure's place says nothing."""
    assert verdict(check, rows([np.nan] * 20)).reason == "no seed ended with a finite figure"
    assert verdict(check, rows([0.1] * 20 + [np.nan])).verdict in ("refuted", "not judged")


def test_claim_of_a_named_start() -> None:
    """A claim of one start is judged by its training alone, and not before there is one."""
    ends = rows([1.0, 0.0], w=[1.0, -2.0])
    starts = {"blue": {"w": 1.0}, "red": {"w": -2.0}}
    plan = dataclasses.replace(PLAN, starts=starts)

    def judged(check: Ends, these: SeedTable | None) -> ClaimResult:
        return judge_claim(Claim("It is so.", check), plan, rows([0.5]), these)

    assert judged(Ends("blue", converges=True), ends).verdict == "holds"
    assert judged(Ends("red", converges=True), ends).verdict == "refuted"
    assert judged(Ends("red", converges=False), ends).found == "stuck, w = -2"
    assert judged(Ends("red", converges=False), None).verdict == "not judged"


@pytest.mark.parametrize(
    ("value", "place", "expected"),
    [(0.15, "above 5 of 20", "holds"), (0.3, "above 20 of 20", "holds"), (9, "above 20 of 20", "refuted")],
)
def test_figure_is_found_among_the_seeds(value: float, place: str, expected: str) -> None:
    """The source's one figure is placed among those of many seeds, and refuted where one more run would not land."""
    judged = verdict(Figure("loss", value), rows(list(1 - np.linspace(0.101, 0.299, 20))))

    assert judged.found.startswith(place)
    assert judged.verdict == expected
    assert "normal of the logarithms" in judged.test


def test_figure_is_not_judged_by_too_few_seeds() -> None:
    """Among fewer than 16 seeds its place is shown, without a verdict."""
    judged = verdict(Figure("loss", 0.5), rows([0.4] * 7 + [0.6] * 8))

    assert judged.verdict == "not judged"
    assert "at least 16 seeds" in judged.reason
    assert judged.found.startswith("above 8 of 15")


#: What can be stored.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)

CHECKS = st.one_of(
    st.floats(0, 1).map(lambda rate: FailureRate(at_least=rate, among="w < 0")),
    st.floats(-1e9, 1e9).map(lambda value: Bound("r2", at_most=value)),
    st.floats(-1e9, 1e9).map(lambda value: Figure("train.loss", value)),
    st.builds(Ends, st.text(), st.booleans()),
)


@given(CHECKS, TEXTS, st.just("") | TEXTS)
def test_claim_survives_the_run_folder(check: Check, statement: str, source: str) -> None:
    """A claim that was stored is the claim that was made."""
    claim = Claim(statement, check, source)

    assert Claim.from_json(claim.to_json()) == claim


def test_claim_has_the_source_of_its_case_unless_it_names_one() -> None:
    """A verdict always has a source."""
    claim = Claim("It is so.", FailureRate(equals=0.5), source="a book")

    assert judge_claim(claim, PLAN, failing(1, 2)).source == "a book"
    assert verdict(FailureRate(equals=0.5), failing(1, 2), source="a page").source == "a page"
