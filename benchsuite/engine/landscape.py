"""Compute landscapes: evaluate a grid of parameters, train named starts, some seeds and a grid of starts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import combinations

import numpy as np

from benchsuite.case import Case
from benchsuite.engine.ensemble import Ensemble, OnProgress, scale_progress
from benchsuite.engine.model import parameter_names
from benchsuite.engine.problem import Problem
from benchsuite.errors import CaseError, OptionError, near_matches
from benchsuite.results import NEVER, BasinMap, Surface, Trace, TrainingPath, classify, steps_to_success
from benchsuite.settings import TrainingSettings
from benchsuite.system import machine
from benchsuite.variants import Start, start_values

#: Models with at most this many parameters have a curve or a surface; larger ones, planes through a solution.
SURFACE = 2

#: Approximate number of evaluations of a path.
PATH_POINTS = 100

#: Bytes of one point of a grid while a landscape is computed and drawn.
BYTES_PER_POINT = 200

#: Points along each axis of a landscape on a page.
PAGE_GRID = 40

#: Margin of a picture around the paths, as a share of their extent.
MARGIN = 0.15

#: Largest absolute value of a parameter that every picture includes.
REACH = 2.0

Range = tuple[float, float]


class LandscapeEvaluator:
    """Computes the landscapes of a case.

    Args:
        case: a case with a landscape, see `has_landscape`.
        settings: options of the training.
        grid: points along each axis.

    Raises:
        OptionError: the grid exceeds the memory.
        CaseError: a start or parameter that the case names does not exist.
    """

    def __init__(self, case: Case, settings: TrainingSettings, grid: int) -> None:
        self.case, self._grid, self._settings = case, grid, settings
        self._names = parameter_names(case)
        self._devices = machine.devices(settings.platform)
        self._check()
        self.problem = Problem.load(case, settings)

    def _check(self) -> None:
        start_values(self.case, self.case.starts, self._names)
        place = self.case.landscape
        if solution := self.case.solution_values:
            start_values(self.case, {"solution": solution}, self._names)
        for name in {**place.ranges, **place.close_up, **place.basins}:
            if name not in self._names:
                raise CaseError(
                    f"case {self.case.name}: its landscape names {name!r}, which is not a parameter",
                    near_matches(name, self._names),
                )
        if place.close_up and set(place.close_up) != set(self._names):
            raise CaseError(
                f"case {self.case.name}: the close-up of its landscape covers only {', '.join(place.close_up)}",
                f"give the range of each of {', '.join(self._names)}",
            )
        needed, free = self._grid ** min(len(self._names), SURFACE) * BYTES_PER_POINT, machine.free_memory()
        if needed > free:
            raise OptionError(
                f"a grid of {self._grid:,} points along each axis needs about {needed / 1e9:,.0f} GB of memory,"
                f" {free / 1e9:,.0f} GB are free",
                "choose a smaller --grid",
            )

    @property
    def _solution(self) -> Start:
        return self.case.solution_values

    @property
    def _ordered(self) -> Sequence[str]:
        """The parameters in the order of the case's ranges, else of the model."""
        ranges = self.case.landscape.ranges
        return list(ranges) if set(ranges) == set(self._names) else self._names

    @property
    def _has_basins(self) -> bool:
        """Whether there is a basin map: for two parameters, or two that the case names."""
        return len(self._names) == SURFACE or bool(self.case.landscape.basins)

    @property
    def _has_paths(self) -> bool:
        """Whether paths can be drawn: those of more parameters than a surface has lie in no plane."""
        return len(self._names) <= SURFACE

    def starts(self, seeds: int, *, basins: bool) -> int:
        """Count the starts that `paths` and, on request, `basins` train."""
        paths = len(self.case.starts) + seeds if self._has_paths else 0
        return paths + (self._grid**SURFACE if basins and self._has_basins else 0)

    def paths(self, seeds: int, on_progress: OnProgress) -> list[TrainingPath]:
        """Train the named starts and the first seeds, evaluated often enough to draw a line.

        Args:
            seeds: number of seeds.
            on_progress: called with the number of starts whose training was just done; fractions for parts of one.
        """
        if not self._has_paths:
            return []
        problem = replace(self.problem, schedule=self.problem.schedule.with_evaluations(PATH_POINTS))
        paths = []
        if self.case.starts:
            values = start_values(self.case, self.case.starts, self._names)
            ensemble = Ensemble.fitting(problem, self._devices[:1], pinned=True)
            trace, _ = ensemble.train_from(values, 0, scale_progress(on_progress, len(values)))
            paths += self._paths(trace, list(self.case.starts), named=True)
        if seeds:
            ensemble = Ensemble.fitting(problem, self._devices[:1])
            trace, _ = ensemble.train(np.arange(seeds), scale_progress(on_progress, seeds))
            paths += self._paths(trace, [f"seed {seed}" for seed in range(seeds)], named=False)
        return paths

    def _paths(self, trace: Trace, labels: Sequence[str], *, named: bool) -> list[TrainingPath]:
        """Make the paths of a trace; outcomes are those of the evaluations of the case's schedule."""
        stride = (len(trace.steps) - 1) // self.problem.schedule.periods
        outcomes = classify(trace.thinned(stride), self.case.criterion)
        return [
            TrainingPath(label, trace[number], str(outcomes[number]), self._names, named=named)
            for number, label in enumerate(labels)
        ]

    def surfaces(self, seen: Mapping[str, np.ndarray]) -> list[Surface]:
        """Evaluate the curve or surface and its close-up, or planes through the solution.

        Args:
            seen: parameter → values that the picture must include where the case names no range.
        """
        if len(self._names) > SURFACE:
            planes = ({name: self._range(name, {}) for name in pair} for pair in combinations(self._solution, 2))
            return [self._surface("", plane, self._solution) for plane in planes]
        whole = {name: self._range(name, seen) for name in self._ordered}
        surfaces = [self._surface("loss", whole, {})]
        if close_up := self.case.landscape.close_up:
            surfaces.append(self._surface("close-up", close_up, {}))
        return surfaces

    def basins(self, on_progress: OnProgress) -> Iterator[BasinMap]:
        """Train a grid of starts; yields the map after every turn of the devices, the whole one last.

        Args:
            on_progress: called with the number of starts whose training was just done; fractions for parts of one.
        """
        if not self._has_basins:
            return
        ranges = self.case.landscape.basins or {name: self._range(name, {}) for name in self._ordered}
        axes = self._axes(ranges)
        fixed = {name: 0.0 for name in self._names if name not in axes}
        shape = tuple(len(values) for values in reversed(axes.values()))
        starts = self._points(axes, fixed)
        outcomes, steps = np.full(len(starts), "", "<U9"), np.full(len(starts), NEVER)
        for first in range(0, len(starts), self._ensemble.turn):
            turn = slice(first, first + self._ensemble.turn)
            trace, _ = self._ensemble.train_from(starts[turn], 0, scale_progress(on_progress, len(starts[turn])))
            outcomes[turn] = classify(trace, self.case.criterion)
            steps[turn] = steps_to_success(trace, self.case.criterion)
            yield BasinMap(axes, outcomes.reshape(shape), steps.reshape(shape), fixed, int(trace.steps[-1]))

    def _surface(self, title: str, ranges: Mapping[str, Range], fixed: Start) -> Surface:
        axes = self._axes(ranges)
        fixed = {name: value for name, value in fixed.items() if name not in axes}
        points = self._points(axes, fixed)
        losses = self._ensemble.evaluate(points).metrics["loss"]
        return Surface(title, axes, losses.reshape([len(values) for values in reversed(axes.values())]), fixed)

    def _axes(self, ranges: Mapping[str, Range]) -> dict[str, np.ndarray]:
        return {name: np.linspace(*ends, self._grid) for name, ends in ranges.items()}

    def _points(self, axes: Mapping[str, np.ndarray], fixed: Start) -> np.ndarray:
        """List the points of a grid, (n, p), with the first axis varying fastest."""
        grids = dict(zip(axes, np.meshgrid(*axes.values(), indexing="xy"), strict=True))
        size = math.prod(len(values) for values in axes.values())
        columns = [grids[name].ravel() if name in grids else np.full(size, fixed[name]) for name in self._names]
        return np.stack(columns, axis=1).astype(np.float32)

    def _range(self, name: str, seen: Mapping[str, np.ndarray]) -> Range:
        """The case's range, or one that includes the seen values and the solution, with a margin."""
        if name in self.case.landscape.ranges:
            return self.case.landscape.ranges[name]
        known = [start[name] for start in (self._solution, *self.case.starts.values()) if start]
        values = np.concatenate([seen.get(name, np.empty(0)), known, [-REACH, REACH]])
        values = values[np.isfinite(values)]
        margin = MARGIN * (values.max() - values.min())
        return float(values.min() - margin), float(values.max() + margin)

    @cached_property
    def _ensemble(self) -> Ensemble:
        """The ensemble of pinned starts for grids."""
        return Ensemble.fitting(self.problem, self._devices, pinned=True)


def has_landscape(case: Case) -> bool:
    """Whether a case has a landscape: one or two parameters, or a solution given by values."""
    try:
        names = parameter_names(case)
    except CaseError:  # its model is broken, which training it reports
        return False
    return 0 < len(names) <= SURFACE or (bool(names) and bool(case.solution_values))
