"""Rows of the tables of summaries and of changes between two runs."""

from __future__ import annotations

from typing import Any

from benchsuite.comparison import CaseChange, TreatmentComparison
from benchsuite.results import Summary


def summary_row(summary: Summary, compared: TreatmentComparison | None) -> dict[str, Any]:
    """Make the row of a case, with its comparison to the untreated one."""
    low, high = summary.rate_interval
    times = summary.time_to_success
    row: dict[str, Any] = {
        "case": summary.case,
        "treatment": summary.treatment,
        **{f"setting.{option}": float(value) for option, value in summary.setting.items()},
        "protocol": summary.protocol,
        "dataset": summary.dataset,
        "stand_in": summary.stand_in,
        "status": "trained" if summary.seeds >= summary.planned_seeds else "unfinished",
        "seeds": summary.seeds,
        "converged": summary.converged,
        "rate": summary.rate,
        "rate_low": low,
        "rate_high": high,
        **{f"outcome.{name}": number for name, number in summary.outcomes.items()},
        "median_steps": times["median"],
        "expected_steps": times["expected_running_time"],
        "seeds_per_second": summary.seeds_per_second,
        "device_seconds": summary.device_seconds,
        "compile_seconds": summary.trace_seconds + summary.compile_seconds,
        "device": summary.device,
    }
    if compared and compared.difference_interval:
        low, high = compared.difference_interval
        row |= {"difference": compared.difference, "difference_low": low, "difference_high": high}
        names = ("p_value", "adjusted_p_value", "fixed", "regressed")
        row |= {name: getattr(compared, name) for name in names}
    return row


def change_row(change: CaseChange) -> dict[str, Any]:
    """Make the row of a case in two runs."""
    row: dict[str, Any] = {"case": change.label}
    if rate := change.rate:
        low, high = rate.interval or (None, None)
        row |= {"rate_before": rate.before, "rate_after": rate.after, "difference": rate.after - rate.before}
        row |= {"difference_low": low, "difference_high": high, "rate_test": rate.test}
        row |= {"rate_p_value": rate.adjusted_p_value, "smallest_detectable_drop": rate.visible, **(rate.seeds or {})}
    if speed := change.speed:
        row |= {"speed_before": speed.before, "speed_after": speed.after, "speed_p_value": speed.adjusted_p_value}
    why = dict.fromkeys(filter(None, (change.rate_incomparable, change.speed_incomparable)))
    return row | {"why": "; ".join(why) or None}
