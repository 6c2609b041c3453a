"""Charts of the rate and the speed of a case over the nights."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import altair as alt

from benchsuite.publish.history import RATE, SPEED, ChangePoint, Series
from benchsuite.report.figures import ChartFigure, chart_data, series_colour, share_axis
from benchsuite.report.terminal import Column, Sheet, count, per_second, percent


def over_time(label: str, series: Sequence[Series], changes: Sequence[ChangePoint]) -> list[ChartFigure]:
    """Draw the rate and the speed over the nights.

    Args:
        label: of the case.
        series: one for each device and set of data.
        changes: of all of them.
    """
    rows = [row for one in series for row in _rows(one)]
    share = alt.Scale(domain=[0, 1])
    rate = _chart(
        rows, RATE, alt.Y("low:Q", scale=share, axis=share_axis("share of the seeds that converged")), changes
    )
    axis = alt.Axis(title="seeds per second")
    speed = _chart(rows, SPEED, alt.Y("low:Q", scale=alt.Scale(zero=False), axis=axis), changes)
    columns = (
        Column("night", lambda row: row["time"], "left", "bold", link=lambda row: row["page"]),
        Column("device and data", lambda row: row["case"], "left"),
        Column("seeds", lambda row: count(row["seeds"])),
        Column("rate", lambda row: percent(row["rate"])),
        Column("from", lambda row: percent(row["rate_low"])),
        Column("to", lambda row: percent(row["rate_high"])),
        Column("seeds/s", lambda row: per_second(row["speed"])),
        Column("timing", lambda row: row["timing_warnings"] or "no warnings", "left"),
    )
    sheet = Sheet("", rows[::-1], columns)
    return [
        ChartFigure("rate", "Convergence rate with 95 % interval", rate, _about(label, RATE, changes), sheet),
        ChartFigure(
            "speed",
            "Speed with the slowest and the fastest steady round; hollow where the timing was disturbed",
            speed,
            _about(label, SPEED, changes),
            sheet,
        ),
    ]


def _about(label: str, figure: str, changes: Sequence[ChangePoint]) -> str:
    found = [f"{change.night.created[:10]}: {change.sentence}" for change in changes if change.figure == figure]
    return "; ".join(found) or f"no change of the {figure} of {label}"


def _rows(series: Series) -> list[dict[str, Any]]:
    return [
        {
            "case": series.name,
            "time": night.created,
            "page": f"../{night.page}",
            "seeds": point.seeds,
            "rate": point.rate,
            "rate_low": point.rate_interval[0],
            "rate_high": point.rate_interval[1],
            "speed": point.seeds_per_second,
            "speed_low": point.slowest,
            "speed_high": point.fastest,
            "timing_warnings": "; ".join(night.timing_warnings),
        }
        for night, point in zip(series.nights, series.points, strict=True)
    ]


def _chart(rows: Sequence[dict[str, Any]], figure: str, y: alt.Y, changes: Sequence[ChangePoint]) -> alt.LayerChart:
    shown = [_point(row, figure) for row in rows]
    kinds = {"time": "date", **dict.fromkeys(("seeds", "value", "low", "high", "undisturbed"), "number")}
    names = list(dict.fromkeys(row["case"] for row in rows))
    colour, dash = series_colour("case", names, columns=1, labelLimit=700)
    base = alt.Chart(chart_data(shown, **kinds)).encode(x=alt.X("time:T", title=None), color=colour)
    joined = base.transform_filter("datum.undisturbed == 1")
    band = joined.mark_area(opacity=0.18).encode(y=y, y2="high:Q")
    line = joined.mark_line(strokeWidth=1.5).encode(y="value:Q", strokeDash=dash)
    nights = base.encode(
        y="value:Q",
        href="page:N",
        tooltip=_tooltip(figure),
    )
    marks = [{"time": c.night.created, "change": c.sentence} for c in changes if c.figure == figure]
    how: dict[str, Any] = {"size": 40, "strokeWidth": 1.5, "opacity": 1, "cursor": "pointer"}
    points = nights.transform_filter("datum.undisturbed == 1").mark_point(filled=True, **how)
    hollow = nights.transform_filter("datum.undisturbed == 0").mark_point(filled=False, **how)
    disturbed = {row["undisturbed"] == 0 for row in shown}
    layers = [*([band, line, points] if False in disturbed else []), *([hollow] if True in disturbed else [])]
    if marks:
        rules = alt.Chart(chart_data(marks, time="date")).mark_rule(strokeDash=[4, 3], strokeWidth=2, color="#D55E00")
        layers.append(rules.encode(x="time:T", tooltip=["change:N"]))
    chart = alt.layer(*layers).properties(height=260)
    assert isinstance(chart, alt.LayerChart)  # noqa: S101  # no facets were given
    return chart


def _point(row: dict[str, Any], figure: str) -> dict[str, Any]:
    """The value of one figure in one night, with its interval."""
    return {
        "case": row["case"],
        "time": row["time"],
        "page": row["page"],
        "seeds": row["seeds"],
        "value": row[figure],
        "low": row[f"{figure}_low"],
        "high": row[f"{figure}_high"],
        "timing_warnings": row["timing_warnings"],
        "undisturbed": int(figure == RATE or not row["timing_warnings"]),
    }


def _tooltip(figure: str) -> list[alt.Tooltip]:
    number = partial(alt.Tooltip, format=".1%" if figure == RATE else ",.4~g")
    return [
        alt.Tooltip("case:N", title="on"),
        alt.Tooltip("time:T", format="%Y-%m-%d %H:%M"),
        number("value:Q", title=figure),
        number("low:Q", title="from"),
        number("high:Q", title="to"),
        alt.Tooltip("seeds:Q", format=","),
        alt.Tooltip("timing_warnings:N", title="timing"),
    ]
