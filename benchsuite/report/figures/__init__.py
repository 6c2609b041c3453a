"""Figures: the charts of a run, each defined once.

In: summaries and results.
Out: a chart, its numbers as a table, and its text; drawn on the page or into a file.
"""

from benchsuite.report.figures.changes import changes_figure
from benchsuite.report.figures.errors import largest_error_figure, r2_figure
from benchsuite.report.figures.figure import Figure, case_colour, chart_data, share_axis
from benchsuite.report.figures.heatmap import draw_heatmap
from benchsuite.report.figures.ladder import draw_ladder
from benchsuite.report.figures.landscape import draw_landscape
from benchsuite.report.figures.learning import learning_figure
from benchsuite.report.figures.picture import COLOURS, DASHES, check_path, save, tidy
from benchsuite.report.figures.rates import outcomes_figure, rates_figure
from benchsuite.report.figures.starts import starts_figures
from benchsuite.report.figures.sweep import draw_sweep
from benchsuite.report.figures.times import cost_figure, rounds_figure, success_figure
from benchsuite.report.figures.training import draw_training, replay_diagnostics, replay_table
from benchsuite.report.figures.treatments import sweep_figures, treatments_figure

__all__ = [
    "COLOURS",
    "DASHES",
    "Figure",
    "case_colour",
    "changes_figure",
    "chart_data",
    "check_path",
    "cost_figure",
    "draw_heatmap",
    "draw_ladder",
    "draw_landscape",
    "draw_sweep",
    "draw_training",
    "largest_error_figure",
    "learning_figure",
    "outcomes_figure",
    "r2_figure",
    "rates_figure",
    "replay_diagnostics",
    "replay_table",
    "rounds_figure",
    "save",
    "share_axis",
    "starts_figures",
    "success_figure",
    "sweep_figures",
    "tidy",
    "treatments_figure",
]
