"""The picture of one training: loss on a log axis over the parameters, by step.

Source of the form: the figure "ReLU learning ReLU" of https://stats.stackexchange.com/questions/379884.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchsuite.errors import OptionError, near_matches
from benchsuite.trace import Trace

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

#: Endings of picture files, and so their formats.
ENDINGS = (".pdf", ".png", ".svg")

# Okabe and Ito's colours, which people with any colour vision tell apart; https://jfly.uni-koeln.de/color/
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")


def check_path(path: Path) -> None:
    """Refuse a file that no picture can be drawn into, before anything is trained for it.

    Raises:
        OptionError: its ending is none of `ENDINGS`, or its folder does not exist.
    """
    if path.suffix.lower() not in ENDINGS:
        raise OptionError(f"{path} has the ending {path.suffix!r}", near_matches(path.suffix, ENDINGS))
    if not path.parent.is_dir():
        raise OptionError(f"the folder of {path} does not exist", "choose one that does")


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
    check_path(path)
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
    try:
        figure.savefig(path, dpi=160)
    except OSError as error:
        raise OptionError(f"{path} cannot be written: {error.strerror}", "choose a folder that exists") from error


def _draw_loss(axes: Axes, trace: Trace) -> None:
    axes.plot(trace.steps, trace.metrics["loss"][0], color=_COLOURS[0], marker="o", markersize=3, label="evaluation")
    axes.plot(trace.steps, trace.train["loss"][0], color=_COLOURS[1], linestyle="--", label="training")
    axes.set_yscale("log")
    axes.set_ylabel("loss")
    _tidy(axes)


def _draw_lines(axes: Axes, steps: np.ndarray, values: Iterable[np.ndarray], names: Sequence[str], label: str) -> None:
    for number, (line, name) in enumerate(zip(values, names, strict=True)):
        colour, dash = _COLOURS[number % len(_COLOURS)], ("-", "--")[number // len(_COLOURS) % 2]
        axes.plot(steps, line, color=colour, linestyle=dash, marker="o", markersize=3, label=name)
    axes.set_ylabel(label)
    _tidy(axes)


def _tidy(axes: Axes) -> None:
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
