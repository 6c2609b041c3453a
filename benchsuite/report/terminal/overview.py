"""Columns of convergence rate, outcomes and cost, and their legend."""

from __future__ import annotations

from collections.abc import Sequence

from benchsuite.report import count, interval, per_second, percent, seconds
from benchsuite.report.terminal.tables import Column, case_name, failures, median_steps
from benchsuite.results import DEFINITIONS, Outcome, Summary


def _seeds(summary: Summary) -> str:
    missing = summary.planned_seeds > summary.seeds
    return f"{summary.seeds:,} of\n{summary.planned_seeds:,}" if missing else f"{summary.seeds:,}"


def _compiling(summary: Summary) -> str:
    cached = "\ncached" if summary.compile_cache == "hit" else ""
    return seconds(summary.trace_seconds + summary.compile_seconds) + cached


CASE = Column("case", case_name, "left", "bold")
RESULT = (
    Column("data", lambda r: r.dataset, "left", folds=True),
    Column("seeds", _seeds),
    Column("converged", lambda r: f"{r.converged:,}"),
    Column("rate", lambda r: percent(r.rate) + (" †" if r.constant_meets else ""), style="bold"),
    Column("95 % interval", lambda r: interval(r.rate_interval)),
    Column("failed as", lambda r: failures(r.outcomes), "left"),
)
COST = (
    Column("median steps\nto success", median_steps),
    Column("expected steps\nper success", lambda r: count(r.time_to_success["expected_running_time"])),
    Column("resolution", lambda r: f"{r.time_to_success['resolution']:,}"),
    Column("device time\nper converged", lambda r: seconds(r.device_seconds_per_converged)),
    Column("seeds/s", lambda r: per_second(r.seeds_per_second)),
    Column("compile", _compiling),
)


def constant_notes(summaries: Sequence[Summary]) -> list[str]:
    """Sentences on the cases whose criterion a constant prediction meets."""
    return [
        f"† {summary.label}: {summary.constant_meets}, predicted for every input, meets {summary.criterion};"
        f" success does not show that anything was learnt"
        for summary in summaries
        if summary.constant_meets
    ]


def _converged(summaries: Sequence[Summary]) -> str:
    """What the criteria are, and when they must hold, which those say that need not hold at the end."""
    criteria = sorted({summary.criterion for summary in summaries})
    ends = tuple(f" at {when} evaluation" for when in ("any", "the best"))
    return " or ".join(text if text.endswith(ends) else f"{text} at the last evaluation" for text in criteria)


def legend(summaries: Sequence[Summary]) -> list[str]:
    """Return the definitions of the terms in the tables, one line each."""
    lines = [
        *constant_notes(summaries),
        f"converged: {_converged(summaries)}; the interval is Wilson's",
        "steps to success: Kaplan-Meier's median, failures censored at the end; resolution: steps between evaluations",
        "expected steps per success: steps of all seeds divided by the number of successes (restart after a failure)",
        "seeds/s: median over the rounds after the first; pytest-benchmark reports the times of whole rounds",
    ]
    if any(summary.compile_cache == "hit" for summary in summaries):
        lines.append("cached: the compiled program was loaded from an earlier run")
    seen = [o for o in Outcome if o != Outcome.CONVERGED and any(summary.outcomes[o] for summary in summaries)]
    lines += [f"{outcome.value}: {DEFINITIONS[outcome]}" for outcome in seen]
    lines += [
        f"{summary.label}: every seed diverged; inspect its data and learning rate with"
        f" `benchsuite replay {summary.case} --seed 0`"
        for summary in summaries
        if summary.outcomes[Outcome.DIVERGED] == summary.seeds
    ]
    return lines
