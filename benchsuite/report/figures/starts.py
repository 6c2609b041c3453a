"""Where the starts of one case lead: over its loss where that was kept, else from start to end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import altair as alt
import numpy as np

from benchsuite.report.figures.figure import Chart, Figure, chart_data, outcome_colour, outcome_fill, outcome_shape
from benchsuite.report.terminal import Column, Sheet, count, number
from benchsuite.results import Result, Surface

#: Starts that are drawn; paths among them; starts that are listed.
_STARTS, _PATHS, _LISTED = 400, 24, 20

#: Of one cell with the next.
_OVERLAP = 1.15

#: Models with more parameters have no plane to look at, unless their case names one.
_PARAMETERS = 2

#: Of the loss: even in lightness, and readable without colour vision.
_LOSS_COLOURS: Literal["cividis"] = "cividis"


def starts_figures(result: Result) -> list[Figure]:
    """The figures of a case with few parameters; none of others."""
    names = list(result.rows.start)
    figures = []
    if len(names) == 1:
        figures.append(_figure(result, "", _from_start_to_end(result, names[0])))
    for place, surface in enumerate(result.surfaces):
        drawn = _over_curve(result, surface) if len(surface.axes) == 1 else _over_loss(result, surface)
        figures.append(_figure(result, f"-{place}", drawn, surface))
    if len(names) == _PARAMETERS and not result.surfaces:
        figures.append(_figure(result, "", _in_plane(result, names[0], names[1])))
    return figures


def _figure(result: Result, place: str, chart: Chart, surface: Surface | None = None) -> Figure:
    label, seeds = result.summary.label, min(len(result.rows), _STARTS)
    title = f"{label}: " + (" and ".join(surface.axes) if surface else "from start to end")
    if surface:
        title += "".join(f", {name} = {value:g}" for name, value in surface.fixed.items()) + _titled(surface)
    said = f"{title}, {seeds:,} seeds; " + "; ".join(
        f"{group['name']}: {group['converged']:,} of {group['seeds']:,} converged" for group in result.summary.groups
    )
    return Figure(f"starts-{label}{place}", title, chart.properties(height=300), said, _sheet(result), label)


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
    """A line from every start to its end, and a mark at the start."""
    points = _points(result, [first, second]).encode(
        x=alt.X("start_0:Q", title=first), y=alt.Y("start_1:Q", title=second)
    )
    lines = points.mark_rule(opacity=0.35).encode(x2="end_0:Q", y2="end_1:Q", shape=alt.Undefined)
    return alt.layer(lines, points.mark_point(size=30, opacity=0.8))


def _over_curve(result: Result, surface: Surface) -> Chart:
    """The loss as a line, and on it where the seeds start."""
    ((name, values),) = surface.axes.items()
    curve = (
        {"value": value, "loss": loss}
        for value, loss in zip(values.astype(float).tolist(), surface.loss.astype(float).tolist(), strict=True)
    )
    x = alt.X("value:Q", title=name)
    line = alt.Chart(chart_data(curve, value="number", loss="number")).mark_line(color="currentColor", opacity=0.6)
    starts = [
        {
            "seed": seed["seed"],
            "outcome": seed["outcome"],
            "value": seed["start_0"],
            "loss": float(np.interp(seed["start_0"], values, surface.loss)),
        }
        for seed in _seeds(result, [name])
    ]
    points = alt.Chart(chart_data(starts, value="number", loss="number")).mark_point(size=34, opacity=0.7)
    drawn = points.encode(
        x=x,
        y=alt.Y("loss:Q"),
        color=outcome_colour(row["outcome"] for row in starts),
        shape=outcome_shape(row["outcome"] for row in starts),
        tooltip=[alt.Tooltip("seed:N"), alt.Tooltip("outcome:N"), alt.Tooltip("value:Q", title=f"{name} at the start")],
    )
    return alt.layer(line.encode(x=x, y=alt.Y("loss:Q", title="loss on the evaluation data")), drawn)


def _over_loss(result: Result, surface: Surface) -> Chart:
    """The loss as colour, and on it the paths of some seeds, if the plane holds all that they move in."""
    (first, xs), (second, ys) = surface.axes.items()
    x = alt.X("left:Q", title=first, scale=alt.Scale(domain=[float(xs[0]), float(xs[-1])], nice=False))
    y = alt.Y("below:Q", title=second, scale=alt.Scale(domain=[float(ys[0]), float(ys[-1])], nice=False))
    positive = surface.loss[np.isfinite(surface.loss) & (surface.loss > 0)]
    scale = alt.Scale(
        scheme=_LOSS_COLOURS,
        type="log" if len(positive) else "linear",
        domain=[float(np.quantile(positive, 0.01)), float(positive.max())] if len(positive) else alt.Undefined,
        clamp=True,
    )
    kinds = dict.fromkeys(("left", "right", "below", "above", "loss"), "number")
    ground = (
        alt.Chart(chart_data(_cells(xs, ys, surface.loss), **kinds))
        .mark_rect(clip=True)
        .encode(
            x=x,
            x2="right:Q",
            y=y,
            y2="above:Q",
            color=alt.Color("loss:Q", scale=scale, legend=alt.Legend(title="loss", orient="right", format="~g")),
            tooltip=[alt.Tooltip("loss:Q", format=".4~g")],
        )
    )
    paths = list(_paths(result, [first, second]))
    if set(surface.axes) != set(result.rows.start) or not paths:
        return ground
    drawn = alt.Chart(chart_data(paths, order="number", x="number", y="number"))
    lines = drawn.mark_line(clip=True, strokeWidth=1.6, stroke="white").encode(
        x="x:Q", y="y:Q", detail="seed:N", order="order:Q"
    )
    ends = (
        drawn.transform_filter("datum.order == 0")
        .mark_point(clip=True, size=46, filled=True, stroke="white", strokeWidth=1, opacity=1)
        .encode(
            x="x:Q",
            y="y:Q",
            fill=outcome_fill(row["outcome"] for row in paths),
            shape=outcome_shape(row["outcome"] for row in paths),
            tooltip=[alt.Tooltip("seed:N"), alt.Tooltip("outcome:N")],
        )
    )
    return alt.layer(ground, lines, ends).resolve_scale(color="independent", fill="independent", shape="independent")


def _cells(xs: np.ndarray, ys: np.ndarray, loss: np.ndarray) -> Iterator[dict[str, Any]]:
    """The cell around every point of a grid, reaching a little below the next one lest the ground shines through."""
    width, height = (xs[1] - xs[0]) / 2, (ys[1] - ys[0]) / 2
    for y, line in zip(ys.tolist(), loss.tolist(), strict=True):
        for x, value in zip(xs.tolist(), line, strict=True):
            yield {
                "left": float(x - width),
                "right": float(x + _OVERLAP * width),
                "below": float(y - height),
                "above": float(y + _OVERLAP * height),
                "loss": value,
            }


def _paths(result: Result, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    kept = result.curves.columns.get("parameters")
    if kept is None:
        return
    places = [list(result.rows.start).index(name) for name in names]
    outcomes = dict(zip(result.rows.seeds.tolist(), result.rows.outcomes.tolist(), strict=True))
    for seed, path in zip(result.curves.seeds[:_PATHS].tolist(), kept[:_PATHS], strict=True):
        for order, (x, y) in enumerate(path[:, places].astype(float).tolist()):
            yield {"seed": seed, "outcome": outcomes[seed], "order": order, "x": x, "y": y}


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
