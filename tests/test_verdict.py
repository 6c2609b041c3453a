"""Claims are judged only where they apply, and by a test that is named."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, fisher_exact, ttest_ind
from test_store import PLAN
from toys import line, trace

from benchsuite import Bound, Claim, Ends, FailureRate, Figure, stats
from benchsuite.case.claim import Check
from benchsuite.results.claims import ClaimResult, judge_claim, judge_together
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


@pytest.mark.parametrize(
    ("check", "failures", "expected"),
    [
        (FailureRate(failed=21, of=50), 2633, "holds"),
        (FailureRate(failed=21, of=50), 3800, "refuted"),
        (FailureRate(equals=0.42), 2633, "refuted"),
        (FailureRate(failed=0, of=50), 1000, "refuted"),
        (FailureRate(failed=1, of=1), 2500, "holds"),
    ],
)
def test_published_count_is_a_sample(check: FailureRate, failures: int, expected: str) -> None:
    """21 of 50 is compared as 50 runs, not as a share without an error."""
    judged = verdict(check, failing(failures, 5000))

    assert judged.verdict == expected
    if check == FailureRate(failed=21, of=50):
        assert judged.said == "21 of 50 fail"
        assert judged.test == "Fisher's exact test against the source's 50 runs, two-sided, level 0.01"
        assert judged.p_value == pytest.approx(fisher_exact([[21, 29], [failures, 5000 - failures]]).pvalue)


#: R² of twenty seeds, whose losses are 0.101 to 0.299.
TWENTY = list(1 - np.linspace(0.101, 0.299, 20))


@pytest.mark.parametrize(
    ("check", "expected", "test"),
    [
        (Figure("loss", 0.21, spread=0.05, of_runs=10), "holds", "Welch's test"),
        (Figure("loss", 0.4, spread=0.05, of_runs=10), "refuted", "Welch's test"),
        (Figure("loss", 0.4, spread=0.05), "not judged", ""),
        (Figure("loss", 0.29), "holds", "one more run"),
        (Figure("loss", 0.29, of_runs=1), "holds", "one more run"),
        (Figure("loss", 0.29, of_runs=100), "refuted", "the mean of as many runs"),
    ],
)
def test_published_mean_is_compared_with_its_spread(check: Figure, expected: str, test: str) -> None:
    """A spread without its number of runs is shown, not judged."""
    judged = verdict(check, rows(TWENTY))

    assert judged.verdict == expected
    assert test in judged.test
    assert judged.reason == ("" if test else "the source does not say of how many runs its figure is")
    assert judged.found.startswith("above")


def test_welchs_test_is_scipys() -> None:
    """The p-value is that of SciPy for the same samples."""
    losses = 1 - np.array(TWENTY)
    source = np.array([0.15, 0.2, 0.22, 0.3])
    check = Figure("loss", float(source.mean()), spread=float(source.std(ddof=1)), of_runs=4)

    assert verdict(check, rows(TWENTY)).p_value == pytest.approx(ttest_ind(source, losses, equal_var=False).pvalue)


def a_result(p_value: float | None, stated: str = "holds", seeds: int = 1000) -> dict[str, Any]:
    """A claim with the p-value of its own test."""
    stated = "refuted" if p_value is not None and p_value < 0.01 else stated
    fields = {"statement": "It is so.", "source": "", "said": "", "among": None, "protocol": "source"}
    return ClaimResult(**fields, verdict=stated, p_value=p_value, seeds=seeds).to_json()


def test_claims_of_a_report_are_judged_together() -> None:
    """Holm's method decides over those with a p-value; the others stay as they are, and p-values are kept."""
    claims = [a_result(1e-9), a_result(0.004), a_result(0.5), a_result(None, "refuted"), a_result(None, "not judged")]

    together = judge_together(claims)

    assert [claim["verdict"] for claim in together] == ["refuted", "refuted", "holds", "refuted", "not judged"]
    assert [claim["adjusted_p_value"] for claim in together] == [pytest.approx(3e-9), 0.008, 0.5, None, None]
    assert judge_together([*claims, a_result(0.7)])[1]["verdict"] == "holds"
    assert judge_together([*claims, a_result(0.7)])[1]["p_value"] == 0.004
    assert judge_together(together) == together


def test_few_seeds_are_not_said_to_hold_together() -> None:
    """What fewer than sixteen seeds do not refute is not judged."""
    judged = judge_together([a_result(0.008, seeds=10), a_result(0.9)])[0]

    assert judged["verdict"] == "not judged"
    assert "10 seeds" in judged["reason"]


def test_true_claims_are_rarely_refuted_in_any_report() -> None:
    """Of 60 true claims, each tested at 1 %, one is refuted in 1 % of the reports at most, not in 45 %."""
    reports, claims, seeds = 400, 60, 200
    failures = np.random.default_rng(0).binomial(seeds, 0.5, (reports, claims))
    p_values = {int(k): stats.rate_p_value(int(k), seeds, 0.5) for k in np.unique(failures)}
    alone, together = 0, 0
    for report in failures:
        results = [a_result(p_values[int(k)]) for k in report]
        alone += any(claim["verdict"] == "refuted" for claim in results)
        together += any(claim["verdict"] == "refuted" for claim in judge_together(results))

    assert alone > 0.3 * reports
    assert together <= binom.isf(0.001, reports, 0.01)


#: What can be stored.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)

CHECKS = st.one_of(
    st.floats(0, 1).map(lambda rate: FailureRate(at_least=rate, among="w < 0")),
    st.integers(0, 50).map(lambda failed: FailureRate(failed=failed, of=50)),
    st.floats(0, 1e9).map(lambda spread: Figure("loss", 0.5, spread=spread, of_runs=7)),
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
