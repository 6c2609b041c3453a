"""Charts of starts and ends of the seeds of one case, over its loss surface if one is stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import altair as alt
import numpy as np

from benchsuite.report.figures.figure import Chart, ChartFigure, chart_data, outcome_colour, outcome_shape
from benchsuite.report.figures.surfaces import PlottedPath, surface_chart
from benchsuite.report.terminal import Column, Sheet, count, number
from benchsuite.results import Result, Surface

#: Numbers of plotted starts, of plotted paths, and of starts in the table.
_STARTS, _PATHS, _LISTED = 150, 24, 12

#: Largest number of parameters that are drawn as a plane without a surface.
_PARAMETERS = 2


def starts_figures(result: Result) -> list[ChartFigure]:
    """Draw where the starts of a case with few parameters lead; empty for other cases."""
    names = list(result.rows.start)
    figures = []
    if len(names) == 1:
        figures.append(_figure(result, "", _from_start_to_end(result, names[0])))
    for place, surface in enumerate(result.surfaces):
        paths = list((_starts_on_curve if len(surface.axes) == 1 else _paths)(result, surface))
        figures.append(_figure(result, f"-{place}", surface_chart(surface, paths, {}), surface))
    if len(names) == _PARAMETERS and not result.surfaces:
        figures.append(_figure(result, "", _in_plane(result, names[0], names[1])))
    return figures


def _figure(result: Result, place: str, chart: Chart, surface: Surface | None = None) -> ChartFigure:
    label, seeds = result.summary.label, min(len(result.rows), _STARTS)
    title = f"{label}: " + (" and ".join(surface.axes) if surface else "from start to end")
    if surface:
        title += "".join(f", {name} = {value:g}" for name, value in surface.fixed.items()) + _titled(surface)
    about = f"{title}, {seeds:,} seeds; " + "; ".join(
        f"{group['name']}: {group['converged']:,} of {group['seeds']:,} converged" for group in result.summary.groups
    )
    heading = "Starts: " + title.removeprefix(f"{label}: ")
    return ChartFigure(f"starts-{label}{place}", heading, chart.properties(height=300), about, _sheet(result), label)


def _titled(surface: Surface) -> str:
    return f" ({surface.title})" if surface.title else ""


def _seeds(result: Result, names: Iterable[str]) -> list[dict[str, Any]]:
    rows = result.rows
    return [
        {
            "seed": int(rows.seeds[place]),
            "outcome": str(rows.outcomes[place]),
            **{f"start_{number}": float(rows.start[name][place]) for number, name in enumerate(names)},
            **{f"end_{number}": float(rows.end[name][place]) for number, name in enumerate(names)},
        }
        for place in range(min(len(rows), _STARTS))
    ]


def _points(result: Result, names: Sequence[str]) -> alt.Chart:
    rows = _seeds(result, names)
    kinds = {field: "number" for field in rows[0] if field.startswith(("start", "end"))}
    return alt.Chart(chart_data(rows, **kinds)).encode(
        color=outcome_colour(row["outcome"] for row in rows),
        shape=outcome_shape(row["outcome"] for row in rows),
        tooltip=[
            alt.Tooltip("seed:N"),
            alt.Tooltip("outcome:N"),
            *(
                alt.Tooltip(f"{when}_{place}:Q", format=".4~g", title=f"{name} at the {when}")
                for place, name in enumerate(names)
                for when in ("start", "end")
            ),
        ],
    )


def _from_start_to_end(result: Result, name: str) -> Chart:
    return (
        _points(result, [name])
        .mark_point(size=34, filled=False, opacity=0.7)
        .encode(x=alt.X("start_0:Q", title=f"{name} at the start"), y=alt.Y("end_0:Q", title=f"{name} at the end"))
    )


def _in_plane(result: Result, first: str, second: str) -> Chart:
    """A line from each start to its end, and a mark at the start."""
    points = _points(result, [first, second]).encode(
        x=alt.X("start_0:Q", title=first), y=alt.Y("start_1:Q", title=second)
    )
    lines = points.mark_rule(opacity=0.35).encode(x2="end_0:Q", y2="end_1:Q", shape=alt.Undefined)
    return alt.layer(lines, points.mark_point(size=30, opacity=0.8))


def _starts_on_curve(result: Result, surface: Surface) -> Iterator[PlottedPath]:
    """The starts within the curve, at the loss that the curve has there."""
    ((name, values),) = surface.axes.items()
    for seed in _seeds(result, [name]):
        start, outcome = seed["start_0"], seed["outcome"]
        loss = np.interp(start, values, surface.loss, left=np.nan, right=np.nan)
        if np.isfinite(loss):
            yield PlottedPath(f"seed {seed['seed']}", outcome, outcome, np.array([[start, loss]]))


def _paths(result: Result, surface: Surface) -> Iterator[PlottedPath]:
    """The stored paths of some seeds, if the plane has all parameters."""
    kept, names = result.curves.columns.get("parameters"), list(result.rows.start)
    if kept is None or set(surface.axes) != set(names):
        return
    places = [names.index(name) for name in surface.axes]
    outcomes = dict(zip(result.rows.seeds.tolist(), result.rows.outcomes.tolist(), strict=True))
    for seed, path in zip(result.curves.seeds[:_PATHS].tolist(), kept[:_PATHS], strict=True):
        yield PlottedPath(f"seed {seed}", outcomes[seed], outcomes[seed], path[:, places])


def _sheet(result: Result) -> Sheet:
    """The first seeds, from start to end."""
    names = list(result.rows.start)
    rows = _seeds(result, names)[:_LISTED]
    columns = [
        Column("seed", lambda row: count(row["seed"])),
        Column("outcome", lambda row: row["outcome"], "left", "bold"),
    ]
    columns += [
        Column(f"{name}, {when}", partial(_value, f"{when}_{place}"))
        for place, name in enumerate(names)
        for when in ("start", "end")
    ]
    return Sheet(f"the first {len(rows)} of {len(result.rows):,} seeds", rows, columns)


def _value(field: str, row: Mapping[str, Any]) -> str:
    return number(row[field] if np.isfinite(row[field]) else None)
