"""What the seeds say of a claim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from benchsuite import stats
from benchsuite.claim import Bound, Claim, FailureRate, Figure
from benchsuite.plan import Plan
from benchsuite.rows import Rows
from benchsuite.settings import SOURCE

HOLDS, REFUTED, NOT_JUDGED = "holds", "refuted", "not judged"

#: Seeds among which a figure of the source's one run is looked for, at least.
FIGURE_SEEDS = 16

#: Seeds that are named where a bound is passed, to be replayed.
_NAMED = 3


@dataclass(frozen=True)
class Verdict:
    """A claim and what became of it, as plain JSON values.

    Args:
        statement: what the source says.
        source: where it says so.
        said: the check, in short.
        among: the group of starts that it speaks of, or None.
        protocol: the one it holds for: the source's.
        verdict: "holds", "refuted" or "not judged".
        test: what it was judged by; empty where it was not.
        found: what the seeds show, whether it was judged or not; empty where none of them says anything.
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


def judge(stored: Mapping[str, Any], plan: Plan, rows: Rows) -> Verdict:
    """Test a claim, as `Claim.to_json` has it, where these rows can test it at all."""
    claim = Claim.from_json(stored)
    chosen = rows.among(claim.check.among)
    result = _test(claim.check, chosen) if len(chosen) else {"reason": "no seed started there"}
    if reason := _silence(plan):
        result = {"found": result.get("found", ""), "reason": reason}
    return Verdict(
        statement=claim.statement,
        source=claim.source or plan.source,
        said=str(claim.check),
        among=claim.check.among,
        protocol=SOURCE,
        **({"verdict": NOT_JUDGED} | result),
    )


def _silence(plan: Plan) -> str:
    """Why a run says nothing of its source, if it does not."""
    if plan.protocol != SOURCE:
        return f"it speaks of the source's protocol, this is the {plan.protocol} one"
    return "it speaks of the real data, these are a stand-in" if plan.stand_in else ""


def _test(check: FailureRate | Bound | Figure, rows: Rows) -> dict[str, Any]:
    if isinstance(check, FailureRate):
        return _test_rate(check, rows)
    return _test_bound(check, rows) if isinstance(check, Bound) else _test_figure(check, rows)


def _test_rate(check: FailureRate, rows: Rows) -> dict[str, Any]:
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


def _test_bound(check: Bound, rows: Rows) -> dict[str, Any]:
    values = rows.figure(check.of)
    outside = rows.seeds[~check.holds(values)]
    found = f"{np.nanmin(values):.5g} to {np.nanmax(values):.5g} over {len(rows):,} seeds"
    if len(outside):
        found += f"; outside: {len(outside):,}, such as seed {', '.join(map(str, outside[:_NAMED]))}"
    return {"found": found, "test": "every seed is within it", "verdict": REFUTED if len(outside) else HOLDS}


def _test_figure(check: Figure, rows: Rows) -> dict[str, Any]:
    values = rows.figure(check.of)
    values = values[np.isfinite(values)]
    if not len(values):
        return {"reason": "no seed ended with a finite figure"}
    below = int((values < check.value).sum())
    found = f"above {below} of {len(values)} seeds, which end at {values.min():,.7g} to {values.max():,.7g}"
    if len(values) < FIGURE_SEEDS:
        return {"found": found, "reason": f"its place is judged among at least {FIGURE_SEEDS} seeds"}
    logarithmic = check.value > 0 and values.min() > 0
    value, sample = (np.log(check.value), np.log(values)) if logarithmic else (check.value, values)
    p_value = stats.prediction_p_value(float(value), sample)
    scale = " of the logarithms" if logarithmic else ""
    test = f"prediction interval for one more run, normal{scale}, level {stats.LEVEL:g}"
    return {"found": found, "test": test, "p_value": p_value, "verdict": REFUTED if p_value < stats.LEVEL else HOLDS}
