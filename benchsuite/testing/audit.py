"""Compare the rows of seeds that are trained again, alone, beside others, on one device or several."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from benchsuite.case import Case
from benchsuite.results import SeedTable, Trace
from benchsuite.settings import TrainingSettings
from benchsuite.system import machine

#: Other seeds that are trained in the first lanes, before those that are compared.
_OTHERS = 3

#: The way that is the same as the first.
AGAIN = "the same again"

#: Columns of the rows that say what was trained, not how it ended.
_GIVEN = ("seeds", "outcomes", "settings")

#: Columns that a difference by rounding may change by a whole period.
_THRESHOLDED = ("steps_to_success",)

#: The difference of a figure, relative to its size, that sums in another order explain; and the smallest size.
_ROUNDING, _SMALLEST = 1e-3, 1e-3


@dataclass(frozen=True)
class AuditResult:
    """The differences between seeds trained in one way and seeds trained all side by side on all devices.

    Args:
        way: how the seeds were trained.
        seeds: the number of seeds.
        outcomes: the number of seeds with another outcome.
        figures: the number of figures that differ in any bit.
        of: the number of figures.
        largest: the largest relative difference of a figure.
        where: the figure with the largest difference.
        beyond_rounding: the number of figures that differ by more than one in a thousand of their size, or of 0.001
            where they are smaller.
    """

    way: str
    seeds: int
    outcomes: int
    figures: int
    of: int
    largest: float
    where: str
    beyond_rounding: int = 0

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not (self.outcomes or self.figures)


class Audit:
    """Train the same seeds of a case in several ways.

    Args:
        case: the case to train.
        settings: options of the training.
        seeds: (n,) the seeds; by default as many as the case has under the protocol, at most 16.

    Raises:
        BenchsuiteError: the case, its data or its device cannot be used.
    """

    def __init__(self, case: Case, settings: TrainingSettings, seeds: np.ndarray | None = None) -> None:
        from benchsuite.engine import Problem

        self._devices, self._settings = machine.devices(settings.platform), settings
        self.problem = Problem.load(case, settings)
        self.seeds = np.arange(min(16, self.problem.schedule.seeds)) if seeds is None else seeds

    @property
    def ways(self) -> dict[str, Callable[[], Trace]]:
        """The ways of training by name; the first is what the others are compared with."""
        ways = {
            "side by side": lambda: self._train(self.seeds),
            AGAIN: lambda: self._train(self.seeds),
            "in other lanes, beside others": self._train_elsewhere,
            "each alone": self._train_alone,
        }
        return ways | ({"on one device": lambda: self._train(self.seeds, 1)} if len(self._devices) > 1 else {})

    @property
    def compared(self) -> str:
        """What is compared: the programs, blocks and devices that train the seeds."""
        from benchsuite.engine import make_plan

        plan = make_plan(self.problem, self._settings, self._devices)
        options = ", ".join(f"{name}={value}" for name, value in plan.compiler_options.items())
        devices = f"{len(self._devices)} {plan.platform.upper()} device{'s' * (len(self._devices) > 1)} ({plan.device})"
        lanes = f"blocks of {plan.chunk_size} lanes" if plan.chunk_size > 1 else "blocks of one lane"
        return f"one compilation, {options or 'default options'}; {lanes}; {devices}"

    def findings(self, on_way: Callable[[str], None] = lambda _: None) -> Iterator[AuditResult]:
        """Train in every way, and compare each with the first.

        Args:
            on_way: called with the name of each way before it starts.
        """
        first: SeedTable | None = None
        for name, train in self.ways.items():
            on_way(name)
            rows = self._rows(train())
            if first is None:
                first = rows
            else:
                yield compare_seeds(name, rows, first)

    def _train(self, seeds: np.ndarray, devices: int | None = None) -> Trace:
        from benchsuite.engine import Ensemble

        return Ensemble.fitting(self.problem, self._devices[:devices]).train(seeds)[0]

    def _train_alone(self) -> Trace:
        return Trace.join([self._train(self.seeds[n : n + 1], 1) for n in range(len(self.seeds))])

    def _train_elsewhere(self) -> Trace:
        others = self.seeds.max() + 1 + np.arange(_OTHERS)
        return self._train(np.concatenate([others, self.seeds[::-1]]))

    def _rows(self, trace: Trace) -> SeedTable:
        """The rows of the seeds in their order, without those of others."""
        rows = SeedTable.from_trace(trace, self.problem.case, self.problem.parameter_names, self.problem.facts)
        order = np.argsort(rows.seeds, kind="stable")
        return rows[order[np.isin(rows.seeds[order], self.seeds)]]


def compare_seeds(way: str, rows: SeedTable, first: SeedTable) -> AuditResult:
    """Count the figures that differ between two tables of the same seeds."""
    names = [name for name in rows.columns if name.partition(".")[0] not in _GIVEN]
    ours, theirs = ({name: np.asarray(of.columns[name], float) for name in names} for of in (rows, first))
    differs = {name: (ours[name] != theirs[name]) & ~(np.isnan(ours[name]) & np.isnan(theirs[name])) for name in names}
    largest = {name: _distance(ours[name], theirs[name], found) for name, found in differs.items()}
    where = max(largest, key=lambda name: largest[name])
    return AuditResult(
        way=way,
        seeds=len(rows),
        outcomes=int((rows.outcomes != first.outcomes).sum()),
        figures=sum(int(found.sum()) for found in differs.values()),
        of=sum(found.size for found in differs.values()),
        largest=largest[where],
        where=where if largest[where] else "",
        beyond_rounding=sum(
            _count_beyond(ours[name], theirs[name])
            for name in names
            if name not in _THRESHOLDED and differs[name].any()
        ),
    )


def _distance(ours: np.ndarray, theirs: np.ndarray, differs: np.ndarray) -> float:
    """Compute the largest relative difference; infinite where one of the two is not finite."""
    if not differs.any():
        return 0.0
    a, b = ours[differs], theirs[differs]
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.abs(a - b) / np.maximum(np.abs(a), np.abs(b))
    return float(np.nan_to_num(relative, nan=np.inf).max())


def _count_beyond(ours: np.ndarray, theirs: np.ndarray) -> int:
    """Count the differences that are larger than rounding explains."""
    with np.errstate(invalid="ignore"):
        allowed = _ROUNDING * np.maximum(np.maximum(np.abs(ours), np.abs(theirs)), _SMALLEST)
        near = np.abs(ours - theirs) <= allowed
    return int((~near & (ours != theirs) & ~(np.isnan(ours) & np.isnan(theirs))).sum())
