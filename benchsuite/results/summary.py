"""The one summary of a run's rows that every figure is taken from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from benchsuite import stats
from benchsuite.results.claims import judge_claim
from benchsuite.results.outcome import Outcome
from benchsuite.results.plan import Plan
from benchsuite.results.round import RoundResult
from benchsuite.results.seeds import SeedTable
from benchsuite.system import files

#: The ladder: thresholds of R², of which each asks for a tenth of the error that the one before allows.
R2_LADDER = (0.9, 0.99, 0.999, 0.9999)

#: Shares of the seeds for which the ladder says how large an error ε they keep below.
ERROR_SHARES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Summary:
    """The figures of one case's run, as plain JSON values; times in seconds.

    `device_seconds` is the time of all seeds, failed ones too, times the number of devices, and
    `device_seconds_per_converged` is that over the number of seeds that converged. `seeds_per_second` is the median
    over the steady rounds, or that of the first where there is no other.

    `treatment` is what was done to the case and `setting` the value of an option that was trained beside others: then
    the times are its even share. `compile_cache` says whether the program was in the cache: "hit", "miss" or "off".

    `time_to_success` counts optimiser steps: the Kaplan-Meier median with its interval and curve, failed seeds being
    censored when they end, and the expected running time; `resolution` is the distance of evaluations. `ladder` is the
    rate as a function of the threshold: for R² the share of seeds that reach each, for the largest error the ε that a
    share of the seeds keeps below. `groups` are the rates by kind of start, `starts` the ends of the named ones, which
    count nowhere else.
    """

    case: str
    treatment: str
    setting: dict[str, float]
    id: str
    label: str
    source: str
    protocol: str
    dataset: str
    stand_in: bool
    data_origin: str
    device: str
    platform: str
    device_count: int
    executor: str
    workers: int
    precision: str
    prng: str
    version: str
    program: str
    criterion: str
    seeds: int
    planned_seeds: int
    converged: int
    rate: float
    rate_interval: list[float]
    outcomes: dict[str, int]
    groups: list[dict[str, Any]]
    starts: list[dict[str, Any]]
    time_to_success: dict[str, Any]
    ladder: dict[str, list[dict[str, Any]]]
    final: dict[str, dict[str, float | None]]
    diagnostics: list[dict[str, Any]]
    seeds_per_second: float
    device_seconds: float
    device_seconds_per_converged: float | None
    trace_seconds: float
    compile_seconds: float
    compile_cache: str
    first_run_seconds: float | None
    round_seconds: list[float]
    round_seeds: list[int]
    chunk_size: int
    claims: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """All fields as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Summary:
        """The summary that was stored; what is no field of it is passed over.

        Raises:
            KeyError: a field is missing.
            TypeError: it is not of its kind.
            ValueError: its value is one that no summary has.
        """
        summary = cls(**{field.name: values[field.name] for field in fields(cls)})
        files.demand_fields(summary)
        low, high = summary.rate_interval
        if not 0 <= low <= summary.rate <= high <= 1 or summary.seeds_per_second <= 0:
            raise ValueError(f"its rate is {summary.rate}, {low} to {high}, its speed {summary.seeds_per_second}")
        return summary

    @property
    def untreated_label(self) -> str:
        """The label of the same case without the treatment."""
        return self.label.replace(f"+{self.treatment}", "", 1) if self.treatment else self.label


#: What a summary takes over from its plan as it is.
_FROM_PLAN = (
    *(
        "case",
        "treatment",
        "setting",
        "id",
        "label",
        "source",
        "protocol",
        "dataset",
        "stand_in",
        "data_origin",
        "criterion",
    ),
    *(
        "device",
        "platform",
        "executor",
        "workers",
        "precision",
        "prng",
        "version",
        "program",
        "trace_seconds",
        "compile_seconds",
    ),
    "compile_cache",
)


def summarise(plan: Plan, round_results: Sequence[RoundResult], starts: SeedTable | None = None) -> list[Summary]:
    """The summary of the rows in `round_results`, of which there is at least one, and of those of the named starts.

    Where values of an option are trained side by side, there is one for each of them.
    """
    return [
        _summarise(part, [round_result.at(part.setting) for round_result in round_results], starts)
        for part in plan.parts
    ]


def _summarise(plan: Plan, round_results: Sequence[RoundResult], starts: SeedTable | None) -> Summary:
    rows = SeedTable.join([round_result.rows for round_result in round_results])
    device_seconds = sum(round_result.seconds * round_result.device_count for round_result in round_results)
    steady = [round_result for round_result in round_results if not round_result.first_run]
    first = next((round_result.seconds for round_result in round_results if round_result.first_run), None)
    rate = _rate(rows)
    return Summary(
        **{name: getattr(plan, name) for name in _FROM_PLAN},
        **rate,
        device_count=max(round_result.device_count for round_result in round_results),
        planned_seeds=plan.seeds,
        groups=[{"name": name, **_rate(rows.among(name))} for name in rows.groups],
        starts=_starts(plan, starts),
        time_to_success=_time_to_success(rows, plan),
        ladder=_ladder(rows),
        final={name: _spread(values) for name, values in rows.final.items()},
        diagnostics=_diagnostics(rows, plan),
        seeds_per_second=float(
            np.median([len(round_result.rows) / round_result.seconds for round_result in steady or round_results])
        ),
        device_seconds=device_seconds,
        device_seconds_per_converged=device_seconds / rate["converged"] if rate["converged"] else None,
        first_run_seconds=first,
        round_seconds=[round_result.seconds for round_result in steady],
        round_seeds=[len(round_result.rows) for round_result in steady],
        chunk_size=min(round_result.chunk_size for round_result in round_results),
        claims=[judge_claim(claim, plan, rows, starts).to_json() for claim in plan.claims],
    )


def _rate(rows: SeedTable) -> dict[str, Any]:
    seeds, converged = len(rows), int(rows.converged.sum())
    return {
        "seeds": seeds,
        "converged": converged,
        "rate": converged / seeds if seeds else None,
        "rate_interval": list(stats.rate_interval(converged, seeds)),
        "outcomes": {outcome.value: int((rows.outcomes == outcome.value).sum()) for outcome in Outcome},
    }


def _starts(plan: Plan, rows: SeedTable | None) -> list[dict[str, Any]]:
    if rows is None:
        return []
    return [
        {
            "name": name,
            "start": _finite(rows.start, number),
            "end": _finite(rows.end, number),
            "outcome": str(rows.outcomes[number]),
            "steps_to_success": int(rows.steps_to_success[number]) if rows.converged[number] else None,
            "final": _finite(rows.final, number),
        }
        for number, name in enumerate(plan.starts)
    ]


def _time_to_success(rows: SeedTable, plan: Plan) -> dict[str, Any]:
    times = np.where(rows.converged, rows.steps_to_success, plan.steps[-1])
    survival = stats.time_to_success(times, rows.converged)
    return {
        "median": survival.median(),
        "median_interval": list(survival.median_interval()),
        "expected_running_time": stats.expected_running_time(plan.restarts * times, rows.converged),
        "resolution": plan.resolution,
        "censored_at": plan.steps[-1],
        "curve": {name: [float(value) for value in values] for name, values in vars(survival).items()},
    }


def _ladder(rows: SeedTable) -> dict[str, list[dict[str, Any]]]:
    r2 = rows.final["r2"]
    error = np.nan_to_num(rows.final["largest_error"], nan=np.inf)  # a seed that diverged keeps no ε
    reached = [int((r2 >= threshold).sum()) for threshold in R2_LADDER]
    return {
        "r2": [
            {"at_least": threshold, "rate": n / len(rows), "rate_interval": list(stats.rate_interval(n, len(rows)))}
            for threshold, n in zip(R2_LADDER, reached, strict=True)
        ],
        "largest_error": [{"share": share, "at_most": _quantile(error, share)} for share in ERROR_SHARES],
    }


def _diagnostics(rows: SeedTable, plan: Plan) -> list[dict[str, Any]]:
    return [
        {"name": name, "reading": plan.readings[name], **_spread(values)} for name, values in rows.diagnostics.items()
    ]


def _spread(values: np.ndarray) -> dict[str, float | None]:
    """Quantiles over the seeds with a finite figure, and how many these are."""
    finite = values[np.isfinite(values)]
    shares = {"q05": 0.05, "median": 0.5, "q95": 0.95}
    return {"finite": len(finite), **{name: _quantile(finite, share) for name, share in shares.items()}}


def _quantile(values: np.ndarray, share: float) -> float | None:
    """The figure that a share of the seeds has or is below; None where there is none, or it is not finite."""
    if not len(values):
        return None
    value = float(np.quantile(values, share, method="inverted_cdf"))
    return value if np.isfinite(value) else None


def _finite(columns: Mapping[str, np.ndarray], number: int) -> dict[str, float | None]:
    values = {name: float(values[number]) for name, values in columns.items()}
    return {name: value if np.isfinite(value) else None for name, value in values.items()}
