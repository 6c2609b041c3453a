"""Whether a seed ends the same however it is trained: again, alone, beside others, on one device or several."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from benchsuite.case import Case
from benchsuite.engine import Ensemble, Problem, parameter_names
from benchsuite.results import SeedTable, Trace
from benchsuite.settings import TrainingSettings
from benchsuite.system import machine

#: Seeds side by side in another chunk size than all at once.
_FEW = 3

#: The way that differs from the first in nothing at all.
AGAIN = "the same again"

#: Columns of the rows that say what was trained, not how it ended.
_GIVEN = ("seeds", "outcomes", "settings")


@dataclass(frozen=True)
class AuditResult:
    """How much differs when seeds are trained in another way than all side by side on all devices.

    Args:
        way: how they were trained.
        seeds: how many.
        outcomes: how many of them ended with another outcome.
        figures: how many figures of theirs differ in any bit.
        of: how many figures there are.
        largest: the largest difference of a figure, relative to its size.
        where: the figure that has it.
    """

    way: str
    seeds: int
    outcomes: int
    figures: int
    of: int
    largest: float
    where: str

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not (self.outcomes or self.figures)


class Audit:
    """The same seeds of a case, trained in several ways.

    Args:
        case: what to train.
        settings: what the user decided.
        seeds: (n,) which; the case's own number under the protocol, 16 at most, if there are none.

    Raises:
        BenchsuiteError: the case, its data or its device cannot be used as they are.
    """

    def __init__(self, case: Case, settings: TrainingSettings, seeds: np.ndarray | None = None) -> None:
        self._settings, self._devices = settings, machine.devices(settings.platform)
        self.problem = Problem.load(case, settings)
        self.seeds = np.arange(min(16, self.problem.schedule.seeds)) if seeds is None else seeds

    @property
    def ways(self) -> dict[str, Callable[[], Trace]]:
        """What is compared with the first way, by name."""
        everyone, all_devices = len(self.seeds), len(self._devices)
        ways = {
            "all side by side": lambda: self._train(everyone, all_devices),
            AGAIN: lambda: self._train(everyone, all_devices),
            f"{_FEW} side by side": lambda: self._train(_FEW, 1),
            "each alone": self._train_alone,
        }
        return ways | ({"on one device": lambda: self._train(everyone, 1)} if all_devices > 1 else {})

    def findings(self, on_way: Callable[[str], None] = lambda _: None) -> Iterator[AuditResult]:
        """Train in every way; tell how much differs from the first.

        Args:
            on_way: is told each way before it is tried.
        """
        first: SeedTable | None = None
        for name, train in self.ways.items():
            on_way(name)
            case = self.problem.case
            rows = SeedTable.from_trace(train(), case, parameter_names(case), self.problem.facts)
            if first is None:
                first = rows
            else:
                yield compare_seeds(name, rows, first)

    def _train(self, chunk_size: int, devices: int) -> Trace:
        return self._ensemble(chunk_size, devices).train(self.seeds)[0]

    def _train_alone(self) -> Trace:
        ensemble = self._ensemble(1, 1)
        return Trace.join([ensemble.train(self.seeds[n : n + 1])[0] for n in range(len(self.seeds))])

    def _ensemble(self, chunk_size: int, devices: int) -> Ensemble:
        return Ensemble.fitting(self.problem, chunk_size, self._devices[:devices], self._settings.precision)


def compare_seeds(way: str, rows: SeedTable, first: SeedTable) -> AuditResult:
    """How much of the rows of the same seeds differs."""
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
    )


def _distance(ours: np.ndarray, theirs: np.ndarray, differs: np.ndarray) -> float:
    """The largest relative difference where there is any; infinite where one of the two is not finite."""
    if not differs.any():
        return 0.0
    a, b = ours[differs], theirs[differs]
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.abs(a - b) / np.maximum(np.abs(a), np.abs(b))
    return float(np.nan_to_num(relative, nan=np.inf).max())
