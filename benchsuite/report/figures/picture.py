"""Charts in files: compositions of the charts of the page, rendered by vl-convert."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert

from benchsuite.errors import OptionError
from benchsuite.report import check_path
from benchsuite.report.figures.curves import training_charts
from benchsuite.report.figures.errors import largest_error_figure, r2_figure
from benchsuite.report.figures.figure import INK, ChartFigure, specification
from benchsuite.report.figures.landscape import caption_of, landscape_charts
from benchsuite.report.figures.times import success_figure
from benchsuite.report.figures.treatments import ladder_figures, sweep_panels, treatments_figure
from benchsuite.report.terminal import Inapplicable
from benchsuite.results import LandscapeResult, Result, Summary, Trace

#: Width and height of one chart of several, in pixels.
_WIDTH, _HEIGHT = 380, 300

#: Width of a column of the heat map.
_CELL = 120

#: Charts side by side by their number; four beyond.
_COLUMNS = {1: 1, 2: 2, 3: 3, 4: 2, 5: 3, 6: 3}

#: Colour of text and lines on white, and pixels of a PNG for each of the chart.
_DARK, _SCALE = "#222222", 2


def draw_thresholds(results: Sequence[Result], path: Path) -> None:
    """Draw the distributions of 1 - R² and of the largest error, and the success curves, side by side.

    Raises:
        OptionError: the ending of the path is unknown, or the file cannot be written.
    """
    figures = filter(None, (r2_figure(results), largest_error_figure(results)))
    success = success_figure([result.summary for result in results])
    charts = [_sized(figure) for figure in (*figures, success)]
    save(alt.hconcat(*charts), path, "Final errors and time to success", [_seeds([r.summary for r in results])])


def draw_heatmap(summaries: Sequence[Summary], inapplicable: Sequence[Inapplicable], path: Path) -> None:
    """Draw the rate of each case under each treatment.

    Raises:
        OptionError: nothing was treated, the ending is unknown, or the file cannot be written.
    """
    figure = treatments_figure(summaries, inapplicable)
    if figure is None:
        raise OptionError("no case of this run was treated", "add --treatment to a run, or draw another picture")
    cases = len({summary.untreated_label for summary in summaries if not summary.setting})
    chart = figure.chart.properties(width=_CELL * max(cases, 3), height=figure.line * len(figure.lines))
    save(chart, path, figure.title, [_seeds(summaries)])


def draw_ladder(summaries: Sequence[Summary], path: Path) -> None:
    """Draw the rate over the option of each ladder, side by side, with the published rates.

    Raises:
        OptionError: there are no two cases of a ladder, the ending is unknown, or the file cannot be written.
    """
    figures = ladder_figures(summaries)
    if not figures:
        raise OptionError("no two cases of this run are of one ladder", "run a ladder, or draw another picture")
    charts = [_sized(figure).properties(title=figure.title) for figure in figures]
    grid = alt.concat(*charts, columns=_COLUMNS.get(len(charts), 4))
    apart = grid.resolve_scale(color="independent", strokeDash="independent", shape="independent")
    save(apart, path, "Convergence rate", [_seeds(summaries), "bars: 95 % intervals"])


def draw_sweep(summaries: Sequence[Summary], path: Path) -> None:
    """Draw the rate and the steps to success over each swept option, a row for each case and option.

    Raises:
        OptionError: no option was swept over, the ending is unknown, or the file cannot be written.
    """
    panels = sweep_panels(summaries)
    if not panels:
        raise OptionError("no option of this run was swept over", "add --sweep to a run, or draw another picture")
    rows = [
        alt.hconcat(*(chart.properties(width=_WIDTH, height=_HEIGHT) for chart in charts), title=title)
        for title, *charts in panels
    ]
    chart = alt.vconcat(*rows).resolve_scale(color="independent", strokeDash="independent")
    save(chart, path, "Convergence rate and steps to success", ["bands: 95 % intervals"])


def draw_training(trace: Trace, parameter_names: Sequence[str], title: str, metric: str, path: Path) -> None:
    """Draw the loss above the parameters or the metric of one training.

    Args:
        trace: of one seed.
        parameter_names: of `trace.parameters`; if empty, the metric takes their chart.
        title: of the picture.
        metric: name of the criterion's metric.
        path: file to write.

    Raises:
        OptionError: the ending is unknown, or the file cannot be written.
    """
    charts = [
        chart.properties(width=1.4 * _WIDTH, height=0.6 * _HEIGHT)
        for chart in training_charts(trace, parameter_names, metric)
    ]
    shared = alt.vconcat(*charts).resolve_scale(x="shared", color="independent", strokeDash="independent")
    save(shared, path, title)


def draw_landscape(landscape: LandscapeResult, path: Path) -> None:
    """Draw all surfaces and basin maps of a landscape.

    Raises:
        OptionError: the ending is unknown, or the file cannot be written.
    """
    charts = [chart.properties(width=_WIDTH, height=_HEIGHT) for chart in landscape_charts(landscape)]
    own: dict[str, Any] = dict.fromkeys(("color", "stroke", "strokeDash", "shape"), "independent")
    grid = alt.concat(*charts, columns=_COLUMNS.get(len(charts), 4)).resolve_scale(**own)
    save(grid, path, landscape.title, caption_of(landscape))


def _sized(figure: ChartFigure) -> Any:
    return figure.chart.properties(width=_WIDTH, height=_HEIGHT)


def _seeds(summaries: Sequence[Summary]) -> str:
    numbers = sorted({summary.seeds for summary in summaries})
    return " to ".join(f"{number:,}" for number in dict.fromkeys((numbers[0], numbers[-1]))) + " seeds"


def save(chart: Any, path: Path, title: str, subtitle: Sequence[str] = ()) -> None:
    """Render a chart into a file, in the format that its ending names.

    Args:
        chart: Altair chart with sizes in pixels.
        path: file to write.
        title: of the picture.
        subtitle: lines below the title.

    Raises:
        OptionError: the ending is unknown, or the file cannot be written.
    """
    check_path(path)
    titled = chart.properties(
        title=alt.TitleParams(title, subtitle=list(subtitle), anchor="start", offset=12), padding=12
    )
    content = _render(specification(titled), path.suffix.lower())
    try:
        path.write_bytes(content)
    except OSError as error:
        raise OptionError(f"{path} cannot be written: {error.strerror}", "choose a folder that exists") from error


def render_svg(figure: ChartFigure, width: int) -> str:
    """Render a figure of the page as SVG on white, `width` pixels wide."""
    return _render({**figure.spec(), "width": width, "padding": 12}, ".svg").decode()


def render_png(figure: ChartFigure, width: int) -> bytes:
    """Render a figure of the page as PNG on white, `width` pixels wide, at twice the resolution."""
    return _render({**figure.spec(), "width": width, "padding": 12}, ".png")


def _render(spec: dict[str, Any], ending: str) -> bytes:
    """Render a specification on white; no address is loaded."""
    spec = json.loads(json.dumps(spec).replace(INK, _DARK)) | {"background": "white"}
    if ending == ".png":
        return vl_convert.vegalite_to_png(spec, scale=_SCALE, allowed_base_urls=[])
    if ending == ".pdf":
        return vl_convert.vegalite_to_pdf(spec, allowed_base_urls=[])
    return vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]).encode()
