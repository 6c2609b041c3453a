"""Tests of claims on the rows of seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from benchsuite import stats
from benchsuite.case import Bound, Claim, Ends, FailureRate, Figure
from benchsuite.results.plan import Plan
from benchsuite.results.seeds import SeedTable
from benchsuite.settings import SOURCE

HOLDS, REFUTED, NOT_JUDGED = "holds", "refuted", "not judged"

#: Seeds that a claim needs to hold; with fewer it can only be refuted.
SEEDS = 16

#: Seeds outside a bound that are named in the result, to be replayed.
_NAMED = 3


@dataclass(frozen=True)
class ClaimResult:
    """A claim with its verdict, as plain JSON values.

    Args:
        statement: the claim, in one sentence.
        source: its reference.
        said: the check, in short.
        among: the group of starts that it is limited to, or None.
        protocol: the one that it holds for: the source's.
        verdict: "holds", "refuted" or "not judged".
        test: the statistical test; empty where the claim was not judged.
        found: what the seeds show, judged or not; empty where no seed has the figure.
        reason: why it was not judged.
        p_value: of the test, where it has one.
        seeds: the number of seeds that were tested.
        adjusted_p_value: by Holm's method over all claims of a report, which decides there; see `judge_together`.
    """

    statement: str
    source: str
    said: str
    among: str | None
    protocol: str
    verdict: str
    test: str = ""
    found: str = ""
    reason: str = ""
    p_value: float | None = None
    seeds: float = 0
    adjusted_p_value: float | None = None

    def to_json(self) -> dict[str, Any]:
        """All fields as plain JSON values."""
        return asdict(self)


def judge_claim(claim: Claim, plan: Plan, rows: SeedTable, starts: SeedTable | None = None) -> ClaimResult:
    """Test a claim, unless these seeds cannot test it.

    Args:
        claim: of the plan's case.
        plan: the definition of the run.
        rows: of the random starts.
        starts: of the named ones, in the order of the plan.
    """
    if isinstance(claim.check, Ends):
        result = _test_start(claim.check, plan, starts)
    else:
        chosen = rows.among(claim.among)
        result = _test_seeds(claim.check, chosen) | {"seeds": len(chosen)}
    if reason := _silence(plan):
        result = {"found": result.get("found", ""), "reason": reason, "seeds": result.get("seeds", 0)}
    return ClaimResult(
        statement=claim.statement,
        source=claim.source or plan.source,
        said=str(claim.check),
        among=claim.among,
        protocol=SOURCE,
        **({"verdict": NOT_JUDGED} | result),
    )


def judge_together(claims: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Judge the claims of one report together, so that the chance of refuting any true one stays at the level.

    Of 60 true claims that are each tested at 1 %, one would be refuted in 45 % of all reports.

    Args:
        claims: `ClaimResult` as JSON, with the p-values of their own tests.

    Returns:
        The same with adjusted p-values and the verdicts that follow from them. Claims without a p-value stay as they
        are: one exception refutes them.
    """
    tested = [number for number, claim in enumerate(claims) if claim["p_value"] is not None]
    adjusted = dict(zip(tested, stats.holm([claims[number]["p_value"] for number in tested]), strict=True))
    return [{**claim, **_adjusted(claim, adjusted.get(number))} for number, claim in enumerate(claims)]


def _adjusted(claim: Mapping[str, Any], p_value: float | None) -> dict[str, Any]:
    found: dict[str, Any] = {"adjusted_p_value": p_value}
    if p_value is None or claim["verdict"] == NOT_JUDGED:
        return found
    if p_value < stats.LEVEL:
        return found | {"verdict": REFUTED}
    seeds = claim.get("seeds") or SEEDS  # an earlier version did not keep them
    return found | ({"verdict": HOLDS} if seeds >= SEEDS else {"verdict": NOT_JUDGED, "reason": _too_few(int(seeds))})


def _too_few(seeds: int) -> str:
    return f"{seeds} seeds without an exception are too few, {SEEDS} are needed"


def _silence(plan: Plan) -> str:
    """Return why a run cannot test its source's claims, or an empty text."""
    if plan.protocol != SOURCE:
        return f"it holds for the source's protocol, this run has the {plan.protocol} one"
    return "it holds for the real data, this run has synthetic data" if plan.stand_in else ""


def _test_start(check: Ends, plan: Plan, starts: SeedTable | None) -> dict[str, Any]:
    if starts is None or check.start not in plan.starts:
        return {"reason": "the named starts have not been trained"}
    number = list(plan.starts).index(check.start)
    values = {name: values[number] for name, values in starts.end.items()}
    found = ", ".join([str(starts.outcomes[number]), *(f"{name} = {value:.4g}" for name, value in values.items())])
    as_said = bool(starts.converged[number]) == check.converges
    return {"found": found, "test": "one training of the start", "verdict": HOLDS if as_said else REFUTED}


def _test_seeds(check: FailureRate | Bound | Figure, rows: SeedTable) -> dict[str, Any]:
    if not len(rows):
        return {"reason": "no seed started there"}
    if isinstance(check, FailureRate):
        result = _test_rate(check, rows)
    else:
        values = rows.figure(check.of)
        if not np.isfinite(values).any():
            return {"reason": "no seed ended with a finite figure"}
        result = _test_bound(check, rows.seeds, values) if isinstance(check, Bound) else _test_figure(check, values)
    if result.get("verdict") == HOLDS and len(rows) < SEEDS:
        return {"found": result["found"], "reason": _too_few(len(rows))}
    return result


def _test_rate(check: FailureRate, rows: SeedTable) -> dict[str, Any]:
    seeds, failures = len(rows), int((~rows.converged).sum())
    low, high = stats.rate_interval(failures, seeds)
    found = f"{failures:,} of {seeds:,} fail, {100 * low:.1f} to {100 * high:.1f} %"
    test, p_value_of = _source_test(check, seeds) if check.of else _share_test(check, seeds)
    if min(map(p_value_of, (0, seeds))) >= stats.LEVEL:
        return {"found": found, "reason": f"{seeds} seeds are too few for any outcome to refute it"}
    return {"found": found, "test": f"{test}, level {stats.LEVEL:g}"} | _decision(p_value_of(failures))


def _decision(p_value: float) -> dict[str, Any]:
    return {"p_value": p_value, "verdict": REFUTED if p_value < stats.LEVEL else HOLDS}


def _share_test(check: FailureRate, seeds: int) -> tuple[str, Callable[[int], float]]:
    """Name the test of a share, and return the function failures → p-value."""
    side: Literal["less", "greater", "two-sided"]
    side = "less" if check.at_least is not None else "greater" if check.at_most is not None else "two-sided"
    name = f"exact binomial test, {'two' if side == 'two-sided' else 'one'}-sided"
    return name, lambda failures: stats.rate_p_value(failures, seeds, check.rate, side)


def _source_test(check: FailureRate, seeds: int) -> tuple[str, Callable[[int], float]]:
    """Name the test against the source's own runs, and return the function failures → p-value."""
    source = check.failed or 0, check.of or 0
    name = f"Fisher's exact test against the source's {source[1]:,} runs, two-sided"
    return name, lambda failures: stats.rates_p_value(source, (failures, seeds))


def _test_bound(check: Bound, seeds: np.ndarray, values: np.ndarray) -> dict[str, Any]:
    outside = seeds[~check.holds(values)]
    found = f"{np.nanmin(values):.5g} to {np.nanmax(values):.5g} over {len(seeds):,} seeds"
    if len(outside):
        found += f"; outside: {len(outside):,}, such as seed {', '.join(map(str, outside[:_NAMED]))}"
    return {"found": found, "test": "every seed is within it", "verdict": REFUTED if len(outside) else HOLDS}


def _test_figure(check: Figure, values: np.ndarray) -> dict[str, Any]:
    finite = values[np.isfinite(values)]
    below = int((finite < check.value).sum())
    found = f"above {below} of {len(finite)} seeds, which end at {finite.min():,.7g} to {finite.max():,.7g}"
    if check.spread is not None:
        found += f", {finite.mean():,.7g} in the mean"
    if len(finite) < len(values):
        return {"found": found, "reason": f"{len(values) - len(finite)} of {len(values)} seeds have no finite figure"}
    if len(values) < SEEDS:
        return {"found": found, "reason": f"it is judged among at least {SEEDS} seeds"}
    if check.spread is not None and check.of_runs is None:
        return {"found": found, "reason": "the source does not say of how many runs its figure is"}
    test, p_value = _mean_test(check, values) if check.spread is not None else _place_test(check, values)
    return {"found": found, "test": f"{test}, level {stats.LEVEL:g}"} | _decision(p_value)


def _mean_test(check: Figure, values: np.ndarray) -> tuple[str, float]:
    spread, runs = check.spread or 0.0, check.of_runs or 0
    return "Welch's test of two means, two-sided", stats.means_p_value(check.value, spread, runs, values)


def _place_test(check: Figure, values: np.ndarray) -> tuple[str, float]:
    runs = check.of_runs or 1
    logarithmic = runs == 1 and check.value > 0 and values.min() > 0  # the mean of logarithms is another
    value, sample = (np.log(check.value), np.log(values)) if logarithmic else (check.value, values)
    what = "one more run" if runs == 1 else "the mean of as many runs"
    scale = " of the logarithms" if logarithmic else ""
    return f"prediction interval for {what}, normal{scale}", stats.prediction_p_value(float(value), sample, runs)
