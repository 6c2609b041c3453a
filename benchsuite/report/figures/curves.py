"""Charts of learning curves: the seeds of a case, or the evaluations of one training."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np

from benchsuite.report.figures.figure import (
    ChartFigure,
    chart_data,
    outcome_colour,
    plain_axis,
    power_axis,
    series_colour,
)
from benchsuite.report.terminal import Column, Sheet, count, number
from benchsuite.results import Outcome, Result, Trace

#: Number of single seeds, and of evaluations of each.
_SEEDS, _EVALUATIONS = 48, 48

#: Evaluations of each outcome in the table.
_LISTED = 12

#: Smallest loss on the logarithmic axis, for a loss of zero.
_LEAST = 1e-12

_QUANTILES = (0.05, 0.5, 0.95)


def learning_figure(result: Result) -> ChartFigure | None:
    """Draw median, 90 % range and single seeds for each outcome; None if no curves were kept.

    The curves are of the loss, or of the criterion's metric where there is no R².
    """
    if "metric.loss" not in result.curves.columns:
        return None
    metric = _plotted(result)
    values, steps, outcomes = _sampled(result, metric)
    scale, axis = _axis_of(metric, values)
    values = np.maximum(values, _LEAST) if scale.type == "log" else values
    spread = list(_spread(values, steps, outcomes))
    singles = _singles(values, steps, outcomes, result.curves.seeds)
    seen = [outcome.value for outcome in Outcome if (outcomes == outcome.value).any()]
    x, colour = alt.X("step:Q", title="optimiser steps", axis=alt.Axis(format=",~f")), outcome_colour(seen)
    band, median = _quantiles(spread, scale, axis, x=x, color=colour)
    single, nearest = _single_seeds(singles, metric, x=x, y=alt.Y("value:Q", scale=scale), color=colour)
    ends = (f"{name} ends at a median {metric} of {number(_last(spread, name)['median'])}" for name in seen)
    label = result.summary.label
    return ChartFigure(
        f"learning-{label}",
        "Learning curves",
        alt.layer(band, single, median, nearest).properties(height=260),
        f"{label}: {'; '.join(ends)}",
        Sheet(f"{len(result.curves.seeds):,} seeds with stored curves", list(_listed(spread)), _COLUMNS),
        label,
    )


def _quantiles(
    spread: Sequence[dict[str, Any]], scale: alt.Scale, axis: alt.Axis, **channels: Any
) -> tuple[alt.Chart, alt.Chart]:
    """Draw the range and the median of each outcome."""
    kinds = dict.fromkeys(("step", "low", "median", "high", "seeds"), "number")
    base = alt.Chart(chart_data(spread, **kinds)).encode(**channels)
    band = base.mark_area(opacity=0.16).encode(y=alt.Y("low:Q", scale=scale, axis=axis), y2="high:Q")
    return band, base.mark_line(strokeWidth=3).encode(y=alt.Y("median:Q", scale=scale))


def _single_seeds(singles: Iterable[dict[str, Any]], metric: str, **channels: Any) -> tuple[alt.Chart, alt.Chart]:
    """Draw thin lines, and the invisible points by which one is selected, since a line is hard to point at."""
    base = alt.Chart(chart_data(singles, seed="number", step="number", value="number"))
    base = base.encode(detail="seed:N", **channels)
    pointed = alt.selection_point(on="pointerover", clear="pointerout", fields=["seed"], nearest=True, empty=False)
    lines = base.mark_line().encode(
        opacity=alt.condition(pointed, alt.value(1), alt.value(0.22)),
        strokeWidth=alt.condition(pointed, alt.value(3), alt.value(1.2)),
    )
    nearest = base.mark_point(opacity=0).encode(
        tooltip=[
            alt.Tooltip("seed:Q", format="d"),
            alt.Tooltip("step:Q", format=","),
            alt.Tooltip("value:Q", format=".4~g", title=metric),
        ]
    )
    return lines, nearest.add_params(pointed)


def _plotted(result: Result) -> str:
    """Choose the metric whose curves are drawn."""
    metric = re.split(" [≥≤] ", result.summary.criterion)[0]
    columns = result.curves.columns
    return "loss" if "metric.r2" in columns or f"metric.{metric}" not in columns else metric


def _sampled(result: Result, metric: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read the values (n, t) of a metric at some evaluations, their steps (t,), and the outcomes (n,)."""
    curves = result.curves
    ends = dict(zip(result.rows.seeds.tolist(), result.rows.outcomes.tolist(), strict=True))
    places = np.unique(np.linspace(0, len(curves.steps) - 1, _EVALUATIONS).astype(int))
    outcomes = np.array([ends[seed] for seed in curves.seeds.tolist()])
    return curves.columns[f"metric.{metric}"][:, places], curves.steps[places], outcomes


def _axis_of(metric: str, values: np.ndarray) -> tuple[alt.Scale, alt.Axis]:
    """Choose a logarithmic axis for a loss that is never negative."""
    title = f"{metric} on the evaluation data"
    if metric != "loss" or (values < 0).any():
        return alt.Scale(zero=False), plain_axis(title)
    return alt.Scale(type="log"), power_axis(title)


def _spread(loss: np.ndarray, steps: np.ndarray, outcomes: np.ndarray) -> Iterator[dict[str, Any]]:
    for outcome in Outcome:
        among = loss[outcomes == outcome.value]
        for place, step in enumerate(steps) if len(among) else ():
            finite = among[:, place][np.isfinite(among[:, place])]
            if len(finite):
                low, median, high = np.quantile(finite, _QUANTILES, method="inverted_cdf").astype(float).tolist()
                yield {
                    "outcome": outcome.value,
                    "seeds": len(among),
                    "step": int(step),
                    "low": low,
                    "median": median,
                    "high": high,
                }


def _listed(spread: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Return about a dozen evaluations of each outcome, the last one included."""
    for outcome in dict.fromkeys(row["outcome"] for row in spread):
        rows = [row for row in spread if row["outcome"] == outcome]
        yield from rows[:: -max(1, -(-len(rows) // _LISTED))][::-1]


def _last(spread: list[dict[str, Any]], outcome: str) -> dict[str, Any]:
    return next((row for row in reversed(spread) if row["outcome"] == outcome), {"median": None})


def _singles(loss: np.ndarray, steps: np.ndarray, outcomes: np.ndarray, seeds: np.ndarray) -> Iterator[dict[str, Any]]:
    """Return the curves of some seeds of each outcome, in proportion, but at least four."""
    for outcome in Outcome:
        places = np.flatnonzero(outcomes == outcome.value)
        wanted = max(4, round(_SEEDS * len(places) / len(outcomes)))
        for place in places[:wanted]:
            for step, value in zip(steps.tolist(), loss[place].tolist(), strict=True):
                yield {"seed": int(seeds[place]), "outcome": outcome.value, "step": step, "value": value}


_COLUMNS = (
    Column("outcome", lambda row: row["outcome"], "left", "bold", once=True),
    Column("seeds", lambda row: count(row["seeds"])),
    Column("steps", lambda row: count(row["step"])),
    Column("5 % quantile", lambda row: number(row["low"])),
    Column("median", lambda row: number(row["median"])),
    Column("95 % quantile", lambda row: number(row["high"])),
)


def training_charts(trace: Trace, parameter_names: Sequence[str], metric: str) -> tuple[alt.Chart, alt.Chart]:
    """Draw the loss of one training, and its parameters or its metric, over the steps.

    Args:
        trace: of one seed.
        parameter_names: of `trace.parameters`; if empty, the second chart shows the metric.
        metric: name of the criterion's metric.

    Source of the form: "ReLU learning ReLU", https://stats.stackexchange.com/questions/379884.
    """
    losses = {"evaluation": trace.metrics["loss"][0], "training": trace.train["loss"][0]}
    losses = {name: np.where(values > 0, values, np.nan) for name, values in losses.items()}
    loss = _lines(trace.steps, losses, power_axis("loss"), alt.Scale(type="log"))
    if parameter_names:
        values = dict(zip(parameter_names, trace.parameters[0].T, strict=True))
    else:
        values = {metric: trace.metrics[metric][0]}
    title = "parameters" if parameter_names else metric
    loss.encoding.x.axis = alt.Axis(labels=False, title=None)
    return loss, _lines(trace.steps, values, alt.Axis(title=title), alt.Scale(zero=False))


def _lines(steps: np.ndarray, lines: Mapping[str, np.ndarray], axis: alt.Axis, scale: alt.Scale) -> alt.Chart:
    """Draw named lines with a point for each evaluation; values that are not finite leave gaps."""
    rows = [
        {"name": name, "step": int(step), "value": value}
        for name, values in lines.items()
        for step, value in zip(steps, values.astype(float).tolist(), strict=True)
    ]
    colour, dash = series_colour("name", list(lines), orient="right", columns=1)
    return (
        alt.Chart(chart_data(rows, step="number", value="number"))
        .mark_line(point=alt.OverlayMarkDef(size=14))
        .encode(
            x=alt.X("step:Q", title="optimiser steps", axis=alt.Axis(format=",~f")),
            y=alt.Y("value:Q", scale=scale, axis=axis),
            color=colour,
            strokeDash=dash,
        )
    )
