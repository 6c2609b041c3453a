"""Charts of a board: differences, rates, failures, ranks, times and the best of k settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np

from benchsuite.report.figures import ChartFigure, chart_data, series_colour, share_axis
from benchsuite.report.ranking import ranking_sheet
from benchsuite.report.terminal import Column, Sheet, count, interval, percent, points
from benchsuite.standings import THRESHOLDS, Board, EntryPair, EntryScore, Ranking, family_weights

_BLUE, _ORANGE = "#0072B2", "#D55E00"

#: Points of each curve of times.
_POINTS = 50


def forest_figures(ranking: Ranking) -> list[ChartFigure]:
    """Draw the differences of each entry from the reference, case by case and over all cases, with intervals."""
    return [_forest(pair, ranking) for pair in ranking.against]


def _forest(pair: EntryPair, ranking: Ranking) -> ChartFigure:
    lines = [*(one.case for one in pair.cases), "over these cases"]
    rows = [_difference(one.case, one.difference, one.interval, one.adjusted) for one in pair.cases]
    rows.append(_difference(lines[-1], pair.difference, pair.interval, pair.adjusted))
    if pair.family_interval:
        lines.append("families like these")
        rows.append(_difference(lines[-1], pair.difference, pair.family_interval, pair.adjusted))
    base = alt.Chart(chart_data(rows, **dict.fromkeys(("difference", "low", "high", "p"), "number"))).encode(
        y=alt.Y("case:N", sort=lines, title=None),
        color=alt.condition("datum.kind == 'case'", alt.value(_BLUE), alt.value(_ORANGE)),
        tooltip=[
            alt.Tooltip("case:N"),
            alt.Tooltip("difference:Q", format="+.1%"),
            alt.Tooltip("low:Q", format="+.1%", title="95 % from"),
            alt.Tooltip("high:Q", format="+.1%", title="to"),
            alt.Tooltip("p:Q", format=".2~g", title="adjusted p"),
        ],
    )
    axis = share_axis(f"difference of the rates, {pair.entry} minus {pair.reference}, with 95 % interval")
    zero = alt.Chart(alt.InlineData(values=[{"at": 0}])).mark_rule(strokeDash=[2, 3]).encode(x="at:Q")
    line = base.mark_rule(strokeWidth=5, opacity=0.45, strokeCap="round").encode(
        x=alt.X("low:Q", axis=axis), x2="high:Q"
    )
    point = base.mark_point(filled=True, size=90, opacity=1).encode(x="difference:Q")
    about = "; ".join(f"{row['case']} {points(row['difference'])} points" for row in rows)
    title = f"{pair.entry} compared with {pair.reference}"
    sheet = Sheet("", rows, _FOREST)
    return ChartFigure(
        f"forest-{ranking.rules}-{pair.entry}", title, alt.layer(zero, line, point), about, sheet, lines=lines
    )


_FOREST = (
    Column("case", lambda row: row["case"], "left", "bold"),
    Column("difference", lambda row: points(row["difference"])),
    Column("95 % interval", lambda row: points(row["low"], row["high"])),
)


def _difference(name: str, difference: float, ends: tuple[float, float], adjusted: float) -> dict[str, Any]:
    kind = "mean" if name in ("over these cases", "families like these") else "case"
    return {"case": name, "difference": difference, "low": ends[0], "high": ends[1], "p": adjusted, "kind": kind}


def score_figure(board: Board, ranking: Ranking) -> ChartFigure | None:
    """Draw the score of each entry with its interval; None where no entry has all of its rows."""
    ranked = [score for score in ranking.ranked if score.interval]
    if not ranked:
        return None
    lines = [score.entry for score in ranked]
    rows = [
        {"entry": one.entry, "score": one.score, "low": one.interval[0], "high": one.interval[1]}
        for one in ranked
        if one.interval
    ]
    chart = _spans(rows, lines, "score", "score, with 95 % interval")
    about = "; ".join(f"{one.entry} {percent(one.score)}" for one in ranked)
    sheet = ranking_sheet(board, ranking)
    return ChartFigure(f"score-{ranking.rules}", "Score", chart, about, sheet, lines=lines)


def rank_figure(board: Board, ranking: Ranking) -> ChartFigure | None:
    """Draw the interval of the rank of each entry; None where fewer than two entries have all of their rows."""
    ranked = [score for score in ranking.ranked if score.rank]
    if len(ranked) < 2:  # noqa: PLR2004  # one has no rank
        return None
    lines = [score.entry for score in ranked]
    rows = [
        {"entry": one.entry, "low": one.rank[0], "high": one.rank[1], "score": one.score} for one in ranked if one.rank
    ]
    base = alt.Chart(chart_data(rows, low="number", high="number", score="number")).encode(
        y=alt.Y("entry:N", sort=lines, title=None),
        tooltip=[alt.Tooltip("entry:N"), alt.Tooltip("low:Q", title="rank from"), alt.Tooltip("high:Q", title="to")],
    )
    axis = alt.Axis(title="rank", format="d", tickMinStep=1)
    scale = alt.Scale(domain=[0.5, len(ranked) + 0.5], nice=False)
    x = alt.X("low:Q", axis=axis, scale=scale)
    line = base.mark_rule(strokeWidth=9, color=_BLUE, opacity=0.45, strokeCap="round").encode(x=x, x2="high:Q")
    ends = [
        base.mark_point(filled=True, size=70, color=_BLUE, opacity=1).encode(x=f"{end}:Q") for end in ("low", "high")
    ]
    about = "; ".join(f"{one.entry} {one.rank[0]} to {one.rank[1]}" for one in ranked if one.rank)
    sheet = ranking_sheet(board, ranking)
    chart = alt.layer(line, *ends)
    return ChartFigure(f"ranks-{ranking.rules}", "Rank intervals", chart, about, sheet, lines=lines)


def _spans(rows: Sequence[Mapping[str, Any]], lines: Sequence[str], field: str, title: str) -> Any:
    base = alt.Chart(chart_data(rows, **dict.fromkeys((field, "low", "high"), "number"))).encode(
        y=alt.Y("entry:N", sort=list(lines), title=None),
        tooltip=[
            alt.Tooltip("entry:N"),
            alt.Tooltip(f"{field}:Q", format=".1%"),
            alt.Tooltip("low:Q", format=".1%", title="95 % from"),
            alt.Tooltip("high:Q", format=".1%", title="to"),
        ],
    )
    x = alt.X("low:Q", axis=share_axis(title), scale=alt.Scale(domain=[0, 1]))
    line = base.mark_rule(strokeWidth=5, color=_BLUE, opacity=0.45, strokeCap="round").encode(x=x, x2="high:Q")
    return alt.layer(line, base.mark_point(filled=True, size=90, color=_BLUE, opacity=1).encode(x=f"{field}:Q"))


def times_figure(ranking: Ranking) -> ChartFigure | None:
    """Draw the share of seeds and thresholds of R² that each entry has reached, against steps, with 95 % bands.

    Failures keep it below one; families have equal weights, and steps are shares of the schedule of each case. None
    where no case has curves of R².

    Source: N. Hansen et al. (2021), COCO, Optimization Methods and Software 36, 114-144, there runtime distributions.
    """
    grid = np.geomspace(0.01, 1, _POINTS)
    rows = [row for score in ranking.ranked for row in _reached(score, grid)]
    if not rows:
        return None
    names = list(dict.fromkeys(row["entry"] for row in rows))
    colour, dash = series_colour("entry", names)
    base = alt.Chart(chart_data(rows, **dict.fromkeys(("steps", "share", "low", "high"), "number"))).encode(
        x=alt.X(
            "steps:Q", scale=alt.Scale(type="log", nice=False), axis=alt.Axis(title="share of the schedule", format="%")
        ),
        color=colour,
        tooltip=[
            alt.Tooltip("entry:N"),
            alt.Tooltip("steps:Q", format=".1%", title="share of the schedule"),
            alt.Tooltip("share:Q", format=".1%"),
        ],
    )
    scale, axis = alt.Scale(domain=[0, 1]), share_axis("share of seeds × thresholds of R² reached")
    band = base.mark_area(opacity=0.15).encode(y=alt.Y("low:Q", scale=scale, axis=axis), y2="high:Q")
    line = base.mark_line().encode(y=alt.Y("share:Q", scale=scale), strokeDash=dash)
    ends = {row["entry"]: row["share"] for row in rows}
    about = "; ".join(f"{name} {percent(share)} at the end" for name, share in ends.items())
    columns = (
        Column("entry", lambda row: row["entry"], "left", "bold", once=True),
        Column("share of the schedule", lambda row: percent(row["steps"])),
        Column("reached", lambda row: percent(row["share"])),
        Column("95 % band", lambda row: interval((row["low"], row["high"]))),
    )
    thresholds = ", ".join(f"{bound:g}" for bound in THRESHOLDS)
    sheet = Sheet("", rows, columns, [f"thresholds of R²: {thresholds}; first evaluation at which each is reached"])
    chart = alt.layer(band, line).properties(height=300)
    return ChartFigure(f"times-{ranking.rules}", "Thresholds reached against steps", chart, about, sheet)


def _reached(score: EntryScore, grid: np.ndarray) -> list[dict[str, Any]]:
    """The share reached at each point of a grid, with pointwise normal bands; of the cases that have curves of R²."""
    found = [(cell.family, hits) for cell in score.cells if (hits := cell.first_hits(THRESHOLDS)) is not None]
    if not found:
        return []
    weights = np.array(family_weights([family for family, _ in found]))
    seeds = [(hits[:, :, None] <= grid).mean(axis=1) for _, hits in found]  # of each case (k, points)
    share = weights @ np.array([one.mean(axis=0) for one in seeds])
    variance = weights**2 @ np.array([one.var(axis=0) / len(one) for one in seeds])
    half = 1.96 * np.sqrt(variance)
    return [
        {
            "entry": score.entry,
            "steps": float(x),
            "share": float(y),
            "low": float(max(y - d, 0)),
            "high": float(min(y + d, 1)),
        }
        for x, y, d in zip(grid, share, half, strict=True)
    ]


def best_rates_figure(board: Board) -> ChartFigure | None:
    """Draw the expected rate of the best of k settings of each entry; None where fewer than two were tuned."""
    rows = [
        {"entry": entry, "k": k, "rate": rate}
        for entry, rates in board.best_rates.items()
        for k, rate in enumerate(rates, start=1)
    ]
    if board.definition.options.settings < 2 or not rows:  # noqa: PLR2004  # a curve needs two points
        return None
    colour, dash = series_colour("entry", list(board.best_rates))
    base = alt.Chart(chart_data(rows, k="number", rate="number")).encode(
        x=alt.X("k:Q", axis=alt.Axis(title="settings tried, k", format="d", tickMinStep=1)),
        color=colour,
        tooltip=[alt.Tooltip("entry:N"), alt.Tooltip("k:Q"), alt.Tooltip("rate:Q", format=".1%")],
    )
    y = alt.Y("rate:Q", scale=alt.Scale(domain=[0, 1]), axis=share_axis("expected rate of the best of k"))
    chart = base.mark_line(point=True).encode(y=y, strokeDash=dash).properties(height=280)
    columns = (
        Column("entry", lambda row: row["entry"], "left", "bold", once=True),
        Column("k", lambda row: count(row["k"])),
        Column("expected rate", lambda row: percent(row["rate"])),
    )
    about = "; ".join(f"{name} {percent(of[0])} to {percent(of[-1])}" for name, of in board.best_rates.items())
    meanings = ["mean over families; settings are ordered by one half of the tune seeds, and valued by the other"]
    return ChartFigure("best-of-k", "Best of k settings", chart, about, Sheet("", rows, columns, meanings))
