"""The picture of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchsuite.errors import OptionError
from benchsuite.report.figures.picture import COLOURS, DASHES, save, tidy
from benchsuite.report.terminal import UNTREATED, group_sweeps, option_of
from benchsuite.results import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_sweep(summaries: Sequence[Summary], path: Path) -> None:
    """Draw the rate and the time to success at every value, with their intervals, into one file.

    Raises:
        OptionError: no option was swept over, the ending is not known, or the file cannot be written.
    """
    from matplotlib.figure import Figure

    swept = group_sweeps(summaries)
    if not swept:
        raise OptionError("no option of this run was swept over", "add --sweep to a run, or draw another picture")
    panels: dict[tuple[str, str], list[list[Summary]]] = {}
    for of in swept.values():
        panels.setdefault((of[0].case, option_of(of[0])), []).append(of)
    figure = Figure(figsize=(11, 3.6 * len(panels) + 0.4), layout="constrained")
    rows = figure.subplots(len(panels), 2, sharex="row", squeeze=False)
    for (rate, time), (place, curves) in zip(rows, panels.items(), strict=True):
        _draw_panels(rate, time, *place, curves)
    figure.supxlabel(
        "bands: 95 % intervals; time: the median over the seeds, where half of them converged, and, dotted, the"
        " expected steps per success",
        size="small",
    )
    save(figure, path)


def _draw_panels(rate: Axes, time: Axes, case: str, option: str, curves: Sequence[Sequence[Summary]]) -> None:
    """One case under one option: a curve for each treatment."""
    for number, of in enumerate(curves):
        style = {"color": COLOURS[number % len(COLOURS)], "linestyle": DASHES[number // len(COLOURS) % len(DASHES)]}
        values = np.array([summary.setting[option] for summary in of])
        _draw_rate(rate, values, of, of[0].treatment or UNTREATED, style)
        _draw_time(time, values, of, style)
    for axes, label in ((rate, "share that converged"), (time, "steps to success")):
        axes.set_title(f"{case}, {curves[0][0].seeds:,} seeds", fontsize="medium")
        axes.set_xlabel(option)
        axes.set_ylabel(label)
        axes.set_xscale(_scale([summary.setting[option] for of in curves for summary in of]))
        tidy(axes)
    rate.set_ylim(-0.02, 1.05)
    steps = curves[0][0].time_to_success
    time.set_yscale("log")
    time.set_ylim(0.8 * steps["resolution"], 10 * steps["censored_at"])  # also where no value has a median


def _scale(values: Sequence[float]) -> str:
    """Logarithmic where the values span more than an order of magnitude."""
    low, high = min(values), max(values)
    return "log" if low > 0 and high >= 10 * low else "linear"


def _draw_rate(axes: Axes, values: np.ndarray, of: Sequence[Summary], label: str, style: dict[str, str]) -> None:
    low, high = np.transpose([summary.rate_interval for summary in of])
    axes.plot(values, [summary.rate for summary in of], marker="o", markersize=4, label=label, **style)  # type: ignore[arg-type]  # a style
    axes.fill_between(values, low, high, color=style["color"], alpha=0.2, linewidth=0)


def _draw_time(axes: Axes, values: np.ndarray, of: Sequence[Summary], style: dict[str, str]) -> None:
    def steps(value: float | None) -> float:
        return np.nan if value is None else value

    median = [steps(summary.time_to_success["median"]) for summary in of]
    expected = [steps(summary.time_to_success["expected_running_time"]) for summary in of]
    low, high = np.transpose([[steps(end) for end in summary.time_to_success["median_interval"]] for summary in of])
    axes.plot(values, expected, linestyle=":", color=style["color"])
    axes.plot(values, median, marker="o", markersize=4, **style)  # type: ignore[arg-type]  # a style
    axes.fill_between(values, low, high, color=style["color"], alpha=0.2, linewidth=0)
