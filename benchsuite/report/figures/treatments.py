"""Charts of the rate under treatments, and at the values of an option: swept over, or that of a ladder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import altair as alt

from benchsuite.report.figures.figure import (
    INK,
    Chart,
    ChartFigure,
    chart_data,
    interval_tips,
    plain_axis,
    power_axis,
    scale_of,
    series_colour,
    share_axis,
)
from benchsuite.report.terminal import (
    UNTREATED,
    Column,
    Inapplicable,
    Sheet,
    as_untrained,
    cells_of,
    count,
    describe_plateau,
    failures,
    group_curves,
    group_ladders,
    group_sweeps,
    interval,
    median_steps,
    percent,
    published_rate,
    swept_options,
    values_of,
)
from benchsuite.results import INAPPLICABLE, Summary

#: Height in pixels of a cell with two lines of text.
_CELL = 40


def treatments_figure(summaries: Sequence[Summary], inapplicable: Sequence[Inapplicable] = ()) -> ChartFigure | None:
    """Draw the rate of each case under each treatment as a heat map; None if nothing was treated.

    Args:
        summaries: of the run.
        inapplicable: treatments that do not apply to a case or were not trained to the end; their cells say so.
    """
    cells = cells_of(summaries)
    if not any(treatment for _, treatment in cells):
        return None
    shown = list(cells.items())
    rows = [_cell(case, treatment, summary) for (case, treatment), summary in shown]
    cases = list(dict.fromkeys(case for case, _ in cells))
    untrained = [as_untrained(item) for item in inapplicable]
    states = {(item.case, item.treatment or UNTREATED): item.state for item in untrained}
    names = [*(treatment for _, treatment in cells), *(i.treatment for i in untrained if i.state != INAPPLICABLE)]
    order = list(dict.fromkeys(name or UNTREATED for name in names))
    absent = [
        {"case": case, "treatment": name, "text": states[plain, name]}
        for case, plain in ((case, case.partition(" (")[0]) for case in cases)
        for name in order
        if (plain, name) in states and (case, "" if name == UNTREATED else name) not in cells
    ]
    about = "; ".join(
        f"{case} {treatment or UNTREATED}: {percent(summary.rate)}" for (case, treatment), summary in shown
    )
    columns = (
        Column("case", lambda item: item[0][0], "left", "bold", once=True),
        Column("treatment", lambda item: item[0][1] or UNTREATED, "left"),
        Column("seeds", lambda item: count(item[1].seeds)),
        Column("rate", lambda item: percent(item[1].rate), style="bold"),
        Column("95 % interval", lambda item: interval(item[1].rate_interval)),
    )
    chart = _heatmap(rows, absent, cases, order)
    return ChartFigure(
        "treatments", "Convergence rate by treatment", chart, about, Sheet("", shown, columns), lines=order, line=_CELL
    )


def _cell(case: str, treatment: str, summary: Summary) -> dict[str, Any]:
    low, high = summary.rate_interval
    return {
        "case": case,
        "treatment": treatment or UNTREATED,
        "rate": summary.rate,
        "low": low,
        "high": high,
        "text": percent(summary.rate),
        "ends": interval((low, high)).removesuffix(" %"),
        "seeds": summary.seeds,
    }


def _heatmap(
    rows: Sequence[Mapping[str, Any]],
    absent: Sequence[Mapping[str, Any]],
    cases: Sequence[str],
    treatments: Sequence[str],
) -> Chart:
    x = alt.X("case:N", sort=list(cases), axis=alt.Axis(title=None, orient="top", labelAngle=0, labelLimit=120))
    y = alt.Y("treatment:N", sort=list(treatments), title=None)
    base = alt.Chart(chart_data(rows, **dict.fromkeys(("rate", "low", "high", "seeds"), "number"))).encode(
        x=x,
        y=y,
        tooltip=[
            alt.Tooltip("case:N"),
            alt.Tooltip("treatment:N"),
            alt.Tooltip("rate:Q", format=".1%"),
            *interval_tips(),
            alt.Tooltip("seeds:Q", format=","),
        ],
    )
    scale = alt.Scale(scheme="cividis", domain=[0, 1])
    legend = alt.Legend(format="%", title="rate and 95 % interval (%)")
    shade = base.mark_rect().encode(color=alt.Color("rate:Q", scale=scale, legend=legend))
    ink = alt.condition("datum.rate > 0.5", alt.value("black"), alt.value("white"))
    rate = base.mark_text(dy=-8).encode(text="text:N", color=ink)
    ends = base.mark_text(dy=8).encode(text="ends:N", color=ink)
    layers = [shade, rate, ends]
    if absent:
        note = alt.Chart(chart_data(absent)).mark_text(opacity=0.8)
        layers.append(note.encode(x=x, y=y, text="text:N"))
    return alt.layer(*layers)


_SHARES = alt.Scale(domain=[0, 1])

#: Curves of one case under one option, by name: case, treatment and option.
_Curves = Mapping[str, Sequence[Summary]]


def sweep_figures(summaries: Sequence[Summary]) -> list[ChartFigure]:
    """Draw the rate and the steps to success over each swept option of each case, a curve for each treatment.

    Of several options, the one with most values is the axis, and each combination of the others has a curve.
    """
    return [figure for case, option, curves in _panels(summaries) for figure in _figures(case, option, curves)]


def sweep_panels(summaries: Sequence[Summary]) -> list[tuple[str, Chart, Chart]]:
    """Return title, chart of the rate and chart of the steps to success for each case and option."""
    return [
        (f"{case}: {option}, {count(_seeds(curves))} seeds", _rates(option, curves), _steps(option, curves))
        for case, option, curves in _panels(summaries)
    ]


def _panels(summaries: Sequence[Summary]) -> list[tuple[str, str, dict[str, list[Summary]]]]:
    panels: dict[tuple[str, str], dict[str, list[Summary]]] = {}
    for name, of in group_sweeps(summaries).items():
        option, curves = group_curves(of)
        for others, curve in curves.items():
            title = f"{_label(name)} at {others}: {option}" if others else name
            panels.setdefault((of[0].case, option), {})[title] = curve
    return [(case, option, curves) for (case, option), curves in panels.items()]


def _figures(case: str, option: str, curves: _Curves) -> list[ChartFigure]:
    plateaus = [f"{name}: {describe_plateau(of, option)}" for name, of in curves.items()]
    about, sheet, name = "; ".join(plateaus), replace(_sheet(option, curves), meanings=plateaus), f"{case}-{option}"
    rates, steps = (chart.properties(height=280) for chart in (_rates(option, curves), _steps(option, curves)))
    return [
        ChartFigure(f"sweep-{name}", f"{case}: rate over {option}", rates, about, sheet, case),
        ChartFigure(f"sweep-steps-{name}", f"{case}: steps to success over {option}", steps, about, sheet, case),
    ]


def _seeds(curves: _Curves) -> int:
    return next(iter(curves.values()))[0].seeds


def _label(name: str) -> str:
    return name.rpartition(": ")[0] or name


def _base(option: str, curves: _Curves) -> alt.Chart:
    rows = [_row(_label(name), option, summary) for name, of in curves.items() for summary in of]
    numbers = ("value", "rate", "low", "high", "median", "median_low", "median_high", "expected")
    colour, _ = series_colour("case", [_label(name) for name in curves])
    return alt.Chart(chart_data(rows, **dict.fromkeys(numbers, "number"))).encode(
        x=alt.X("value:Q", scale=scale_of([row["value"] for row in rows]), axis=plain_axis(option)),
        color=colour,
        tooltip=[
            alt.Tooltip("case:N"),
            alt.Tooltip("value:Q", format=".4~g", title=option),
            alt.Tooltip("rate:Q", format=".1%"),
            *interval_tips(),
            alt.Tooltip("steps:N", title="median steps to success"),
            alt.Tooltip("expected:Q", format=",.0f", title="expected steps per success"),
        ],
    )


def _row(label: str, option: str, summary: Summary) -> dict[str, Any]:
    time, (low, high) = summary.time_to_success, summary.rate_interval
    median_low, median_high = time["median_interval"]
    return {
        "case": label,
        "value": values_of(summary)[option],
        "rate": summary.rate,
        "low": low,
        "high": high,
        "steps": median_steps(summary),
        "median": time["median"],
        "median_low": median_low,
        "median_high": median_high,
        "expected": time["expected_running_time"],
    }


def _rates(option: str, curves: _Curves) -> Chart:
    base, share = _base(option, curves), _SHARES
    _, dash = series_colour("case", [_label(name) for name in curves])
    axis = share_axis("share of the seeds that converged")
    band = base.mark_area(opacity=0.18).encode(y=alt.Y("low:Q", scale=share, axis=axis), y2="high:Q")
    return alt.layer(band, base.mark_line(point=True).encode(y=alt.Y("rate:Q", scale=share), strokeDash=dash))


def ladder_figures(summaries: Sequence[Summary]) -> list[ChartFigure]:
    """Draw the rate over the option of each ladder, a line for each treatment, with the published rates."""
    ladders: dict[str, dict[str, list[Summary]]] = {}
    for name, rungs in group_ladders(summaries).items():
        ladders.setdefault(rungs[0].ladder_name, {})[name] = rungs
    return [_ladder_figure(ladder, curves) for ladder, curves in ladders.items()]


def _ladder_figure(ladder: str, curves: _Curves) -> ChartFigure:
    (option,) = swept_options(next(iter(curves.values()))[0])
    said = "; ".join(
        f"{name}: "
        + ", ".join(f"{percent(summary.rate)} at {option} = {values_of(summary)[option]:g}" for summary in of)
        for name, of in curves.items()
    )
    published = Column("published", lambda row: percent(published_rate(row[1])))
    sheet = _sheet(option, curves)
    sheet = replace(sheet, columns=(*sheet.columns, published))
    chart = _rates_by_option(option, curves).properties(height=280)
    return ChartFigure(f"ladder-{ladder}", f"{ladder}: rate over {option}", chart, said, sheet, ladder)


def _rates_by_option(option: str, curves: _Curves) -> Chart:
    """Points on their intervals, joined by a line, and diamonds for published rates."""
    values, share = sorted({values_of(summary)[option] for of in curves.values() for summary in of}), _SHARES
    scale = alt.Scale(type=scale_of(values).type, nice=False, zero=False, padding=12)
    x = alt.X("value:Q", scale=scale, axis=alt.Axis(title=option, format="~g", values=values))
    base = _base(option, curves).encode(x=x)
    _, dash = series_colour("case", [_label(name) for name in curves])
    axis = share_axis("share of the seeds that converged, with 95 % interval")
    ends = base.mark_rule(strokeWidth=5, opacity=0.45, strokeCap="round")
    line = base.mark_line(point=alt.OverlayMarkDef(size=60)).encode(y=alt.Y("rate:Q", scale=share), strokeDash=dash)
    rows = [
        {"source": "published", "value": values_of(summary)[option], "rate": rate}
        for of in curves.values()
        for summary in of
        if (rate := published_rate(summary)) is not None
    ]
    layers = [ends.encode(y=alt.Y("low:Q", scale=share, axis=axis), y2="high:Q"), line]
    return alt.layer(*layers, *([_published(rows, option, x)] if rows else []))


def _published(rows: Sequence[Mapping[str, Any]], option: str, x: alt.X) -> alt.Chart:
    diamonds = alt.Chart(chart_data(rows, value="number", rate="number")).mark_point(
        size=160, strokeWidth=2, color=INK, opacity=1
    )
    return diamonds.encode(
        x=x,
        y="rate:Q",
        shape=alt.Shape("source:N", scale=alt.Scale(domain=["published"], range=["diamond"])),
        tooltip=[alt.Tooltip("value:Q", title=option), alt.Tooltip("rate:Q", format=".1%", title="published")],
    )


def _steps(option: str, curves: _Curves) -> Chart:
    """The median, with its interval, and dotted the expected steps per success; gaps where there is none."""
    time = next(iter(curves.values()))[0].time_to_success
    domain = [0.8 * max(time["resolution"], 1), 10 * time["censored_at"]]  # also where no value has a median
    scale = alt.Scale(type="log", domain=domain, nice=False)
    base = _base(option, curves).transform_calculate(
        low_end="datum.median_low == null ? datum.median : datum.median_low",
        high_end=f"datum.median == null ? null : datum.median_high == null ? {domain[1]} : datum.median_high",
    )
    axis = power_axis("steps to success: median, and expected (dotted)")
    band = base.mark_area(opacity=0.18, clip=True).encode(y=alt.Y("low_end:Q", scale=scale, axis=axis), y2="high_end:Q")
    _, dash = series_colour("case", [_label(name) for name in curves])
    line = base.mark_line(point=True, clip=True).encode(y=alt.Y("median:Q", scale=scale), strokeDash=dash)
    dotted = base.mark_line(strokeDash=[1, 3], strokeWidth=1.5, clip=True).encode(y=alt.Y("expected:Q", scale=scale))
    return alt.layer(band, dotted, line)


def _sheet(option: str, curves: _Curves) -> Sheet:
    rows = [(name, summary) for name, of in curves.items() for summary in of]
    columns = (
        Column("case", lambda row: _label(row[0]), "left", "bold", once=True),
        Column(option, lambda row: f"{values_of(row[1])[option]:.4g}"),
        Column("rate", lambda row: percent(row[1].rate), style="bold"),
        Column("95 % interval", lambda row: interval(row[1].rate_interval)),
        Column("median steps", lambda row: median_steps(row[1])),
        Column("failed as", lambda row: failures(row[1].outcomes).replace("\n", ", "), "left", folds=True),
    )
    return Sheet("", rows, columns)
