"""Charts of convergence rates, and of differences of rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from benchsuite.comparison import CaseChange
from benchsuite.report.figures.figure import (
    COLOURS,
    Chart,
    ChartFigure,
    chart_data,
    interval_tips,
    share_axis,
)
from benchsuite.report.terminal import CASE, RESULT, Sheet, interval, legend, percent, points
from benchsuite.results import Summary


def rates_figure(summaries: Sequence[Summary]) -> ChartFigure:
    """Draw the convergence rate of each case with its 95 % interval."""
    about = "; ".join(f"{r.label} {percent(r.rate)} ({interval(r.rate_interval)})" for r in summaries)
    return ChartFigure(
        "rates",
        "Convergence rate",
        _rate_chart(summaries),
        about,
        Sheet("", summaries, (CASE, *RESULT), legend(summaries)),
        lines=[summary.label for summary in summaries],
    )


def _rate_chart(summaries: Sequence[Summary]) -> Chart:
    order = [summary.label for summary in summaries]
    rows = (
        {
            "case": summary.label,
            "rate": summary.rate,
            "low": summary.rate_interval[0],
            "high": summary.rate_interval[1],
            "seeds": summary.seeds,
            "converged": summary.converged,
        }
        for summary in summaries
    )
    numbers = ("rate", "low", "high", "seeds", "converged")
    base = alt.Chart(chart_data(rows, **dict.fromkeys(numbers, "number"))).encode(
        y=alt.Y("case:N", sort=order, title=None),
        tooltip=[
            alt.Tooltip("case:N"),
            alt.Tooltip("rate:Q", format=".1%"),
            *interval_tips(),
            alt.Tooltip("converged:Q", format=","),
            alt.Tooltip("seeds:Q", format=","),
        ],
    )
    scale, axis = alt.Scale(domain=[0, 1]), share_axis("share of the seeds that converged, with 95 % interval")
    return alt.layer(*_intervals(base, "rate", scale=scale, axis=axis))


def _intervals(base: alt.Chart, field: str, **how: Any) -> tuple[alt.Chart, alt.Chart]:
    """Draw a point at `field`, on a line from "low" to "high"."""
    line = base.mark_rule(strokeWidth=5, color=COLOURS[0], opacity=0.45, strokeCap="round")
    point = base.mark_point(filled=True, size=90, color=COLOURS[0], opacity=1)
    return line.encode(x=alt.X("low:Q", **how), x2="high:Q"), point.encode(x=alt.X(f"{field}:Q"))


def changes_figure(changes: Sequence[CaseChange], sheet: Sheet) -> ChartFigure | None:
    """Draw the difference of each rate from a reference with its 95 % interval; None if no rate is comparable.

    Args:
        changes: of all cases.
        sheet: the same numbers as a table.
    """
    rated = [(change.label, change.rate) for change in changes if change.rate and change.rate.interval]
    if not rated:
        return None
    rows: list[dict[str, Any]] = [
        {
            "case": label,
            "difference": rate.after - rate.before,
            "low": rate.interval[0],
            "high": rate.interval[1],
            "p": rate.adjusted_p_value,
        }
        for label, rate in rated
        if rate.interval
    ]
    base = alt.Chart(chart_data(rows, **dict.fromkeys(("difference", "low", "high", "p"), "number"))).encode(
        y=alt.Y("case:N", sort=[label for label, _ in rated], title=None),
        tooltip=[
            alt.Tooltip("case:N"),
            alt.Tooltip("difference:Q", format="+.1%"),
            *interval_tips("+.1%"),
            alt.Tooltip("p:Q", format=".2~g", title="adjusted p"),
        ],
    )
    axis = share_axis("difference of the rates, with 95 % interval")
    zero = alt.Chart(alt.InlineData(values=[{"at": 0}])).mark_rule(strokeDash=[2, 3]).encode(x="at:Q")
    about = "; ".join(f"{row['case']} {points(row['difference'])} points" for row in rows)
    chart = alt.layer(zero, *_intervals(base, "difference", axis=axis))
    return ChartFigure("changes", "Differences of the rates", chart, about, sheet, lines=[label for label, _ in rated])
