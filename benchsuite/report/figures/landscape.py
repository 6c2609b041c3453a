"""The picture of a landscape: the loss over the parameters, the paths on it, and where starts lead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path as File
from typing import TYPE_CHECKING, Any

import numpy as np

from benchsuite.report.figures.picture import COLOURS, DASHES, OUTCOME_COLOURS, save, tidy
from benchsuite.results import NEVER, BasinMap, LandscapeResult, Outcome, Surface, TrainingPath
from benchsuite.variants import Start

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Of the loss: from dark to light, even in lightness, and readable without colour vision.
_LOSS_COLOURS = "cividis"

#: Lines of equal loss on a surface.
_LEVELS = 24

#: Side of one panel in inches, and panels side by side for so many in all.
_PANEL, _COLUMNS = 5.0, {1: 1, 2: 2, 3: 3, 4: 2, 5: 3, 6: 3}


def draw_landscape(landscape: LandscapeResult, path: File) -> None:
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


def _caption(landscape: LandscapeResult) -> str:
    text = "loss on the evaluation data"
    if landscape.paths:
        steps = landscape.paths[0].trace.steps[-1]
        text += f"; paths of {steps:,} steps begin at the open mark, named starts on the data of seed 0"
    if landscape.basins:
        shape = " × ".join(str(len(values)) for values in landscape.basins.axes.values())
        text += f"; {shape} starts, all on the data of seed 0"
    return text


def _draw_surface(axes: Axes, surface: Surface, paths: Sequence[TrainingPath], solution: Start) -> None:
    if len(surface.axes) == 1:
        _draw_curve(axes, surface, paths, solution)
        return
    (x, xs), (y, ys) = surface.axes.items()
    levels, norm = _levels(surface.loss)
    loss = np.clip(np.nan_to_num(surface.loss, nan=np.inf), levels[0], levels[-1])
    filled = axes.contourf(xs, ys, loss, levels, cmap=_LOSS_COLOURS, norm=norm)
    axes.figure.colorbar(filled, ax=axes, label="loss", format="%.3g")
    for number, path in enumerate(paths):
        _draw_path(axes, surface, path, number)
    _mark_solution(axes, surface.axes, solution)
    axes.set_title(surface.title + _fixed(surface.fixed).lstrip(","))
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_xlim(xs[0], xs[-1])
    axes.set_ylim(ys[0], ys[-1])
    _legend(axes)


def _levels(loss: np.ndarray) -> tuple[np.ndarray, str]:
    """Levels of equal loss and their scale: even shares of the logarithm where the loss has one."""
    finite = loss[np.isfinite(loss)]
    if not len(finite):
        return np.array([0.0, 1.0]), "linear"
    low, high = float(np.quantile(finite, 0.002)), float(finite.max())
    if low <= 0 or low == high:
        return np.linspace(low, high + abs(high) * 1e-4 + 1e-9, _LEVELS), "linear"
    return np.geomspace(max(low, high * 1e-6), high * 1.0001, _LEVELS), "log"


def _legend(axes: Axes, handles: Sequence[Any] | None = None) -> None:
    found = handles if handles is not None else axes.get_legend_handles_labels()[0]
    if found:
        axes.legend(handles=found, fontsize="small", loc="best", framealpha=0.8)


def _draw_path(axes: Axes, surface: Surface, path: TrainingPath, number: int) -> None:
    """A line from a circle to a cross; thick and in the legend where the start is named."""
    names = list(surface.axes)
    x, y = (path.trace.parameters[0, :, path.names.index(name)] for name in names)
    colour, weight = OUTCOME_COLOURS[Outcome(path.outcome)], 2 if path.named else 1
    label = f"{path.label}: {path.outcome}" if path.named else f"seeds: {path.outcome}"
    if not _within(surface.axes, dict(zip(names, (x, y), strict=True))):
        label = _UNTOLD
    dash = DASHES[number % len(DASHES)] if path.named else "-"
    axes.plot(x, y, color="white", linewidth=weight + 1.5, zorder=3)
    axes.plot(x, y, color=colour, linestyle=dash, linewidth=weight, label=_once(axes, label), zorder=4)
    axes.plot(x[0], y[0], marker="o", markerfacecolor="white", color=colour, markersize=2 + 2 * weight, zorder=5)
    axes.plot(x[-1], y[-1], marker="X", color=colour, markeredgecolor="white", markersize=4 + 2 * weight, zorder=5)


#: Keeps what is drawn out of the legend.
_UNTOLD = "_"


def _once(axes: Axes, label: str) -> str:
    """The label, unless the legend has it already."""
    return _UNTOLD if label in axes.get_legend_handles_labels()[1] else label


def _within(axes: Mapping[str, np.ndarray], values: Mapping[str, np.ndarray]) -> bool:
    """Whether any of the points is inside of a panel."""
    inside = [(values[name] >= ends[0]) & (values[name] <= ends[-1]) for name, ends in axes.items()]
    return bool(np.all(inside, axis=0).any())


def _draw_curve(axes: Axes, surface: Surface, paths: Sequence[TrainingPath], solution: Start) -> None:
    ((name, values),) = surface.axes.items()
    axes.plot(values, surface.loss, color="0.35", linewidth=1.5, label="loss")
    for path in paths:
        _draw_points(axes, path)
    if solution and _within(surface.axes, {name: np.array([solution[name]])}):
        axes.axvline(solution[name], color=COLOURS[2], linestyle=":", label="solution")
    axes.set_title(surface.title)
    axes.set_xlabel(name)
    axes.set_ylabel("loss")
    axes.set_xlim(values[0], values[-1])
    finite = surface.loss[np.isfinite(surface.loss)]
    if len(finite):
        margin = 0.05 * (finite.max() - finite.min()) or 1
        axes.set_ylim(finite.min() - margin, finite.max() + margin)
    tidy(axes)


def _draw_points(axes: Axes, path: TrainingPath) -> None:
    """The evaluations of a path as points on the curve; the legend tells each kind of seed once."""
    label = f"{path.label}: {path.outcome}" if path.named else f"seeds: {path.outcome}"
    at, loss = path.trace.parameters[0, :, 0], path.trace.metrics["loss"][0]
    colour, marker, size = OUTCOME_COLOURS[Outcome(path.outcome)], "s" if path.named else "o", 5 if path.named else 4
    axes.plot(at, loss, marker, color=colour, markersize=size, markeredgecolor="white", markeredgewidth=0.4, zorder=3)
    axes.plot(at[:1], loss[:1], marker, color=colour, markersize=8, markerfacecolor="white", zorder=3)
    axes.plot([], [], marker, color=colour, markersize=size, label=_once(axes, label))


def _draw_outcomes(axes: Axes, basins: BasinMap, solution: Start) -> None:
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    seen = [outcome for outcome in Outcome if (basins.outcomes == outcome.value).any()]
    numbers = np.full(basins.outcomes.shape, np.nan)
    for number, outcome in enumerate(seen):
        numbers[basins.outcomes == outcome.value] = number
    colours = ListedColormap([OUTCOME_COLOURS[outcome] for outcome in seen])
    _draw_grid(axes, basins, numbers, cmap=colours, vmin=-0.5, vmax=len(seen) - 0.5)
    shares = [(basins.outcomes == outcome.value).sum() / basins.trained for outcome in seen]
    patches = [
        Patch(color=OUTCOME_COLOURS[outcome], label=f"{outcome.value}: {100 * share:.1f} %")
        for outcome, share in zip(seen, shares, strict=True)
    ]
    _legend(axes, patches + _mark_solution(axes, basins.axes, solution))
    missing = basins.outcomes.size - basins.trained
    axes.set_title("outcome by start" + (f" ({missing:,} starts not trained)" if missing else ""))


def _draw_steps(axes: Axes, basins: BasinMap, solution: Start) -> None:
    steps = np.where(basins.steps == NEVER, np.nan, basins.steps)
    axes.set_facecolor("0.8")
    _draw_grid(axes, basins, steps, cmap="viridis_r", vmin=0, vmax=basins.steps_trained)
    axes.figure.colorbar(axes.images[0], ax=axes, label="steps to success (grey: none)")
    _mark_solution(axes, basins.axes, solution)
    _legend(axes)
    axes.set_title("steps to success by start")


def _draw_grid(axes: Axes, basins: BasinMap, values: np.ndarray, **how: Any) -> None:
    (x, xs), (y, ys) = basins.axes.items()
    extent = (xs[0], xs[-1], ys[0], ys[-1])
    axes.imshow(values, origin="lower", extent=extent, aspect="auto", interpolation="nearest", **how)
    axes.set_xlabel(f"{x} at the start{_fixed(basins.fixed)}")
    axes.set_ylabel(f"{y} at the start")


def _mark_solution(axes: Axes, shown: Mapping[str, np.ndarray], solution: Start) -> list[Any]:
    """A star where the solution is inside of a panel; gives what stands for it in a legend."""
    if not solution or not _within(shown, {name: np.array([solution[name]]) for name in shown}):
        return []
    x, y = (solution[name] for name in shown)
    return axes.plot(x, y, "*", markersize=14, color="white", markeredgecolor="black", label="solution", zorder=6)


def _fixed(fixed: Start) -> str:
    return "".join(f", {name} = {value:g}" for name, value in fixed.items())
