"""Draw the pictures of the gallery: what a case has to learn, and its learning curves, small enough to be committed."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import altair as alt
import numpy as np

from benchsuite.case import Case
from benchsuite.report.figures import ChartFigure, chart_data, ladder_figures, learning_figure, render_svg
from benchsuite.report.figures.surfaces import cividis, image_url
from benchsuite.report.terminal import Sheet
from benchsuite.results import Result, Summary
from benchsuite.settings import TrainingSettings

#: Width and height of a picture of a task, and width of a chart, in pixels.
TASK, CHART = (240, 150), 560

#: Most examples of a picture, and most columns of a matrix.
EXAMPLES, COLUMNS = 194, 64

#: Colours of classes, and their largest number.
CLASSES = ("#0072B2", "#D55E00", "#E69F00", "#009E73", "#CC79A7", "#56B4E9")

#: Decimals of an SVG that cannot be seen, and attributes that a description in place of the picture makes superfluous.
_LONG = re.compile(r"(\d+\.\d)\d+")
_SUPERFLUOUS = re.compile(r' (?:role|aria-[a-z]+|pointer-events)="[^"]*"')

#: Content and description.
Picture = tuple[bytes, str]


def task_picture(case: Case, settings: TrainingSettings) -> Picture | None:
    """Draw some examples of a case; None if it has none that can be drawn."""
    if case.dataset is None:
        return None
    inputs, targets = _examples(case, settings)
    return next(filter(None, (draw(inputs, targets) for draw in (_curve, _points, _images, _matrix))), None)


def curves_picture(result: Result) -> Picture | None:
    """Draw the median and the range of the learning curves for each outcome, without single seeds: SVG."""
    figure = learning_figure(result)
    if figure is None:
        return None
    band, _, middle, _ = figure.chart.layer
    chart = alt.layer(band, middle).properties(height=figure.chart.height)
    return svg(replace(figure, chart=chart)), figure.about


def ladder_picture(summaries: Sequence[Summary]) -> Picture | None:
    """Draw the rates over the option of a ladder, with the published ones: SVG; None with fewer than two rungs."""
    figures = ladder_figures([summary for summary in summaries if not summary.treatment])
    return (svg(figures[0]), figures[0].about) if figures else None


def small(result: Result) -> Picture | None:
    """Draw the median learning curves in the size of a picture of a task."""
    figure = learning_figure(result)
    if figure is None:
        return None
    _, _, middle, _ = figure.chart.layer
    axis = alt.Axis(labels=False, ticks=False)
    x, y = alt.X("step:Q", title="steps", axis=axis), middle.encoding.y.copy()
    y.axis, y.title = axis, "error"
    chart = middle.encode(x=x, y=y, color=middle.encoding.color.copy(deep=False))
    chart.encoding.color.legend = None
    return _task(chart, f"the median learning curve of each outcome; {figure.about}")


def _task(chart: Any, about: str) -> Picture:
    return svg(ChartFigure("task", "", chart.properties(height=TASK[1]), about, Sheet("", [], ())), TASK[0]), about


def svg(figure: ChartFigure, width: int = CHART) -> bytes:
    return _SUPERFLUOUS.sub("", _LONG.sub(r"\1", render_svg(figure, width))).encode()


def _examples(case: Case, settings: TrainingSettings) -> tuple[np.ndarray, np.ndarray | None]:
    """Load some examples: inputs with the examples along the first axis, and targets, if there are any."""
    import jax

    from benchsuite.engine.problem import Problem

    rows = Problem.load(case, settings).data.test
    arrays = [np.asarray(leaf)[:EXAMPLES] for leaf in jax.tree.leaves(case.dataset.prepare(rows))]
    return arrays[0], arrays[1] if len(arrays) > 1 else None


def _flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), -1).astype(float)


def _curve(inputs: np.ndarray, targets: np.ndarray | None) -> Picture | None:
    """Draw one number over another, for cases that learn a function of one variable."""
    if targets is None or _flat(inputs).shape[1] != 1 or _flat(targets).shape[1] != 1:
        return None
    rows = [{"x": x, "y": y} for x, y in zip(inputs.ravel().tolist(), targets.ravel().tolist(), strict=True)]
    marks = alt.Chart(chart_data(rows[: EXAMPLES // 2], x="number", y="number")).mark_circle(size=14, opacity=1)
    chart = marks.encode(x=alt.X("x:Q", title="input"), y=alt.Y("y:Q", title="target"), color=alt.value(CLASSES[0]))
    return _task(chart, f"the target over the input, {len(rows[: EXAMPLES // 2])} examples")


def _points(inputs: np.ndarray, targets: np.ndarray | None) -> Picture | None:
    """Draw examples with two inputs in the plane, coloured by their target."""
    if inputs.ndim != 2 or inputs.shape[1] != 2:
        return None
    values = np.zeros(len(inputs)) if targets is None else _flat(targets)[:, 0]
    rows = [
        {"a": a, "b": b, "target": value}
        for (a, b), value in zip(inputs.astype(float).tolist(), values.tolist(), strict=True)
    ]
    few = len(set(values.tolist())) <= len(CLASSES)
    scale = alt.Scale(range=list(CLASSES)) if few else alt.Scale(scheme="cividis")
    shape = {"shape": alt.Shape("target:N", legend=None)} if few and targets is not None else {}
    plane = alt.Scale(zero=False, padding=8)
    marks = alt.Chart(chart_data(rows, a="number", b="number", target="number"))
    chart = marks.mark_point(filled=True, size=160 if len(rows) <= 16 else 26, opacity=1).encode(
        x=alt.X("a:Q", title="first input", scale=plane),
        y=alt.Y("b:Q", title="second input", scale=plane),
        color=alt.Color("target:N" if few else "target:Q", scale=scale, legend=None),
        **shape,
    )
    by = "" if targets is None else ", coloured by target"
    return _task(chart, f"{len(rows)} examples in the plane of the two inputs{by}")


def _images(inputs: np.ndarray, targets: np.ndarray | None) -> Picture | None:  # noqa: ARG001
    """Draw the first images side by side."""
    side = int(np.sqrt(_flat(inputs).shape[1]))
    if side < 16 or side * side != _flat(inputs).shape[1]:
        return None
    images = [image.reshape(side, side) for image in _flat(inputs)[:6]]
    return _heat(np.vstack([np.hstack(images[:3]), np.hstack(images[3:])])), "the first six images of the data"


def _matrix(inputs: np.ndarray, targets: np.ndarray | None) -> Picture | None:
    """Draw examples as a matrix: a row for each, inputs and then targets; of sequences one, a row for each channel."""
    if inputs.ndim < 2:
        return None
    if inputs.ndim == 3:
        return _heat(inputs[0].T.astype(float)), "one sequence: channels as rows, time from left to right"
    parts = [_flat(inputs)[:16]]
    if targets is not None:
        parts += [np.full((len(parts[0]), 1), np.nan), _flat(targets)[:16]]
    about = "examples as rows: inputs" + (", then targets" if targets is not None else "")
    return _heat(np.hstack(parts)[:, :COLUMNS]), about


def _heat(values: np.ndarray) -> bytes:
    """Draw a matrix as PNG, some pixels for each cell; a cell without a value is white."""
    low, high = np.nanmin(values), np.nanmax(values)
    pixels = cividis((np.nan_to_num(values, nan=low) - low) / max(high - low, 1e-9))
    pixels[np.isnan(values)] = 255
    cell = max(1, 2 * TASK[0] // values.shape[1])
    large = pixels.repeat(cell, axis=0).repeat(cell, axis=1)
    return base64.b64decode(image_url(large).partition(",")[2])
