"""What a run leaves behind: rows for every seed, and the one summary that every figure is taken from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from benchsuite import stats
from benchsuite.case import Case, Criterion
from benchsuite.outcome import Outcome, classify, steps_to_success
from benchsuite.settings import SOURCE
from benchsuite.trace import Trace

#: The layout of run.json and of the shards; a change that an older reader would misread raises it.
SCHEMA = 1

#: Seeds below this number keep their learning curves; of the others, only the row is kept.
CURVES_KEPT = 1000

#: A seed that never met the criterion, in `Shard.steps_to_success`.
NEVER = -1


def label(case: str, protocol: str, stand_in: bool) -> str:
    """A case with all that keeps its figures apart from others: a quick protocol, stand-in data."""
    marks = ([] if protocol == SOURCE else [protocol]) + (["stand-in data"] if stand_in else [])
    return f"{case} ({', '.join(marks)})" if marks else case


@dataclass(frozen=True)
class Plan:
    """How one case is run: everything that is settled before its first seed, as plain JSON values."""

    case: str
    source: str
    protocol: str
    dataset: str
    stand_in: bool
    data_origin: str
    criterion: str
    claims: list[dict[str, Any]]
    program: str
    steps: list[int]
    parameter_names: list[str]
    seeds: int
    round_size: int
    chunk_size: int
    precision: str
    prng: str
    device: str
    platform: str
    device_count: int
    predicted_bytes: int = 0
    trace_seconds: float = 0.0
    compile_seconds: float = 0.0

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Plan:
        """The plan that was stored; fields of other versions are passed over.

        Raises:
            KeyError: a field is missing.
        """
        return cls(**{f.name: values[f.name] for f in fields(cls)})

    @property
    def label(self) -> str:
        """The case with all that keeps its figures apart from others."""
        return label(self.case, self.protocol, self.stand_in)

    @property
    def definition(self) -> dict[str, Any]:
        """What two sets of rows must share to be one run."""
        names = ("case", "protocol", "dataset", "criterion", "steps", "precision", "prng", "device", "program")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Shard:
    """The rows of one round, one for each seed, and how long the round took.

    Args:
        seeds: (n,) the seeds.
        outcomes: (n,) their outcomes.
        steps_to_success: (n,) the step from which on the criterion held; -1 where it did not.
        final: metric → (n,) at the last evaluation.
        curves: name → (k, e, …) the evaluations of the first k seeds, as in `Trace`.
        seconds: training time of all seeds of the round, every result waited for.
        first_run: whether the program ran for the first time, so that the time is no steady one.
        chunk_size: seeds trained side by side.
        device_count: devices that they were spread over.
    """

    seeds: np.ndarray
    outcomes: np.ndarray
    steps_to_success: np.ndarray
    final: Mapping[str, np.ndarray]
    curves: Mapping[str, np.ndarray]
    seconds: float
    first_run: bool
    chunk_size: int
    device_count: int

    @classmethod
    def judge(cls, trace: Trace, criterion: Criterion, **measured: Any) -> Shard:
        """The rows of a finished round; `measured` are the fields that the trace does not tell."""
        kept = int((trace.seeds < CURVES_KEPT).sum())
        curves = {
            "gradient_norm": trace.gradient_norm,
            "parameters": trace.parameters,
            **{f"train.{name}": values for name, values in trace.train.items()},
            **{f"metric.{name}": values for name, values in trace.metrics.items()},
        }
        return cls(
            seeds=trace.seeds,
            outcomes=classify(trace, criterion),
            steps_to_success=steps_to_success(trace, criterion),
            # Copies: a view would keep the whole trace in memory for as long as the run lasts.
            final={name: values[:, -1].copy() for name, values in trace.metrics.items()},
            curves={name: values[:kept].copy() for name, values in curves.items()},
            **measured,
        )


@dataclass(frozen=True)
class Verdict:
    """What the seeds say of one claim: "holds", "refuted" or "not judged", and why."""

    statement: str
    failure_rate: float
    verdict: str
    reason: str
    p_value: float | None = None


@dataclass(frozen=True)
class Record:
    """The figures of one case's run, as plain JSON values; times in seconds.

    `device_seconds` is the time of all seeds, failed ones too, times the number of devices, and
    `device_seconds_per_converged` is that over the number of seeds that converged. `seeds_per_second` is the median
    over the steady rounds, or that of the first where there is no other.
    """

    case: str
    label: str
    source: str
    protocol: str
    dataset: str
    stand_in: bool
    data_origin: str
    device: str
    platform: str
    device_count: int
    precision: str
    prng: str
    criterion: str
    seeds: int
    planned_seeds: int
    converged: int
    rate: float
    rate_interval: list[float]
    outcomes: dict[str, int]
    median_steps_to_success: float | None
    evaluation_steps: int
    final: dict[str, dict[str, float | None]]
    seeds_per_second: float
    device_seconds: float
    device_seconds_per_converged: float | None
    trace_seconds: float
    compile_seconds: float
    first_run_seconds: float | None
    round_seconds: list[float]
    chunk_size: int
    claims: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """All fields as plain JSON values."""
        return asdict(self)


#: What a record takes over from its plan as it is.
_FROM_PLAN = (
    *("case", "label", "source", "protocol", "dataset", "stand_in", "data_origin", "criterion"),
    *("device", "platform", "precision", "prng", "trace_seconds", "compile_seconds"),
)


def summarise(plan: Plan, shards: Sequence[Shard]) -> Record:
    """The record of the rows in `shards`, of which there is at least one."""
    outcomes = np.concatenate([shard.outcomes for shard in shards])
    steps = np.concatenate([shard.steps_to_success for shard in shards])
    counts = {outcome.value: int((outcomes == outcome.value).sum()) for outcome in Outcome}
    seeds, converged = len(outcomes), counts[Outcome.CONVERGED]
    device_seconds = sum(shard.seconds * shard.device_count for shard in shards)
    steady = [shard for shard in shards if not shard.first_run]
    first = next((shard.seconds for shard in shards if shard.first_run), None)
    return Record(
        **{name: getattr(plan, name) for name in _FROM_PLAN},
        device_count=max(shard.device_count for shard in shards),
        seeds=seeds,
        planned_seeds=plan.seeds,
        converged=converged,
        rate=converged / seeds,
        rate_interval=list(stats.rate_interval(converged, seeds)),
        outcomes=counts,
        median_steps_to_success=float(np.median(steps[steps != NEVER])) if converged else None,
        evaluation_steps=plan.steps[1] - plan.steps[0],
        final={name: _spread([shard.final[name] for shard in shards]) for name in shards[0].final},
        seeds_per_second=float(np.median([len(shard.seeds) / shard.seconds for shard in steady or shards])),
        device_seconds=device_seconds,
        device_seconds_per_converged=device_seconds / converged if converged else None,
        first_run_seconds=first,
        round_seconds=[shard.seconds for shard in steady],
        chunk_size=min(shard.chunk_size for shard in shards),
        claims=[asdict(judge_claim(claim, plan, seeds - converged, seeds)) for claim in plan.claims],
    )


def judge_claim(claim: Mapping[str, Any], plan: Plan, failures: int, seeds: int) -> Verdict:
    """Test a claim on the failure rate, exactly and two-sided, where it can be tested at all."""
    said = (claim["statement"], claim["failure_rate"])
    if plan.protocol != SOURCE:
        return Verdict(*said, "not judged", f"it speaks of the source's protocol, this is the {plan.protocol} one")
    if plan.stand_in:
        return Verdict(*said, "not judged", "it speaks of the real data, these are a stand-in")
    rate = claim["failure_rate"]
    if min(stats.rate_p_value(extreme, seeds, rate) for extreme in (0, seeds)) >= stats.LEVEL:
        return Verdict(*said, "not judged", f"{seeds} seeds are too few for any outcome to refute it")
    p_value = stats.rate_p_value(failures, seeds, rate)
    verdict = "refuted" if p_value < stats.LEVEL else "holds"
    return Verdict(*said, verdict, f"exact binomial test, p = {p_value:.2g}, level {stats.LEVEL:g}", p_value)


def claims_of(case: Case) -> list[dict[str, Any]]:
    """The claims of a case as plain JSON values."""
    return [asdict(claim) for claim in case.claims]


def _spread(columns: Sequence[np.ndarray]) -> dict[str, float | None]:
    """Quantiles over the seeds; those that fall on a diverged seed are None, since JSON knows no NaN."""
    values = np.concatenate(columns)
    values = np.where(np.isnan(values), np.inf, values)
    shares = {"q05": 0.05, "median": 0.5, "q95": 0.95}
    chosen = {name: float(np.quantile(values, share, method="inverted_cdf")) for name, share in shares.items()}
    return {name: value if np.isfinite(value) else None for name, value in chosen.items()}
