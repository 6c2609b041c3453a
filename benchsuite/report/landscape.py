"""The picture of a landscape: the loss over the parameters, the paths on it, and where starts lead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path as File
from typing import TYPE_CHECKING, Any

import numpy as np

from benchsuite.landscape import Basins, Landscape, Path, Surface
from benchsuite.outcome import NEVER, Outcome
from benchsuite.report.picture import COLOURS, OUTCOME_COLOURS, save, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Of the loss: from dark to light, even in lightness, and readable without colour vision.
_LOSS_COLOURS = "cividis"

#: Lines of equal loss on a surface.
_LEVELS = 24

_DASHES = ("-", "--", ":", "-.")

#: Side of one panel in inches, and panels side by side for so many in all.
_PANEL, _COLUMNS = 5.0, {1: 1, 2: 2, 3: 3, 4: 2, 5: 3, 6: 3}


def draw_landscape(landscape: Landscape, path: File) -> None:
    """Draw every part of a landscape into one file, in the format that its ending says.

    Raises:
        OptionError: the ending is not known, or the file cannot be written.
    """
    from matplotlib.figure import Figure

    surfaces, basins, solution = landscape.surfaces, landscape.basins, landscape.solution
    count = len(surfaces) + (2 if basins else 0)
    columns = _COLUMNS.get(count, 4)
    rows = -(-count // columns)
    figure = Figure(figsize=(_PANEL * columns, 0.85 * _PANEL * rows), layout="constrained")
    figure.suptitle(landscape.title)
    figure.supxlabel(_caption(landscape), fontsize="small", color="0.35")
    panels = [figure.add_subplot(rows, columns, number + 1) for number in range(count)]
    for axes, surface in zip(panels, surfaces, strict=False):
        _draw_surface(axes, surface, landscape.paths, solution)
    if basins:
        _draw_outcomes(panels[-2], basins, solution)
        _draw_steps(panels[-1], basins, solution)
    save(figure, path)


def _caption(landscape: Landscape) -> str:
    text = "loss on the evaluation data"
    if landscape.paths:
        text += f"; paths from ○ to ×, {landscape.paths[0].trace.steps[-1]:,} steps; named starts on the data of seed 0"
    if landscape.basins:
        shape = " × ".join(str(len(values)) for values in landscape.basins.axes.values())
        text += f"; {shape} starts, all on the data of seed 0"
    return text


def _draw_surface(axes: Axes, surface: Surface, paths: Sequence[Path], solution: Mapping[str, float]) -> None:
    if len(surface.axes) == 1:
        _draw_curve(axes, surface, paths, solution)
        return
    (x, xs), (y, ys) = surface.axes.items()
    levels = _levels(surface.loss)
    loss = np.clip(surface.loss, levels[0], levels[-1])
    filled = axes.contourf(xs, ys, loss, levels, cmap=_LOSS_COLOURS, norm="log")
    axes.figure.colorbar(filled, ax=axes, label="loss", format="%.3g")
    for number, path in enumerate(paths):
        _draw_path(axes, surface, path, number)
    _mark_solution(axes, solution, x, y)
    _name_axes(axes, surface, x, y)
    axes.set_xlim(xs[0], xs[-1])
    axes.set_ylim(ys[0], ys[-1])
    if paths or solution:
        axes.legend(fontsize="small", loc="best", framealpha=0.8)


def _levels(loss: np.ndarray) -> np.ndarray:
    """Levels at even shares of the logarithm, from the smallest loss worth telling apart to the largest."""
    finite = loss[np.isfinite(loss) & (loss > 0)]
    low, high = np.quantile(finite, (0.002, 1.0))
    return np.geomspace(max(low, high * 1e-6), high * 1.0001, _LEVELS)


def _draw_path(axes: Axes, surface: Surface, path: Path, number: int) -> None:
    """A line from a circle to a cross; thick and in the legend where the start is named."""
    names = list(surface.axes)
    x, y = (path.trace.parameters[0, :, path.names.index(name)] for name in names)
    colour, weight = OUTCOME_COLOURS[Outcome(path.outcome)], 2 if path.named else 1
    label = f"{path.label}: {path.outcome}" if path.named else None
    dash = _DASHES[number % len(_DASHES)] if path.named else "-"
    axes.plot(x, y, color="white", linewidth=weight + 1.5, zorder=3)
    axes.plot(x, y, color=colour, linestyle=dash, linewidth=weight, label=label, zorder=4)
    axes.plot(x[0], y[0], marker="o", markerfacecolor="white", color=colour, markersize=2 + 2 * weight, zorder=5)
    axes.plot(x[-1], y[-1], marker="X", color=colour, markeredgecolor="white", markersize=4 + 2 * weight, zorder=5)


def _draw_curve(axes: Axes, surface: Surface, paths: Sequence[Path], solution: Mapping[str, float]) -> None:
    ((name, values),) = surface.axes.items()
    axes.plot(values, surface.loss, color="0.35", linewidth=1.5, label="loss")
    told: set[str] = set()
    for path in paths:
        _draw_points(axes, path, told)
    if solution and values[0] <= solution[name] <= values[-1]:
        axes.axvline(solution[name], color=COLOURS[2], linestyle=":", label="solution")
    axes.set_title(surface.title)
    axes.set_xlabel(name)
    axes.set_ylabel("loss")
    axes.set_xlim(values[0], values[-1])
    low, high = surface.loss.min(), surface.loss.max()
    axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    tidy(axes)


def _draw_points(axes: Axes, path: Path, told: set[str]) -> None:
    """The evaluations of a path as points on the curve; the legend tells each kind of seed once."""
    label = f"{path.label}: {path.outcome}" if path.named else f"a seed: {path.outcome}"
    at, loss = path.trace.parameters[0, :, 0], path.trace.metrics["loss"][0]
    colour, marker, size = OUTCOME_COLOURS[Outcome(path.outcome)], "s" if path.named else "o", 5 if path.named else 4
    axes.plot(at, loss, marker, color=colour, markersize=size, markeredgecolor="white", markeredgewidth=0.4, zorder=3)
    axes.plot(at[:1], loss[:1], marker, color=colour, markersize=8, markerfacecolor="white", zorder=3)
    axes.plot([], [], marker, color=colour, markersize=size, label=None if label in told else label)
    told.add(label)


def _draw_outcomes(axes: Axes, basins: Basins, solution: Mapping[str, float]) -> None:
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    seen = [outcome for outcome in Outcome if (basins.outcomes == outcome.value).any()]
    numbers = np.full(basins.outcomes.shape, np.nan)
    for number, outcome in enumerate(seen):
        numbers[basins.outcomes == outcome.value] = number
    colours = ListedColormap([OUTCOME_COLOURS[outcome] for outcome in seen])
    x, y = _draw_grid(axes, basins, numbers, cmap=colours, vmin=-0.5, vmax=len(seen) - 0.5)
    shares = [(basins.outcomes == outcome.value).sum() / basins.trained for outcome in seen]
    patches = [
        Patch(color=OUTCOME_COLOURS[outcome], label=f"{outcome.value}: {100 * share:.1f} %")
        for outcome, share in zip(seen, shares, strict=True)
    ]
    handles = patches + _mark_solution(axes, solution, x, y)
    axes.legend(handles=handles, fontsize="small", loc="best", framealpha=0.8)
    missing = basins.outcomes.size - basins.trained
    axes.set_title("outcome by start" + (f" ({missing:,} starts not trained)" if missing else ""))


def _draw_steps(axes: Axes, basins: Basins, solution: Mapping[str, float]) -> None:
    steps = np.where(basins.steps == NEVER, np.nan, basins.steps)
    axes.set_facecolor("0.8")
    x, y = _draw_grid(axes, basins, steps, cmap="viridis_r", vmin=0, vmax=basins.steps_trained)
    axes.figure.colorbar(axes.images[0], ax=axes, label="steps to success (grey: none)")
    if _mark_solution(axes, solution, x, y):
        axes.legend(fontsize="small", loc="best", framealpha=0.8)
    axes.set_title("steps to success by start")


def _draw_grid(axes: Axes, basins: Basins, values: np.ndarray, **how: Any) -> tuple[str, str]:
    (x, xs), (y, ys) = basins.axes.items()
    extent = (xs[0], xs[-1], ys[0], ys[-1])
    axes.imshow(values, origin="lower", extent=extent, aspect="auto", interpolation="nearest", **how)
    fixed = _fixed(basins.fixed)
    axes.set_xlabel(f"{x} at the start{fixed}")
    axes.set_ylabel(f"{y} at the start")
    return x, y


def _mark_solution(axes: Axes, solution: Mapping[str, float], x: str, y: str) -> list[Any]:
    if not solution:
        return []
    return axes.plot(
        solution[x],
        solution[y],
        marker="*",
        markersize=14,
        color="white",
        markeredgecolor="black",
        linestyle="none",
        label="solution",
        zorder=6,
    )


def _name_axes(axes: Axes, surface: Surface, x: str, y: str) -> None:
    axes.set_title(surface.title + _fixed(surface.fixed).lstrip(","))
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def _fixed(fixed: Any) -> str:
    return "".join(f", {name} = {value:g}" for name, value in fixed.items())
