"""The picture of treatments: the rate of every case under each of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchsuite.errors import OptionError
from benchsuite.report.figures.picture import save
from benchsuite.report.terminal import UNTREATED, Inapplicable, cells_of
from benchsuite.results import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Of the rate: even in lightness, and readable without colour vision.
_COLOURS = "cividis"

#: Inches of one cell.
_WIDTH, _HEIGHT = 1.75, 0.42


def draw_heatmap(summaries: Sequence[Summary], inapplicable: Sequence[Inapplicable], path: Path) -> None:
    """Draw the rate of every case under each treatment, with its interval, into one file.

    Raises:
        OptionError: nothing was treated, the ending is not known, or the file cannot be written.
    """
    from matplotlib.figure import Figure

    cells = cells_of(summaries)
    if not any(treatment for _, treatment in cells):
        raise OptionError("no case of this run was treated", "add --treatment to a run, or draw another picture")
    cases = list(dict.fromkeys(case for case, _ in cells))
    names = list(dict.fromkeys(name for _, name in cells))
    rates = np.array(
        [[cells[case, name].rate if (case, name) in cells else np.nan for case in cases] for name in names]
    )
    size = (3 + _WIDTH * len(cases), 1.4 + _HEIGHT * len(names))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(rates, cmap=_COLOURS, vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(cases)), [case.replace(" (", "\n(") for case in cases])
    axes.set_yticks(range(len(names)), [name or UNTREATED for name in names])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    refused = {(case, name) for case, name, _ in inapplicable}
    for row, name in enumerate(names):
        for column, case in enumerate(cases):
            _write(axes, column, row, cells.get((case, name)), (case.partition(" (")[0], name) in refused)
    figure.colorbar(image, ax=axes, label="share of the seeds that converged", fraction=0.03)
    seeds = sorted({summary.seeds for summary in cells.values()})
    figure.supxlabel(
        f"rate and its 95 % interval in percent; {' to '.join(f'{n:,}' for n in sorted({seeds[0], seeds[-1]}))} seeds",
        fontsize="small",
        color="0.35",
    )
    save(figure, path)


def _write(axes: Axes, column: int, row: int, summary: Summary | None, refused: bool) -> None:
    if summary is None:
        axes.text(column, row, "does not apply" if refused else "-", ha="center", va="center", size=7, color="0.5")
        return
    low, high = (f"{100 * end:.1f}" for end in summary.rate_interval)
    colour = "black" if summary.rate > 1 / 2 else "white"
    axes.text(column, row, f"{100 * summary.rate:.1f}  ({low}–{high})", ha="center", va="center", size=8, color=colour)
