"""Charts of loss surfaces: a curve or a coloured plane, with the paths of trainings on it."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np

from benchsuite.report.figures.figure import DASHES, INK, OUTCOME_COLOURS, Chart, chart_data, line_legend
from benchsuite.results import Outcome, Surface
from benchsuite.variants import Start

#: Bands of equal colour on a plane.
_BANDS = 24

#: Cells with tooltips; a plane of more points has none.
_CELLS = 64 * 64

#: Pixels of an image along an axis, at least: viewers smooth small images.
_PIXELS = 512

#: Polynomials of the colour map cividis, from the lowest power; readable without colour vision.
#: Source: J. R. Nuñez, C. R. Anderton, R. S. Renslow (2018), PLoS ONE 13, e0199239; fit of d3-scale-chromatic.
_CIVIDIS = np.array(
    [
        [-4.54, -35.34, 2381.73, -6402.7, 7024.72, -2710.57],
        [32.49, 170.73, 52.82, -131.46, 176.58, -67.37],
        [81.24, 442.36, -2482.43, 6167.24, -6614.94, 2475.67],
    ]
)

#: Outlines of marks, see https://vega.github.io/vega/docs/marks/symbol/.
_STAR = "M0,-1L0.23,-0.32L0.95,-0.31L0.38,0.12L0.59,0.81L0,0.4L-0.59,0.81L-0.38,0.12L-0.95,-0.31L-0.23,-0.32Z"
_CROSS = "M-0.7,-0.7L0.7,0.7M-0.7,0.7L0.7,-0.7"


#: Encodings of the two directions of a plane, the same in all of its layers.
Place = tuple[alt.X, alt.Y]


@dataclass(frozen=True)
class PlottedPath:
    """The path of a training on a surface.

    Args:
        name: for its tooltip.
        series: its entry in the legend.
        outcome: value of an `Outcome`, which gives the colour.
        points: (n, 2) positions in a plane, or parameter and loss on a curve.
        emphasised: whether the line is thick.
    """

    name: str
    series: str
    outcome: str
    points: np.ndarray
    emphasised: bool = False


def cividis(shares: np.ndarray) -> np.ndarray:
    """Return the colours of shares, (..., 4) bytes of red, green, blue and opacity, from dark to light."""
    powers = np.clip(shares, 0, 1)[..., None] ** np.arange(6)
    colours = np.clip(powers @ _CIVIDIS.T, 0, 255)
    return np.concatenate([colours, np.full((*colours.shape[:-1], 1), 255)], axis=-1).round().astype(np.uint8)


def cividis_range(*, light_first: bool = False) -> list[str]:
    """Return the same colours for the range of a scale."""
    ends = (1, 0) if light_first else (0, 1)
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue, _ in cividis(np.linspace(*ends, 12)).tolist()]


def gradient_legend(title: str, form: str, **how: Any) -> alt.Legend:
    """Make a legend of the colours on the right."""
    return alt.Legend(title=title, orient="right", format=form, gradientOpacity=1, gradientLength=160, **how)


def image_url(pixels: np.ndarray) -> str:
    """Encode pixels (height, width, 4) as a PNG data URL, each repeated to avoid smoothing.

    Source of the format: https://www.w3.org/TR/png-3/.
    """
    for axis in (0, 1):
        pixels = np.repeat(pixels, -(-_PIXELS // pixels.shape[axis]), axis)
    height, width, _ = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b"")
    content = b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(*part) for part in parts)
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def image_layer(axes: Mapping[str, np.ndarray], place: Place, pixels: np.ndarray) -> alt.Chart:
    """Draw pixels over a plane, one around each point of the grid.

    Args:
        axes: parameter → (k,) its values, two of them.
        place: of `plane_axes`.
        pixels: (k of the second, k of the first, 4) colours.
    """
    (_, xs), (_, ys) = axes.items()
    (left, right), (below, above) = _edges(xs), _edges(ys)
    row = {"x": left, "x2": right, "y": below, "y2": above, "url": image_url(pixels[::-1])}
    ground = alt.Chart(alt.InlineData(values=[row]))
    x, y = place
    return ground.mark_image(aspect=False, clip=True).encode(x=x, x2="x2:Q", y=y, y2="y2:Q", url="url:N")


def plane_axes(axes: Mapping[str, np.ndarray], titles: Sequence[str] = ()) -> Place:
    """Make the axes of a plane, which end at the first and the last value.

    Args:
        axes: parameter → (k,) its values, two of them.
        titles: of both axes, in place of the names of the parameters.
    """
    (xs, ys), (first, second) = axes.values(), titles or axes
    few = alt.Axis(tickCount=6)
    x, y = alt.X("x:Q", title=first, scale=_ends(xs), axis=few), alt.Y("y:Q", title=second, scale=_ends(ys), axis=few)
    return x, y


def _ends(values: np.ndarray) -> alt.Scale:
    return alt.Scale(domain=[float(values[0]), float(values[-1])], nice=False, zero=False)


def _edges(values: np.ndarray) -> tuple[float, float]:
    """The outer edges of the first and the last cell."""
    half = float(values[1] - values[0]) / 2 if len(values) > 1 else 0.5
    return float(values[0]) - half, float(values[-1]) + half


def surface_chart(surface: Surface, paths: Sequence[PlottedPath], solution: Start) -> Chart:
    """Draw a surface of one or two parameters with paths and the solution.

    Args:
        surface: the loss on a grid.
        paths: with points in the parameters of the surface; on a curve, (parameter, loss).
        solution: parameter → value, or empty.
    """
    paths = [path for path in paths if _is_within(surface.axes, path)]
    return (_curve if len(surface.axes) == 1 else _plane)(surface, paths, solution)


def _is_within(axes: Mapping[str, np.ndarray], path: PlottedPath) -> bool:
    """Check whether a point of the path is within the axes."""
    inside = [
        (values >= ends[0]) & (values <= ends[-1]) for values, ends in zip(path.points.T, axes.values(), strict=False)
    ]
    return bool(np.all(inside, axis=0).any())


def _plane(surface: Surface, paths: Sequence[PlottedPath], solution: Start) -> Chart:
    (kind, low, high), place = _range(surface.loss), plane_axes(surface.axes)
    layers: list[Any] = [
        image_layer(surface.axes, place, cividis(_shares(surface.loss, kind, low, high))),
        _cells(surface, place, kind, low, high),
        *(_path_layers(place, paths) if paths else ()),
        *solution_layers(surface.axes, place, solution),
    ]
    return alt.layer(*layers)


def _range(loss: np.ndarray) -> tuple[Any, float, float]:
    """Choose the scale of the colours and its ends: logarithmic for a positive loss, without outliers below."""
    finite = loss[np.isfinite(loss)]
    if not len(finite):
        return "linear", 0.0, 1.0
    low, high = float(np.quantile(finite, 0.002)), float(finite.max())
    if low <= 0 or low == high:
        return "linear", low, high + abs(high) * 1e-4 + 1e-9
    return "log", max(low, high * 1e-6), high


def _shares(loss: np.ndarray, kind: str, low: float, high: float) -> np.ndarray:
    """Positions of losses between the ends, in bands; a loss that is not finite is at the upper end."""
    loss = np.clip(np.nan_to_num(loss.astype(float), nan=np.inf), low, high)
    shares = np.log(loss / low) / np.log(high / low) if kind == "log" else (loss - low) / (high - low)
    return np.minimum(np.floor(shares * _BANDS) + 0.5, _BANDS - 0.5) / _BANDS


def _cells(surface: Surface, place: Place, kind: Any, low: float, high: float) -> alt.Chart:
    """Draw invisible cells, which give the legend and, on small grids, tooltips."""
    rows = list(_cell_rows(surface)) if surface.loss.size <= _CELLS else [next(_cell_rows(surface))]
    scale = alt.Scale(type=kind, domain=[low, high], range=cividis_range(), clamp=True)
    marks = (np.geomspace if kind == "log" else np.linspace)(low, high, 5).tolist()
    x, y = place
    return (
        alt.Chart(chart_data(rows, **dict.fromkeys(("x", "x2", "y", "y2", "loss"), "number")))
        .mark_rect(clip=True, opacity=0)
        .encode(
            x=x,
            x2="x2:Q",
            y=y,
            y2="y2:Q",
            color=alt.Color("loss:Q", scale=scale, legend=gradient_legend("loss", ".3~g", values=marks)),
            tooltip=[alt.Tooltip("loss:Q", format=".4~g")],
        )
    )


def _cell_rows(surface: Surface) -> Iterator[dict[str, Any]]:
    xs, ys = surface.axes.values()
    (left, right), (below, above) = _edges(xs), _edges(ys)
    columns, rows = np.linspace(left, right, len(xs) + 1).tolist(), np.linspace(below, above, len(ys) + 1).tolist()
    for y, y2, line in zip(rows, rows[1:], surface.loss.tolist(), strict=False):
        for x, x2, loss in zip(columns, columns[1:], line, strict=False):
            yield {"x": x, "x2": x2, "y": y, "y2": y2, "loss": loss}


def _series(paths: Sequence[PlottedPath]) -> tuple[alt.Scale, alt.Scale]:
    """Make the scales of colours and dashes of the series; the colour is that of the outcome."""
    series = {path.series: path.outcome for path in paths}
    colours = [OUTCOME_COLOURS[Outcome(outcome)] for outcome in series.values()]
    dashes = [DASHES[number % len(DASHES)] for number in range(len(series))]
    return alt.Scale(domain=list(series), range=colours), alt.Scale(domain=list(series), range=dashes)


def _path_data(paths: Sequence[PlottedPath]) -> alt.InlineData:
    rows = [
        {
            "path": path.name,
            "series": path.series,
            "outcome": path.outcome,
            "thick": int(path.emphasised),
            "order": order,
            "last": int(order == len(path.points) - 1),
            "x": x,
            "y": y,
        }
        for path in paths
        for order, (x, y) in enumerate(path.points.astype(float).tolist())
    ]
    return chart_data(rows, **dict.fromkeys(("thick", "order", "last", "x", "y"), "number"))


def _path_layers(place: Place, paths: Sequence[PlottedPath]) -> Iterator[alt.Chart]:
    """A line with a white edge, from a circle to a cross."""
    (colours, dashes), (x, y) = _series(paths), place
    base = alt.Chart(_path_data(paths)).encode(x=x, y=y, detail="path:N")
    tips = [alt.Tooltip("path:N", title="start"), alt.Tooltip("outcome:N")]
    ends = {"tooltip": tips, "stroke": alt.Stroke("series:N", scale=colours, legend=line_legend())}
    for thick in {int(path.emphasised) for path in paths}:
        width = 2 if thick else 1.2
        drawn = base.transform_filter(f"datum.thick == {thick}").encode(order="order:Q")
        yield drawn.mark_line(clip=True, strokeWidth=width + 1.6, stroke="white")
        yield drawn.mark_line(clip=True, strokeWidth=width).encode(
            stroke=alt.Stroke("series:N", scale=colours, legend=line_legend()),
            strokeDash=alt.StrokeDash("series:N", scale=dashes, legend=line_legend()),
        )
    yield (
        base.transform_filter("datum.order == 0")
        .mark_point(clip=True, size=36, filled=False, fill="white", strokeWidth=1.5, opacity=1)
        .encode(**ends)
    )
    yield (
        base.transform_filter("datum.last == 1")
        .mark_point(clip=True, size=70, shape=_CROSS, filled=False, strokeWidth=2, opacity=1)
        .encode(**ends)
    )


def solution_layers(axes: Mapping[str, np.ndarray], place: Place, solution: Start) -> Iterator[alt.Chart]:
    """Mark the solution with a star and its name, if it is within the plane."""
    if not solution or not all(ends[0] <= solution[name] <= ends[-1] for name, ends in axes.items()):
        return
    at = dict(zip(("x", "y"), (float(solution[name]) for name in axes), strict=True))
    x, y = place
    base = alt.Chart(alt.InlineData(values=[at | {"name": "solution"}])).encode(x=x, y=y)
    yield base.mark_point(shape=_STAR, size=130, filled=True, fill="white", stroke="black", strokeWidth=0.8, opacity=1)
    label = base.encode(text="name:N")
    how: dict[str, Any] = {"align": "left", "dx": 9, "dy": -8}
    yield label.mark_text(**how, stroke="black", strokeWidth=3, strokeJoin="round", color="black")
    yield label.mark_text(**how, color="white")


def _curve(surface: Surface, paths: Sequence[PlottedPath], solution: Start) -> Chart:
    """The loss as a line; points of the paths on it, the first one hollow."""
    ((name, values),) = surface.axes.items()
    rows = [
        {"x": x, "y": y}
        for x, y in zip(values.astype(float).tolist(), surface.loss.astype(float).tolist(), strict=True)
    ]
    x = alt.X("x:Q", title=name, scale=_ends(values))
    y = alt.Y("y:Q", title="loss on the evaluation data", scale=_margin(surface.loss))
    line = alt.Chart(chart_data(rows, x="number", y="number")).mark_line(color=INK, opacity=0.6, clip=True)
    layers = [line.encode(x=x, y=y)]
    if solution and values[0] <= solution[name] <= values[-1]:
        base = alt.Chart(alt.InlineData(values=[{"x": float(solution[name]), "name": "solution"}])).encode(x=x)
        layers.append(base.mark_rule(strokeDash=[2, 3]))
        layers.append(base.mark_text(align="left", dx=4, y=8).encode(text="name:N"))
    return alt.layer(*layers, *(_point_layers(paths, x, y) if paths else ()))


def _margin(loss: np.ndarray) -> alt.Scale:
    finite = loss[np.isfinite(loss)]
    if not len(finite):
        return alt.Scale()
    low, high = float(finite.min()), float(finite.max())
    margin = 0.05 * (high - low) or 1.0
    return alt.Scale(domain=[low - margin, high + margin], nice=False, zero=False)


def _point_layers(paths: Sequence[PlottedPath], x: alt.X, y: alt.Y) -> Iterator[alt.Chart]:
    colours, _ = _series(paths)
    base = alt.Chart(_path_data(paths)).encode(
        x=x,
        y=y,
        stroke=alt.Stroke("series:N", scale=colours),
        shape=alt.Shape("series:N", scale=alt.Scale(domain=colours.to_dict()["domain"])),
        tooltip=[alt.Tooltip("path:N", title="start"), alt.Tooltip("outcome:N"), alt.Tooltip("x:Q", format=".4~g")],
    )
    how: dict[str, Any] = {"size": 34, "clip": True, "opacity": 0.8, "filled": False}
    yield base.mark_point(**how, fill="white", fillOpacity=0.9).transform_filter("datum.order == 0")
    yield base.mark_point(**(how | {"size": 14})).transform_filter("datum.order > 0")
