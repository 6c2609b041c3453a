"""Summaries: all figures of a case, computed from its rows in one place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any, TypedDict

import numpy as np
from msgspec import Meta

from benchsuite import stats
from benchsuite.results.baseline import share_near_bound
from benchsuite.results.claims import judge_claim, judge_together
from benchsuite.results.outcome import Outcome
from benchsuite.results.plan import Count, Plan, Seconds, Whole
from benchsuite.results.round import RoundResult
from benchsuite.results.seeds import SeedTable

#: Thresholds of R²; each allows a tenth of the error of the one before.
R2_THRESHOLDS = (0.9, 0.99, 0.999, 0.9999)

#: Shares of the seeds for which the table has the largest error ε.
ERROR_SHARES = (0.1, 0.5, 0.9)


#: A share of the seeds.
Share = Annotated[float, Meta(ge=0, le=1)]
Interval = Annotated[list[Share], Meta(min_length=2, max_length=2)]


class GroupRate(TypedDict):
    """The rate of the seeds of one group; `rate` is None for a group without seeds."""

    name: str
    seeds: Whole
    converged: Whole
    rate: Share | None
    rate_interval: Interval
    outcomes: dict[str, Whole]


class NamedStart(TypedDict):
    """The training of one named start."""

    name: str
    start: dict[str, float | None]
    end: dict[str, float | None]
    outcome: str
    steps_to_success: int | None
    final: dict[str, float | None]


class SuccessTime(TypedDict):
    """Optimiser steps to success: the Kaplan-Meier estimate, and the expected running time."""

    median: float | None
    median_interval: list[float | None]
    expected_running_time: float | None
    resolution: int
    censored_at: int
    curve: dict[str, list[float]]


class Threshold(TypedDict):
    """The share of seeds that reach a threshold of R²."""

    at_least: float
    rate: Share
    rate_interval: Interval


class ErrorShare(TypedDict):
    """The largest error ε of a share of the seeds; None where it is not finite."""

    share: Share
    at_most: float | None


class Thresholds(TypedDict):
    """The rate as a function of the threshold; empty where targets are no real numbers."""

    r2: list[Threshold]
    largest_error: list[ErrorShare]


class Spread(TypedDict):
    """The number of finite values, and their quantiles."""

    finite: Whole
    q05: float | None
    median: float | None
    q95: float | None


class DiagnosticSpread(Spread):
    """The spread of a diagnostic, with its reading."""

    name: str
    reading: str


@dataclass(frozen=True)
class Summary:
    """The figures of one case's run, as plain JSON values; times in seconds.

    `device_seconds` is the time of all seeds, failed ones too, times the number of devices, and
    `device_seconds_per_converged` is that over the number of seeds that converged. `seeds_per_second` is the median
    over the steady rounds, or that of the first where there is no other.

    `treatment` is empty for the untreated case. `setting` has the value of each swept option; the times are then its
    even share, unless the values were trained one after another. `ladder_name`, `rung`, `published`, `family` and
    `tags` are of the plan. `compile_cache` says whether the program was in the cache: "hit", "miss" or "off".

    `constant_meets` names a constant prediction that meets the criterion, empty for none. `near_bound` is the share of
    seeds within two standard errors of its bound, None where the metric counts no examples.

    `time_to_success` counts optimiser steps; failed seeds are censored when they end. `groups` are the rates by kind of
    start. `starts` are the named starts, which count in no other figure. `claims` are `ClaimResult` as JSON.
    """

    case: str
    treatment: str
    setting: dict[str, int | float]
    id: str
    label: str
    source: str
    protocol: str
    dataset: str
    stand_in: bool
    data_origin: str
    device: str
    platform: str
    device_count: Count
    executor: str
    workers: Count
    precision: str
    prng: str
    version: str
    program: str
    criterion: str
    seeds: Count
    planned_seeds: Count
    converged: Whole
    rate: Share
    rate_interval: Interval
    outcomes: dict[str, Whole]
    groups: list[GroupRate]
    starts: list[NamedStart]
    time_to_success: SuccessTime
    final: dict[str, Spread]
    diagnostics: list[DiagnosticSpread]
    seeds_per_second: Annotated[float, Meta(gt=0)]
    device_seconds: Seconds
    device_seconds_per_converged: Seconds | None
    trace_seconds: Seconds
    compile_seconds: Seconds
    compile_cache: str
    first_run_seconds: Seconds | None
    round_seconds: list[Seconds]
    round_seeds: list[Count]
    chunk_size: Count
    claims: list[dict[str, str | float | None]]
    ladder_name: str = ""
    rung: dict[str, int | float] = field(default_factory=dict)
    published: Share | None = None
    constant_meets: str = ""
    near_bound: Share | None = None
    dtype: str = "float32"
    warnings: list[str] = field(default_factory=list)
    family: str = ""
    tags: list[str] = field(default_factory=list)
    thresholds: Thresholds = field(default_factory=lambda: Thresholds(r2=[], largest_error=[]))

    def __post_init__(self) -> None:
        none = dict.fromkeys(map(str, Outcome), 0)  # an earlier version knew fewer outcomes
        object.__setattr__(self, "outcomes", none | self.outcomes)
        object.__setattr__(self, "groups", [{**group, "outcomes": none | group["outcomes"]} for group in self.groups])

    def to_json(self) -> dict[str, Any]:
        """All fields as plain JSON values."""
        return asdict(self)

    def check(self) -> None:
        """Check what annotations cannot say.

        Raises:
            ValueError: the rate is outside of its interval.
        """
        low, high = self.rate_interval
        if not low <= self.rate <= high:
            raise ValueError(f"its rate is {self.rate}, outside of {low} to {high}")

    @property
    def plan_ids(self) -> list[str]:
        """The ids that its plan may have: the first options of `setting` with values of their own, the others swept."""
        name = self.case + (f"+{self.treatment}" if self.treatment else "")
        own = [f"@{option}={value!r}" for option, value in self.setting.items()]
        swept = [f"@{option}" for option in self.setting]
        return [name + "".join([*own[:place], *swept[place:]]) for place in range(len(own), -1, -1)]

    @property
    def lanes_used(self) -> float:
        """The share of the lanes of a round's blocks that train its seeds; the others repeat one of them."""
        seeds = max(self.round_seeds, default=self.seeds)
        return seeds / (-(-seeds // self.chunk_size) * self.chunk_size)

    @property
    def untreated_label(self) -> str:
        """The label of the same case without the treatment."""
        return self.label.replace(f"+{self.treatment}", "", 1) if self.treatment else self.label


#: Fields that a summary takes over from its plan.
_FROM_PLAN = (
    *("case", "treatment", "setting", "id", "label", "source", "protocol", "dataset", "stand_in", "data_origin"),
    *("criterion", "device", "platform", "executor", "workers", "precision", "prng", "version", "program"),
    *("trace_seconds", "compile_seconds", "compile_cache", "constant_meets", "dtype", "warnings"),
    *("ladder_name", "rung", "published", "family", "tags"),
)


class Accumulator:
    """Summarise a case round by round, at a cost that is proportional to the rounds.

    Counts are kept up to date; the full summaries are worth their cost when the seeds have doubled, see `due`.

    Args:
        plan: of the case.
        round_results: those of earlier runs.
    """

    def __init__(self, plan: Plan, round_results: Iterable[RoundResult] = ()) -> None:
        self.plan, self.round_results = plan, list[RoundResult]()
        self.seeds, self._summarised = 0, 0
        self._latest: tuple[SeedTable | None, list[Summary]] = (None, [])
        self._converged = np.zeros(len(plan.parts), int)
        for round_result in round_results:
            self.add(round_result)

    def add(self, round_result: RoundResult) -> None:
        """Append a finished round."""
        self.round_results.append(round_result)
        self._latest = (None, [])
        self.seeds += len(round_result.rows) // len(self._converged)
        converged, settings = round_result.rows.converged, round_result.rows.settings
        for number, part in enumerate(self.plan.parts):
            chosen = [settings[option] == value for option, value in part.setting.items() if option in settings]
            self._converged[number] += np.all([converged, *chosen], axis=0).sum()

    @property
    def converged(self) -> int:
        """Seeds that converged; those of the best value of a sweep."""
        return int(self._converged.max())

    @property
    def due(self) -> bool:
        """Whether the seeds have doubled since the last summaries, or are complete."""
        return self.seeds >= min(2 * self._summarised, self.plan.seeds)

    def summaries(self, starts: SeedTable | None = None) -> list[Summary]:
        """Compute the summaries of all rounds, of which there must be one; one for each value of a sweep.

        Args:
            starts: the rows of the named starts.
        """
        computed_with, summaries = self._latest
        if not summaries or computed_with is not starts:
            summaries = [
                _summarise(part, [round_result.at(part.setting) for round_result in self.round_results], starts)
                for part in self.plan.parts
            ]
            self._summarised, self._latest = self.seeds, (starts, summaries)
        return summaries


def summarise(plan: Plan, round_results: Sequence[RoundResult], starts: SeedTable | None = None) -> list[Summary]:
    """Summarise the rows of rounds, of which there must be one, and of the named starts.

    Returns:
        One summary, or one for each value of a sweep.
    """
    return Accumulator(plan, round_results).summaries(starts)


def summaries_judged_together(summaries: Sequence[Summary]) -> list[Summary]:
    """Judge all claims of the summaries of one report together; see `judge_together`."""
    judged = iter(judge_together([claim for summary in summaries for claim in summary.claims]))
    return [replace(summary, claims=[next(judged) for _ in summary.claims]) for summary in summaries]


def _summarise(plan: Plan, round_results: Sequence[RoundResult], starts: SeedTable | None) -> Summary:
    rows = SeedTable.join([round_result.rows for round_result in round_results])
    rate = _rate(rows.outcomes)
    groups: list[Any] = [{"name": name, **_rate(rows.outcomes[inside])} for name, inside in rows.groups.items()]
    return Summary(
        **{name: getattr(plan, name) for name in _FROM_PLAN},
        **rate,
        **_speed(round_results, rate["converged"]),
        planned_seeds=plan.seeds,
        groups=groups,
        starts=_starts(plan, starts),
        time_to_success=_time_to_success(rows, plan),
        thresholds=_thresholds(rows),
        final={name: _spread(values) for name, values in rows.final.items()},
        diagnostics=_diagnostics(rows, plan),
        near_bound=share_near_bound(plan.parsed_criterion, rows.final, plan.evaluation_examples),
        claims=[judge_claim(claim, plan, rows, starts).to_json() for claim in plan.parsed_claims],
    )


def _speed(round_results: Sequence[RoundResult], converged: int) -> dict[str, Any]:
    device_seconds = sum(round_result.seconds * round_result.device_count for round_result in round_results)
    steady = [round_result for round_result in round_results if not round_result.first_run]
    speeds = [len(round_result.rows) / round_result.seconds for round_result in steady or round_results]
    return {
        "device_count": max(round_result.device_count for round_result in round_results),
        "seeds_per_second": float(np.median(speeds)),
        "device_seconds": device_seconds,
        "device_seconds_per_converged": device_seconds / converged if converged else None,
        "first_run_seconds": next((r.seconds for r in round_results if r.first_run), None),
        "round_seconds": [round_result.seconds for round_result in steady],
        "round_seeds": [len(round_result.rows) for round_result in steady],
        "chunk_size": min(round_result.chunk_size for round_result in round_results),
    }


def _rate(outcomes: np.ndarray) -> Any:
    seeds, counts = len(outcomes), {outcome.value: int((outcomes == outcome.value).sum()) for outcome in Outcome}
    converged = counts[Outcome.CONVERGED.value]
    return {
        "seeds": seeds,
        "converged": converged,
        "rate": converged / seeds if seeds else None,
        "rate_interval": list(stats.rate_interval(converged, seeds)),
        "outcomes": counts,
    }


def _starts(plan: Plan, rows: SeedTable | None) -> list[NamedStart]:
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


def _time_to_success(rows: SeedTable, plan: Plan) -> SuccessTime:
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


def _thresholds(rows: SeedTable) -> Thresholds:
    if "r2" not in rows.final or "largest_error" not in rows.final:
        return {"r2": [], "largest_error": []}
    r2 = rows.final["r2"]
    error = np.nan_to_num(rows.final["largest_error"], nan=np.inf)  # of a seed that diverged
    reached = [int((r2 >= threshold).sum()) for threshold in R2_THRESHOLDS]
    return {
        "r2": [
            {"at_least": threshold, "rate": n / len(rows), "rate_interval": list(stats.rate_interval(n, len(rows)))}
            for threshold, n in zip(R2_THRESHOLDS, reached, strict=True)
        ],
        "largest_error": [{"share": share, "at_most": stats.quantile(error, share)} for share in ERROR_SHARES],
    }


def _diagnostics(rows: SeedTable, plan: Plan) -> list[DiagnosticSpread]:
    figures = rows.diagnostics.items()
    return [{"name": name, "reading": plan.readings[name], **_spread(values)} for name, values in figures]


def _spread(values: np.ndarray) -> Spread:
    """Count the finite values, and compute their quantiles."""
    finite = values[np.isfinite(values)]
    low, median, high = (stats.quantile(finite, share) for share in (0.05, 0.5, 0.95))
    return {"finite": len(finite), "q05": low, "median": median, "q95": high}


def _finite(columns: Mapping[str, np.ndarray], number: int) -> dict[str, float | None]:
    values = {name: float(values[number]) for name, values in columns.items()}
    return {name: value if np.isfinite(value) else None for name, value in values.items()}
