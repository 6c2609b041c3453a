"""What treatments and swept options do to the rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import altair as alt

from benchsuite.report.figures.figure import Figure, case_colour, chart_data, interval_tips, log_axis, share_axis
from benchsuite.report.terminal import (
    UNTREATED,
    Column,
    Sheet,
    cells_of,
    count,
    describe_plateau,
    failures,
    group_sweeps,
    interval,
    median_steps,
    percent,
)
from benchsuite.results import Summary


def treatments_figure(summaries: Sequence[Summary]) -> Figure | None:
    """The rate of every case under each treatment; nothing where there was none."""
    cells = cells_of(summaries)
    if not any(treatment for _, treatment in cells):
        return None
    shown = list(cells.items())
    rows = (
        {
            "case": case,
            "treatment": treatment or UNTREATED,
            "rate": summary.rate,
            "low": summary.rate_interval[0],
            "high": summary.rate_interval[1],
            "seeds": summary.seeds,
        }
        for (case, treatment), summary in shown
    )
    order = list(dict.fromkeys(treatment or UNTREATED for _, treatment in cells))
    base = alt.Chart(chart_data(rows, **dict.fromkeys(("rate", "low", "high", "seeds"), "number"))).encode(
        x=alt.X("case:N", sort=None, axis=alt.Axis(title=None, orient="top", labelAngle=0, labelLimit=120)),
        y=alt.Y("treatment:N", sort=order, title=None),
        tooltip=[
            alt.Tooltip("case:N"),
            alt.Tooltip("treatment:N"),
            alt.Tooltip("rate:Q", format=".1%"),
            *interval_tips(),
            alt.Tooltip("seeds:Q", format=","),
        ],
    )
    scale = alt.Scale(scheme="cividis", domain=[0, 1])
    shade = base.mark_rect().encode(color=alt.Color("rate:Q", scale=scale, legend=alt.Legend(format="%", title="rate")))
    letters = base.mark_text(fontSize=11).encode(
        text=alt.Text("rate:Q", format=".1%"),
        color=alt.condition("datum.rate > 0.5", alt.value("black"), alt.value("white")),
    )
    said = "; ".join(
        f"{case} {treatment or UNTREATED}: {percent(summary.rate)}" for (case, treatment), summary in shown
    )
    columns = (
        Column("case", lambda item: item[0][0], "left", "bold", once=True),
        Column("treatment", lambda item: item[0][1] or UNTREATED, "left"),
        Column("seeds", lambda item: count(item[1].seeds)),
        Column("rate", lambda item: percent(item[1].rate), style="bold"),
        Column("95 % interval", lambda item: interval(item[1].rate_interval)),
    )
    chart = alt.layer(shade, letters)
    return Figure("treatments", "The rate at a glance", chart, said, Sheet("", shown, columns), lines=order)


def sweep_figures(summaries: Sequence[Summary]) -> list[Figure]:
    """For each case and option the rate at every value, a curve for each treatment."""
    panels: dict[tuple[str, str], dict[str, list[Summary]]] = {}
    for name, of in group_sweeps(summaries).items():
        (option,) = of[0].setting
        panels.setdefault((of[0].case, option), {})[name] = of
    return [_panel(case, option, curves) for (case, option), curves in panels.items()]


def _panel(case: str, option: str, curves: dict[str, list[Summary]]) -> Figure:
    rows: list[dict[str, Any]] = [
        {
            "case": name.rpartition(": ")[0],
            "value": summary.setting[option],
            "rate": summary.rate,
            "low": summary.rate_interval[0],
            "high": summary.rate_interval[1],
            "median": median_steps(summary),
        }
        for name, of in curves.items()
        for summary in of
    ]
    values = [row["value"] for row in rows]
    scale: Literal["log", "linear"] = "log" if min(values) > 0 and max(values) >= 10 * min(values) else "linear"
    colour, dash = case_colour(list(dict.fromkeys(row["case"] for row in rows)))
    base = alt.Chart(chart_data(rows, **dict.fromkeys(("value", "rate", "low", "high"), "number"))).encode(
        x=alt.X("value:Q", scale=alt.Scale(type=scale), axis=log_axis(option, format="~g")),
        color=colour,
        tooltip=[
            alt.Tooltip("case:N"),
            alt.Tooltip("value:Q", format=".4~g", title=option),
            alt.Tooltip("rate:Q", format=".1%"),
            *interval_tips(),
            alt.Tooltip("median:N", title="median steps to success"),
        ],
    )
    share = alt.Scale(domain=[0, 1])
    band = base.mark_area(opacity=0.18).encode(
        y=alt.Y("low:Q", scale=share, axis=share_axis("share that converged")), y2="high:Q"
    )
    line = base.mark_line(point=True).encode(y=alt.Y("rate:Q", scale=share), strokeDash=dash)
    said = "; ".join(f"{name}: {describe_plateau(of)}" for name, of in curves.items())
    chart = alt.layer(band, line).properties(height=280)
    return Figure(f"sweep-{case}-{option}", f"{case}: {option}", chart, said, _sheet(option, curves), case)


def _sheet(option: str, curves: dict[str, list[Summary]]) -> Sheet:
    rows = [(name, summary) for name, of in curves.items() for summary in of]
    columns = (
        Column("case", lambda row: row[0].rpartition(": ")[0], "left", "bold", once=True),
        Column(option, lambda row: f"{row[1].setting[option]:.4g}"),
        Column("rate", lambda row: percent(row[1].rate), style="bold"),
        Column("95 % interval", lambda row: interval(row[1].rate_interval)),
        Column("median steps", lambda row: median_steps(row[1])),
        Column("failed as", lambda row: failures(row[1].outcomes).replace("\n", ", "), "left", folds=True),
    )
    return Sheet("", rows, columns, [f"{name}: {describe_plateau(of)}" for name, of in curves.items()])
