"""Tests of claims on the rows of seeds."""

from __future__ import annotations

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
        result = _test_seeds(claim.check, rows.among(claim.among))
    if reason := _silence(plan):
        result = {"found": result.get("found", ""), "reason": reason}
    return ClaimResult(
        statement=claim.statement,
        source=claim.source or plan.source,
        said=str(claim.check),
        among=claim.among,
        protocol=SOURCE,
        **({"verdict": NOT_JUDGED} | result),
    )


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
        return {
            "found": result["found"],
            "reason": f"{len(rows)} seeds without an exception are too few, {SEEDS} are needed",
        }
    return result


def _test_rate(check: FailureRate, rows: SeedTable) -> dict[str, Any]:
    seeds, failures = len(rows), int((~rows.converged).sum())
    low, high = stats.rate_interval(failures, seeds)
    found = f"{failures:,} of {seeds:,} fail, {100 * low:.1f} to {100 * high:.1f} %"
    side: Literal["less", "greater", "two-sided"]
    side = "less" if check.at_least is not None else "greater" if check.at_most is not None else "two-sided"
    if min(stats.rate_p_value(extreme, seeds, check.rate, side) for extreme in (0, seeds)) >= stats.LEVEL:
        return {"found": found, "reason": f"{seeds} seeds are too few for any outcome to refute it"}
    p_value = stats.rate_p_value(failures, seeds, check.rate, side)
    test = f"exact binomial test, {'two' if side == 'two-sided' else 'one'}-sided, level {stats.LEVEL:g}"
    return {"found": found, "test": test, "p_value": p_value, "verdict": REFUTED if p_value < stats.LEVEL else HOLDS}


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
    if len(finite) < len(values):
        return {"found": found, "reason": f"{len(values) - len(finite)} of {len(values)} seeds have no finite figure"}
    if len(values) < SEEDS:
        return {"found": found, "reason": f"it is judged among at least {SEEDS} seeds"}
    logarithmic = check.value > 0 and values.min() > 0
    value, sample = (np.log(check.value), np.log(values)) if logarithmic else (check.value, values)
    p_value = stats.prediction_p_value(float(value), sample)
    scale = " of the logarithms" if logarithmic else ""
    test = f"prediction interval for one more run, normal{scale}, level {stats.LEVEL:g}"
    return {"found": found, "test": test, "p_value": p_value, "verdict": REFUTED if p_value < stats.LEVEL else HOLDS}
