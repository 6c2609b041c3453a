"""Tables say what a rate is worth: constants, seeds near the bound, and claims that are judged together."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from stored import GOOD, SLOW, STUCK, a_case, store_run
from test_store import PLAN
from toys import line, trace

from benchsuite import Claim, Criterion, FailureRate, Figure
from benchsuite.report.terminal import render, run_tables
from benchsuite.results import Summary, summaries_judged_together, summarise
from benchsuite.results.round import RoundResult, kept_curves
from benchsuite.results.seeds import SeedTable
from benchsuite.store import RunFolder, read_results

ACCURATE = Criterion("right", at_least=0.9)


def accuracies(shares: list[float], **plan: object) -> Summary:
    """The summary of seeds that end with these shares of 100 examples."""
    values = np.array([[0.0, share] for share in shares])
    metrics = {"loss": 1 - values, "r2": values, "largest_error": 1 - values, "right": values}
    case = line(metrics={"right": lambda p, y: (p == y).mean()}, criterion=ACCURATE)
    course = trace(values.tolist(), metrics=metrics)
    rounds = [RoundResult(SeedTable.from_trace(course, case, [], {}), kept_curves(course), 1.0, True, 1, 1)]
    about = {"success": dataclasses.asdict(ACCURATE), "criterion": str(ACCURATE), "evaluation_examples": 100}
    return summarise(dataclasses.replace(PLAN, **{**about, **plan}), rounds)[0]  # type: ignore[arg-type]


def shown(*summaries: Summary) -> str:
    """What a wide terminal shows."""
    return render(run_tables(summaries, 200), 200, colour=False)


def test_seeds_near_the_bound_are_shown_where_they_matter() -> None:
    """More than one seed in twenty is; the share is in the summary in any case."""
    near = accuracies([0.91, 0.89, 0.5, 0.3])
    few = accuracies([0.91] + [0.3] * 19)

    assert near.near_bound == 0.5
    assert few.near_bound == 0.05
    assert "Seeds too near to the bound to tell" in shown(near)
    assert "50.0 %" in shown(near).partition("Seeds too near")[2]
    assert "Seeds too near" not in shown(few)


def test_case_is_marked_whose_criterion_a_constant_meets() -> None:
    """The mark is beside the rate, and explained."""
    marked = accuracies([0.95, 0.3], constant_meets="class 0")

    assert marked.constant_meets == "class 0"
    assert "50.0 % †" in shown(marked)
    assert "† line: class 0, predicted for every input, meets right ≥ 0.9" in shown(marked)
    assert "†" not in shown(accuracies([0.95, 0.3]))


@pytest.mark.parametrize(
    ("criterion", "said"),
    [
        ("r2 ≥ 0.99", "converged: R² ≥ 0.99 at the last evaluation;"),
        ("r2 ≥ 0.99 at any evaluation", "converged: R² ≥ 0.99 at any evaluation;"),
        ("r2 ≥ 0.99 at the best evaluation", "converged: R² ≥ 0.99 at the best evaluation;"),
    ],
)
def test_legend_says_when_the_criterion_must_hold(criterion: str, said: str) -> None:
    """At the last evaluation, unless it says otherwise."""
    assert said in shown(accuracies([0.95], criterion=criterion))


#: Ends of 20 seeds of which 3 fail: p = 0.0025 that half do; Holm makes 0.025 of it among ten such claims.
UNLUCKY = [GOOD] * 17 + [SLOW] * 2 + [STUCK]


@pytest.fixture
def many_claims(tmp_path: Path) -> RunFolder:
    """A run of ten cases, of which one has a claim that its seeds refute by itself."""
    half = [Claim("Half fail.", FailureRate(equals=0.5)).to_json()]
    cases = [a_case("unlucky", *UNLUCKY, plan={"claims": half})]
    fair = [GOOD, SLOW] * 10
    return store_run(tmp_path / "run", *cases, *(a_case(f"fair-{n}", *fair, plan={"claims": half}) for n in range(9)))


def test_claims_of_a_run_are_judged_together(many_claims: RunFolder) -> None:
    """What is stored is the test of each; what is shown is the verdict over all of them."""
    stored = many_claims.summaries["unlucky"].claims[0]
    results = read_results(many_claims)
    summaries = [result.summary for result in results]

    assert (stored["verdict"], stored["adjusted_p_value"]) == ("refuted", None)
    together = summaries_judged_together(summaries)[0].claims[0]
    assert (together["verdict"], together["p_value"]) == ("holds", stored["p_value"])
    assert together["adjusted_p_value"] == pytest.approx(10 * float(stored["p_value"]))  # type: ignore[arg-type]
    assert "refuted" not in shown(*summaries).partition("Claims of the sources")[2].partition("adjusted:")[0]
    assert "over all 10 claims" in shown(*summaries)


def test_figure_and_count_survive_the_run_folder(tmp_path: Path) -> None:
    """Claims with a sample of their own are stored and read."""
    claims = [
        Claim("21 of 50 fail.", FailureRate(failed=21, of=50)),
        Claim("It ends at 0.1.", Figure("loss", 0.1, spread=0.01, of_runs=7)),
    ]
    plan = {
        "claims": [claim.to_json() for claim in claims],
        "success": dataclasses.asdict(Criterion("r2", at_least=0.99)),
    }
    folder = RunFolder(store_run(tmp_path / "run", a_case("line", *UNLUCKY, plan=plan)).path)

    assert folder.plans[0].parsed_claims == claims
    assert folder.plans[0].parsed_criterion == Criterion("r2", at_least=0.99)
    assert [claim["said"] for claim in folder.summaries["line"].claims] == [
        "21 of 50 fail",
        "loss = 0.1 ± 0.01 over 7 runs",
    ]
