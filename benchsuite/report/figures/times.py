"""Charts of steps to success, device time, and speed of the rounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import altair as alt

from benchsuite.report.figures.figure import (
    COLOURS,
    ChartFigure,
    chart_data,
    draw_series,
    interval_tips,
    plain_axis,
    series_colour,
    share_axis,
)
from benchsuite.report.terminal import CASE, COST, Column, Sheet, count, median_steps, per_second, percent, seconds
from benchsuite.results import Summary

#: Points of a curve in its table.
_LISTED = 12


def success_figure(summaries: Sequence[Summary]) -> ChartFigure:
    """Draw the Kaplan-Meier curve of the steps to success of each case with its 95 % interval."""
    rows = (row for summary in summaries for row in _curve(summary))
    kinds = dict.fromkeys(("done", "steps", "share", "low", "high"), "number")
    names = [summary.label for summary in summaries]
    base = alt.Chart(chart_data(rows, **kinds)).encode(
        x=alt.X("done:Q", scale=alt.Scale(domain=[0, 1]), axis=share_axis("share of the schedule")),
        tooltip=[
            alt.Tooltip("case:N"),
            alt.Tooltip("steps:Q", format=",", title="optimiser steps"),
            alt.Tooltip("share:Q", format=".1%", title="succeeded"),
            *interval_tips(),
        ],
    )
    y = alt.Y("share:Q", scale=alt.Scale(domain=[0, 1]), axis=share_axis("share of the seeds that succeeded"))
    how: dict[str, Any] = {"interpolate": "step-after"}
    band = base.mark_area(opacity=0.18, **how).encode(
        y=alt.Y("low:Q"), y2="high:Q", color=series_colour("case", names)[0], tooltip=alt.Undefined
    )
    chart = draw_series("success", base, y, names, band, **how)
    about = "; ".join(f"{summary.label}: median {median_steps(summary)} steps" for summary in summaries)
    sheet = Sheet("", [row for summary in summaries for row in _listed(summary)], _CURVE)
    return ChartFigure("success", "Time to success", chart.properties(height=300), about, sheet)


def _curve(summary: Summary) -> Iterator[dict[str, Any]]:
    """Return the points of the curve from the start to the end of the schedule."""
    time = summary.time_to_success
    curve, end = time["curve"], time["censored_at"]
    points = [(0.0, 0.0, 0.0, 0.0), *zip(*(curve[name] for name in ("times", "share", "low", "high")), strict=True)]
    if points[-1][0] < end:
        points.append((float(end), *points[-1][1:]))
    for steps, share, low, high in points:
        yield {
            "case": summary.label,
            "done": steps / end,
            "steps": int(steps),
            "share": share,
            "low": low,
            "high": high,
        }


def _listed(summary: Summary) -> list[dict[str, Any]]:
    points = list(_curve(summary))
    stride = -(-len(points) // _LISTED)
    return points[:: stride or 1]


_CURVE = (
    Column("case", lambda row: row["case"], "left", "bold", once=True),
    Column("optimiser steps", lambda row: count(row["steps"])),
    Column("succeeded", lambda row: percent(row["share"])),
    Column("95 % from", lambda row: percent(row["low"])),
    Column("to", lambda row: percent(row["high"])),
)


def cost_figure(summaries: Sequence[Summary]) -> ChartFigure:
    """Draw the seconds of tracing, compiling, the first round and the other rounds."""
    parts = ("trace", "compile", "first round", "other rounds")
    rows = (
        {"case": summary.label, "part": part, "order": order, "seconds": value}
        for summary in summaries
        for order, (part, value) in enumerate(zip(parts, _seconds(summary), strict=True))
    )
    chart = (
        alt.Chart(chart_data(rows, order="number", seconds="number"))
        .mark_bar(stroke="currentColor", strokeWidth=0.5)
        .encode(
            y=alt.Y("case:N", sort=[summary.label for summary in summaries], title=None),
            x=alt.X("seconds:Q", title="seconds"),
            color=alt.Color(
                "part:N",
                sort=list(parts),
                scale=alt.Scale(domain=list(parts), range=[COLOURS[3], COLOURS[4], COLOURS[5], COLOURS[0]]),
            ),
            order="order:Q",
            tooltip=[alt.Tooltip("case:N"), alt.Tooltip("part:N"), alt.Tooltip("seconds:Q", format=",.3~f")],
        )
    )
    about = "; ".join(
        f"{summary.label}: "
        + ", ".join(f"{part} {seconds(v)}" for part, v in zip(parts, _seconds(summary), strict=True))
        for summary in summaries
    )
    timed = [Column(part, partial(_part, place)) for place, part in enumerate(parts)]
    return ChartFigure(
        "costs",
        "Time by stage",
        chart,
        about,
        Sheet("", summaries, (CASE, *COST, *timed)),
        lines=[r.label for r in summaries],
    )


def _part(place: int, summary: Summary) -> str:
    return seconds(_seconds(summary)[place])


def _seconds(summary: Summary) -> tuple[float, float, float, float]:
    first = summary.first_run_seconds or 0.0
    return summary.trace_seconds, summary.compile_seconds, first, sum(summary.round_seconds)


def rounds_figure(summaries: Sequence[Summary]) -> ChartFigure | None:
    """Draw the speed of each steady round; None if there is none."""
    rows = [
        {"case": summary.label, "round": number, "seeds": n, "seconds": took, "speed": n / took}
        for summary in summaries
        for number, (n, took) in enumerate(zip(summary.round_seeds, summary.round_seconds, strict=True), start=2)
    ]
    if not rows:
        return None
    kinds = dict.fromkeys(("round", "seeds", "seconds", "speed"), "number")
    chart = (
        alt.Chart(chart_data(rows, **kinds))
        .mark_tick(thickness=3, color=COLOURS[0])
        .encode(
            y=alt.Y("case:N", sort=[summary.label for summary in summaries], title=None),
            x=alt.X(
                "speed:Q",
                scale=alt.Scale(type="log"),
                axis=plain_axis("seeds per second, one mark per round"),
            ),
            tooltip=[
                alt.Tooltip("case:N"),
                alt.Tooltip("round:Q"),
                alt.Tooltip("seeds:Q", format=","),
                alt.Tooltip("seconds:Q", format=",.3~f"),
                alt.Tooltip("speed:Q", format=",.4~g", title="seeds/s"),
            ],
        )
    )
    about = "; ".join(
        f"{summary.label}: {per_second(summary.seeds_per_second)} seeds per second" for summary in summaries
    )
    return ChartFigure(
        "rounds", "Speed by round", chart, about, Sheet("", rows, _ROUND_COLUMNS), lines=[r.label for r in summaries]
    )


_ROUND_COLUMNS = (
    Column("case", lambda row: row["case"], "left", "bold", once=True),
    Column("round", lambda row: count(row["round"])),
    Column("seeds", lambda row: count(row["seeds"])),
    Column("time", lambda row: seconds(row["seconds"])),
    Column("seeds/s", lambda row: per_second(row["speed"])),
)
