"""What has changed since a reference: the difference of every rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from benchsuite.comparison import CaseChange
from benchsuite.report.figures.figure import Figure, chart_data, interval_tips, share_axis
from benchsuite.report.terminal import Sheet, points


def changes_figure(changes: Sequence[CaseChange], sheet: Sheet) -> Figure | None:
    """This run's rate minus the reference's, with its interval; nothing where no rate can be compared.

    Args:
        changes: of every case.
        sheet: the same as a table.
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
    line = base.mark_rule(strokeWidth=5, color="#0072B2", opacity=0.45, strokeCap="round").encode(
        x=alt.X("low:Q", axis=share_axis("difference of the rates, and its 95 % interval")), x2="high:Q"
    )
    point = base.mark_point(filled=True, size=90, color="#0072B2", opacity=1).encode(x="difference:Q")
    zero = alt.Chart(alt.InlineData(values=[{"at": 0}])).mark_rule(strokeDash=[2, 3]).encode(x="at:Q")
    said = "; ".join(f"{row['case']} {points(row['difference'])} points" for row in rows)
    chart = alt.layer(zero, line, point)
    return Figure("changes", "By how much the rates differ", chart, said, sheet, lines=[label for label, _ in rated])
