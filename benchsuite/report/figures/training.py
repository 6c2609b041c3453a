"""The evaluations of one training, as a table for a terminal and as a picture.

Source of the picture's form: the figure "ReLU learning ReLU" of https://stats.stackexchange.com/questions/379884.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.table import Table

from benchsuite.report.figures.picture import COLOURS, save, tidy
from benchsuite.report.terminal import Column, number, table
from benchsuite.results import Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def replay_table(trace: Trace, parameter_names: Sequence[str]) -> Table:
    """One line for each evaluation of the first seed of `trace`."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    training = [f"training {name}" for name in trace.train]
    for title in ("step", *training, *trace.metrics, "|gradient|", *parameter_names):
        table.add_column(title, justify="right")
    for when, step in enumerate(trace.steps):
        values = [metric[0, when] for metric in (*trace.train.values(), *trace.metrics.values())]
        values += [trace.gradient_norm[0, when], *trace.parameters[0, when]]
        table.add_row(f"{step:,}", *("-" if np.isnan(value) else f"{value:.6g}" for value in values))
    return table


def replay_diagnostics(trace: Trace, facts: Mapping[str, float], readings: Mapping[str, str]) -> Table:
    """One line for each diagnostic of the first seed of `trace`, and for each of its data."""
    values = {**{name: float(column[0]) for name, column in trace.diagnostics.items()}, **facts}
    return table(
        [(name, values[name]) for name in readings],
        [
            Column("figure", lambda item: item[0], "left"),
            Column("value", lambda item: number(item[1]), style="bold"),
            Column("how to read it", lambda item: readings[item[0]], "left", folds=True),
        ],
    )


def draw_training(trace: Trace, parameter_names: Sequence[str], title: str, metric: str, path: Path) -> None:
    """Draw the first seed of `trace` into a file, in the format that its ending says.

    Args:
        trace: of one seed.
        parameter_names: of `trace.parameters`; where there are none, the criterion's metric takes their panel.
        title: above the picture.
        metric: the criterion's metric.
        path: the file.

    Raises:
        OptionError: the ending is not known, or the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 5), layout="constrained")
    above, below = figure.subplots(2, sharex=True)
    figure.suptitle(title)
    _draw_loss(above, trace)
    if parameter_names:
        _draw_lines(below, trace.steps, trace.parameters[0].T, parameter_names, "parameters")
    else:
        _draw_lines(below, trace.steps, trace.metrics[metric], [metric], metric)
    below.set_xlabel("optimiser steps")
    save(figure, path)


def _draw_loss(axes: Axes, trace: Trace) -> None:
    axes.plot(trace.steps, trace.metrics["loss"][0], color=COLOURS[0], marker="o", markersize=3, label="evaluation")
    axes.plot(trace.steps, trace.train["loss"][0], color=COLOURS[1], linestyle="--", label="training")
    axes.set_yscale("log")
    axes.set_ylabel("loss")
    tidy(axes)


def _draw_lines(axes: Axes, steps: np.ndarray, values: Iterable[np.ndarray], names: Sequence[str], label: str) -> None:
    for order, (line, name) in enumerate(zip(values, names, strict=True)):
        colour, dash = COLOURS[order % len(COLOURS)], ("-", "--")[order // len(COLOURS) % 2]
        axes.plot(steps, line, color=colour, linestyle=dash, marker="o", markersize=3, label=name)
    axes.set_ylabel(label)
    tidy(axes)
