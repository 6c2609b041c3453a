"""Charts of final errors: empirical distribution functions over the seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import altair as alt
import numpy as np

from benchsuite.report.figures.figure import ChartFigure, chart_data, draw_series, power_axis, share_axis
from benchsuite.report.terminal import number, percent, threshold_table
from benchsuite.results import R2_THRESHOLDS, Result

#: Below this, 1 - R² in single precision is rounding.
_ROUNDING = float(np.finfo(np.float32).eps)

#: Points of a curve.
_POINTS = 80


def r2_figure(results: Sequence[Result]) -> ChartFigure | None:
    """Draw the distribution function of 1 - R² of each case; None without finite values."""
    results = [result for result in results if result.summary.thresholds["r2"]]
    chart = _chart("r2", results, "1 − R² ≤", lambda result: 1 - result.rows.final["r2"])
    if chart is None:
        return None
    rungs = alt.Chart(alt.InlineData(values=[{"rung": 1 - threshold} for threshold in R2_THRESHOLDS]))
    rules = rungs.mark_rule(strokeDash=[2, 3], opacity=0.5).encode(x="rung:Q")
    about = "; ".join(
        f"{result.summary.label}: "
        + ", ".join(
            f"{percent(rung['rate'])} reach R² {rung['at_least']:g}" for rung in result.summary.thresholds["r2"]
        )
        for result in results
    )
    sheet = threshold_table([result.summary for result in results])
    return ChartFigure("r2", "Final R²", alt.layer(chart, rules).properties(height=300), about, sheet)


def largest_error_figure(results: Sequence[Result]) -> ChartFigure | None:
    """Draw the distribution function of the largest absolute error of each case; None without finite values."""
    results = [result for result in results if result.summary.thresholds["largest_error"]]
    chart = _chart("error", results, "largest absolute error ε ≤", lambda result: result.rows.final["largest_error"])
    if chart is None:
        return None
    about = "; ".join(
        f"{result.summary.label}: "
        + ", ".join(
            f"{100 * share['share']:g} % keep {number(share['at_most'])}"
            for share in result.summary.thresholds["largest_error"]
        )
        for result in results
    )
    sheet = threshold_table([result.summary for result in results])
    return ChartFigure("largest-error", "Final largest error", chart.properties(height=300), about, sheet)


def _chart(name: str, results: Sequence[Result], title: str, figure: Any) -> alt.LayerChart | None:
    rows = [row for result in results for row in _distribution(result.summary.label, figure(result))]
    if not rows:
        return None
    base = alt.Chart(chart_data(rows, at_most="number", share="number")).encode(
        x=alt.X("at_most:Q", scale=alt.Scale(type="log"), axis=power_axis(title)),
        tooltip=[
            alt.Tooltip("case:N"),
            alt.Tooltip("at_most:Q", format=".3~g", title="at most"),
            alt.Tooltip("share:Q", format=".1%"),
        ],
    )
    y = alt.Y("share:Q", scale=alt.Scale(domain=[0, 1]), axis=share_axis("share of the seeds"))
    return draw_series(name, base, y, [result.summary.label for result in results], interpolate="step-after")


def _distribution(label: str, values: np.ndarray) -> Iterator[dict[str, Any]]:
    """Return points at evenly spaced ranks, ends included; diverged seeds are below no bound."""
    finite = np.sort(np.maximum(values[np.isfinite(values)], _ROUNDING))
    for rank in np.unique(np.linspace(0, len(finite) - 1, _POINTS).astype(int)) if len(finite) else ():
        yield {"case": label, "at_most": float(finite[rank]), "share": (rank + 1) / len(values)}
