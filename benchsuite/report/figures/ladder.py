"""The picture of a run: how small an error is reached how often, and how soon."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchsuite.report.figures.picture import COLOURS, DASHES, save, tidy
from benchsuite.results import R2_LADDER, Result, Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Below this, 1 - R² in single precision is rounding.
_ROUNDING = float(np.finfo(np.float32).eps)


def draw_ladder(results: Sequence[Result], path: Path) -> None:
    """Draw the distribution functions over the seeds of every case into one file.

    Three panels: 1 - R² and the largest error when training ends, and the Kaplan-Meier curve of the steps to success
    with its interval.

    Raises:
        OptionError: the ending is not known, or the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 5), layout="constrained")
    figure.suptitle("How small an error, how often, how soon")
    r2, error, time = figure.subplots(1, 3)
    for number, (summary, rows, *_) in enumerate(results):
        style = {"color": COLOURS[number % len(COLOURS)], "linestyle": DASHES[number // len(COLOURS) % len(DASHES)]}
        _draw_distribution(r2, 1 - rows.final["r2"], f"{summary.label}, {summary.seeds:,} seeds", style)
        _draw_distribution(error, rows.final["largest_error"], summary.label, style)
        _draw_time(time, summary, style)
    for threshold in R2_LADDER:
        r2.axvline(1 - threshold, color="0.8", linewidth=0.8, zorder=0)
    _name(r2, "1 - R² ≤", "share of the seeds")
    _name(error, "largest absolute error ε ≤", "share of the seeds")
    _name(time, "share of the schedule", "share that has succeeded")
    save(figure, path)


def _draw_distribution(axes: Axes, values: np.ndarray, label: str, style: dict[str, Any]) -> None:
    """A step for every seed; those that diverged never come below anything."""
    finite = np.sort(np.maximum(values[np.isfinite(values)], _ROUNDING))
    shares = np.arange(1, len(finite) + 1) / len(values)
    ends = (finite[-1] * 2, shares[-1]) if len(finite) else (np.nan, np.nan)
    axes.step(np.append(finite, ends[0]), np.append(shares, ends[1]), where="post", label=label, **style)
    axes.set_xscale("log")


def _draw_time(axes: Axes, summary: Summary, style: dict[str, Any]) -> None:
    curve, end = summary.time_to_success["curve"], summary.time_to_success["censored_at"]
    times = [0, *(time / end for time in curve["times"]), 1]
    share, low, high = ([0, *curve[name], *(curve[name][-1:] or [0])] for name in ("share", "low", "high"))
    axes.step(times, share, where="post", label=f"{summary.label}, of {end:,} steps", **style)
    axes.fill_between(times, low, high, step="post", color=style["color"], alpha=0.15, linewidth=0)


def _name(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_ylim(-0.02, 1.02)
    tidy(axes)
