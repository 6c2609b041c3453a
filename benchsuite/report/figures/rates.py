"""How many seeds learnt it, and how the others failed."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from benchsuite.report.figures.figure import Chart, Figure, chart_data, interval_tips, outcome_colour, share_axis
from benchsuite.report.terminal import CASE, RESULT, Column, Sheet, count, interval, legend, percent
from benchsuite.results import Outcome, Summary


def rates_figure(summaries: Sequence[Summary]) -> Figure:
    """The share of the seeds that converged, with its interval."""
    said = "; ".join(f"{r.label} {percent(r.rate)} ({interval(r.rate_interval)})" for r in summaries)
    return Figure(
        "rates",
        "The share of random starts that learnt it",
        rate_chart(summaries),
        said,
        Sheet("", summaries, (CASE, *RESULT), legend(summaries)),
        lines=[summary.label for summary in summaries],
    )


def rate_chart(summaries: Sequence[Summary]) -> Chart:
    """A point for each rate, on a line from end to end of its interval."""
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
    scale = alt.Scale(domain=[0, 1])
    line = base.mark_rule(strokeWidth=5, color="#0072B2", opacity=0.45, strokeCap="round").encode(
        x=alt.X("low:Q", scale=scale, axis=share_axis("share of the seeds that converged, and its 95 % interval")),
        x2="high:Q",
    )
    point = base.mark_point(filled=True, size=90, color="#0072B2", opacity=1).encode(x=alt.X("rate:Q", scale=scale))
    return alt.layer(line, point)


def outcomes_figure(summaries: Sequence[Summary]) -> Figure:
    """The share of every outcome."""
    seen = [o for o in Outcome if any(summary.outcomes[o] for summary in summaries)]
    rows = [
        {
            "case": summary.label,
            "outcome": outcome.value,
            "order": place,
            "seeds": summary.outcomes[outcome],
            "share": summary.outcomes[outcome] / summary.seeds,
        }
        for summary in summaries
        for place, outcome in enumerate(seen)
        if summary.outcomes[outcome]
    ]
    chart = (
        alt.Chart(chart_data(rows, order="number", seeds="number", share="number"))
        .mark_bar(stroke="currentColor", strokeWidth=0.5)
        .encode(
            y=alt.Y("case:N", sort=[summary.label for summary in summaries], title=None),
            x=alt.X("share:Q", scale=alt.Scale(domain=[0, 1]), axis=share_axis("share of the seeds")),
            color=outcome_colour(outcome.value for outcome in seen),
            order="order:Q",
            tooltip=[
                alt.Tooltip("case:N"),
                alt.Tooltip("outcome:N"),
                alt.Tooltip("seeds:Q", format=","),
                alt.Tooltip("share:Q", format=".1%"),
            ],
        )
    )
    said = "; ".join(
        f"{summary.label}: " + ", ".join(f"{summary.outcomes[o]:,} {o.value}" for o in seen if summary.outcomes[o])
        for summary in summaries
    )
    lines = [summary.label for summary in summaries]
    return Figure("outcomes", "How each of them ended", chart, said, _outcome_sheet(summaries, seen), lines=lines)


def _outcome_sheet(summaries: Sequence[Summary], seen: Sequence[Outcome]) -> Sheet:
    def share(outcome: Outcome) -> Column:
        return Column(
            outcome.value, lambda r: f"{count(r.outcomes[outcome])} ({percent(r.outcomes[outcome] / r.seeds)})"
        )

    return Sheet("", summaries, (CASE, Column("seeds", lambda r: count(r.seeds)), *map(share, seen)))
