"""How many seeds learnt it, and how the others failed."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from benchsuite.report.figures.figure import Chart, Figure, data, interval_tips, outcome_colour, share_axis
from benchsuite.report.terminal.overview import CASE, RESULT, legend
from benchsuite.report.terminal.tables import Column, Sheet, count, interval, percent
from benchsuite.results.outcome import Outcome
from benchsuite.results.summary import Record


def rates(records: Sequence[Record]) -> Figure:
    """The share of the seeds that converged, with its interval."""
    said = "; ".join(f"{r.label} {percent(r.rate)} ({interval(r.rate_interval)})" for r in records)
    return Figure(
        "rates",
        "The share of random starts that learnt it",
        rate_chart(records),
        said,
        Sheet("", records, (CASE, *RESULT), legend(records)),
        lines=[record.label for record in records],
    )


def rate_chart(records: Sequence[Record]) -> Chart:
    """A point for each rate, on a line from end to end of its interval."""
    order = [record.label for record in records]
    rows = (
        {
            "case": record.label,
            "rate": record.rate,
            "low": record.rate_interval[0],
            "high": record.rate_interval[1],
            "seeds": record.seeds,
            "converged": record.converged,
        }
        for record in records
    )
    numbers = ("rate", "low", "high", "seeds", "converged")
    base = alt.Chart(data(rows, **dict.fromkeys(numbers, "number"))).encode(
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


def outcomes(records: Sequence[Record]) -> Figure:
    """The share of every outcome."""
    seen = [o for o in Outcome if any(record.outcomes[o] for record in records)]
    rows = [
        {
            "case": record.label,
            "outcome": outcome.value,
            "order": place,
            "seeds": record.outcomes[outcome],
            "share": record.outcomes[outcome] / record.seeds,
        }
        for record in records
        for place, outcome in enumerate(seen)
        if record.outcomes[outcome]
    ]
    chart = (
        alt.Chart(data(rows, order="number", seeds="number", share="number"))
        .mark_bar(stroke="currentColor", strokeWidth=0.5)
        .encode(
            y=alt.Y("case:N", sort=[record.label for record in records], title=None),
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
        f"{record.label}: " + ", ".join(f"{record.outcomes[o]:,} {o.value}" for o in seen if record.outcomes[o])
        for record in records
    )
    lines = [record.label for record in records]
    return Figure("outcomes", "How each of them ended", chart, said, _outcome_sheet(records, seen), lines=lines)


def _outcome_sheet(records: Sequence[Record], seen: Sequence[Outcome]) -> Sheet:
    def share(outcome: Outcome) -> Column:
        return Column(
            outcome.value, lambda r: f"{count(r.outcomes[outcome])} ({percent(r.outcomes[outcome] / r.seeds)})"
        )

    return Sheet("", records, (CASE, Column("seeds", lambda r: count(r.seeds)), *map(share, seen)))
