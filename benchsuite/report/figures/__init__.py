"""Figures: the charts of a run, each defined once in Altair; importing them needs the extra `report`.

In: summaries and results.
Out: a chart with its numbers as a table and its description, drawn on the page or into a file.
"""

from benchsuite.report.figures.curves import learning_figure
from benchsuite.report.figures.errors import largest_error_figure, r2_figure
from benchsuite.report.figures.figure import CONFIG, OUTCOME_COLOURS, ChartFigure, chart_data, series_colour, share_axis
from benchsuite.report.figures.picture import (
    draw_heatmap,
    draw_ladder,
    draw_landscape,
    draw_sweep,
    draw_thresholds,
    draw_training,
    render_png,
    render_svg,
)
from benchsuite.report.figures.rates import changes_figure, rates_figure
from benchsuite.report.figures.starts import starts_figures
from benchsuite.report.figures.times import cost_figure, rounds_figure, success_figure
from benchsuite.report.figures.treatments import ladder_figures, sweep_figures, treatments_figure

__all__ = [
    "CONFIG",
    "OUTCOME_COLOURS",
    "ChartFigure",
    "changes_figure",
    "chart_data",
    "cost_figure",
    "draw_heatmap",
    "draw_ladder",
    "draw_landscape",
    "draw_sweep",
    "draw_thresholds",
    "draw_training",
    "ladder_figures",
    "largest_error_figure",
    "learning_figure",
    "r2_figure",
    "rates_figure",
    "render_png",
    "render_svg",
    "rounds_figure",
    "series_colour",
    "share_axis",
    "starts_figures",
    "success_figure",
    "sweep_figures",
    "treatments_figure",
]
