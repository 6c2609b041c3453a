"""Charts of a landscape: loss surfaces with paths, and maps of outcomes and steps by start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import altair as alt
import numpy as np

from benchsuite.report.figures.figure import OUTCOME_COLOURS, Chart
from benchsuite.report.figures.surfaces import (
    PlottedPath,
    cividis,
    cividis_range,
    gradient_legend,
    image_layer,
    plane_axes,
    solution_layers,
    surface_chart,
)
from benchsuite.results import NEVER, BasinMap, LandscapeResult, Outcome, Surface, TrainingPath
from benchsuite.variants import Start

#: Starts that did not succeed, on the map of steps.
_GREY = (204, 204, 204, 255)


def landscape_charts(landscape: LandscapeResult) -> Iterator[Chart]:
    """Draw each surface, and the two basin maps if there are any; each with a title."""
    for surface in landscape.surfaces:
        paths = [_plotted(path, surface) for path in landscape.paths]
        title = ", ".join(filter(None, (surface.title, _fixed(surface.fixed))))
        yield surface_chart(surface, paths, landscape.solution).properties(title=title)
    if landscape.basins:
        yield _outcomes(landscape.basins, landscape.solution)
        yield _steps(landscape.basins, landscape.solution)


def caption_of(landscape: LandscapeResult) -> list[str]:
    """Describe the data of a landscape, one line each."""
    lines = ["loss on the evaluation data"]
    if landscape.paths:
        steps = landscape.paths[0].trace.steps[-1]
        lines.append(f"paths of {steps:,} steps from the hollow mark; named starts on the data of seed 0")
    if landscape.basins:
        shape = " × ".join(str(len(values)) for values in landscape.basins.axes.values())
        lines.append(f"{shape} starts, all on the data of seed 0")
    return lines


def _plotted(path: TrainingPath, surface: Surface) -> PlottedPath:
    columns = [path.trace.parameters[0, :, path.names.index(name)] for name in surface.axes]
    if len(columns) == 1:
        columns.append(path.trace.metrics["loss"][0])
    series = f"{path.label}: {path.outcome}" if path.named else f"seeds: {path.outcome}"
    return PlottedPath(path.label, series, path.outcome, np.stack(columns, axis=1), emphasised=path.named)


def _fixed(fixed: Start) -> str:
    return ", ".join(f"{name} = {value:g}" for name, value in fixed.items())


def _outcomes(basins: BasinMap, solution: Start) -> Chart:
    pixels = np.zeros((*basins.outcomes.shape, 4), np.uint8)
    entries = {}
    for outcome in Outcome:
        found = basins.outcomes == outcome.value
        if found.any():
            pixels[found] = _bytes(OUTCOME_COLOURS[outcome])
            entries[f"{outcome.value}: {100 * found.sum() / basins.trained:.1f} %"] = OUTCOME_COLOURS[outcome]
    scale = alt.Scale(domain=list(entries), range=list(entries.values()))
    key = alt.Color("entry:N", scale=scale, legend=alt.Legend(symbolOpacity=1, symbolType="square"))
    missing = basins.outcomes.size - basins.trained
    title = "outcome by start" + (f" ({missing:,} starts not trained)" if missing else "")
    return _map(basins, pixels, key, [{"entry": entry} for entry in entries], solution).properties(title=title)


def _steps(basins: BasinMap, solution: Start) -> Chart:
    pixels = cividis(1 - basins.steps / basins.steps_trained)
    pixels[(basins.steps == NEVER) | (basins.outcomes == "")] = _GREY
    scale = alt.Scale(domain=[0, basins.steps_trained], range=cividis_range(light_first=True))
    key = alt.Color("entry:Q", scale=scale, legend=gradient_legend("steps (grey: none)", ",~f", tickCount=4))
    return _map(basins, pixels, key, [{"entry": 0}], solution).properties(title="steps to success by start")


def _map(
    basins: BasinMap, pixels: np.ndarray, key: alt.Color, entries: list[Mapping[str, Any]], solution: Start
) -> Chart:
    """An image of the starts, and an invisible mark for each entry of the legend."""
    first, second = (f"{name} at the start" for name in basins.axes)
    place = x, y = plane_axes(basins.axes, [", ".join(filter(None, (first, _fixed(basins.fixed)))), second])
    corner = dict(zip(("x", "y"), (float(values[0]) for values in basins.axes.values()), strict=True))
    legend = alt.Chart(alt.InlineData(values=[corner | dict(entry) for entry in entries]))
    return alt.layer(
        image_layer(basins.axes, place, pixels),
        legend.mark_square(opacity=0).encode(x=x, y=y, color=key),
        *solution_layers(basins.axes, place, solution),
    )


def _bytes(colour: str) -> tuple[int, ...]:
    return (*bytes.fromhex(colour[1:]), 255)
