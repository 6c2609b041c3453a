"""What a run is going to take, as far as earlier runs tell: seeds, memory and time. Nothing is trained for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchsuite import stats
from benchsuite.case import Case
from benchsuite.errors import StoreError
from benchsuite.results import Plan, Summary, case_label, schedule_for
from benchsuite.settings import AUTO, STAND_IN, Settings
from benchsuite.store import RunFolder, run_folders
from benchsuite.system import machine

#: Earlier runs that are looked into, the newest first.
RUNS = 50


@dataclass(frozen=True)
class EarlierRun:
    """An earlier run of a case, by which the next one is foretold.

    Args:
        run: the name of its folder.
        plan: how the case was run.
        summaries: its figures, those of every value of a sweep.
    """

    run: str
    plan: Plan
    summaries: Sequence[Summary]

    @property
    def rates(self) -> tuple[float, float]:
        """Between which the rates lay, their intervals included."""
        intervals = [summary.rate_interval for summary in self.summaries]
        return min(low for low, _ in intervals), max(high for _, high in intervals)

    def seconds(self, seeds: int, values: int) -> float:
        """How long so many seeds at so many values of a sweep are going to take, compiling included."""
        trainings = seeds * values / self.plan.workers
        return self.plan.trace_seconds + self.plan.compile_seconds + trainings / self.summaries[0].seeds_per_second


@dataclass(frozen=True)
class Forecast:
    """What one case is going to take; None for what no earlier run tells.

    Args:
        label: the case with its protocol.
        seeds: how many.
        reason: why so many.
        memory: bytes, on all devices together.
        seconds: from its start to its end.
        run: the name of the run that tells it; empty for none.
    """

    label: str
    seeds: int
    reason: str
    memory: int | None = None
    seconds: float | None = None
    run: str = ""

    @classmethod
    def of(cls, case: Case, settings: Settings, device: str) -> Forecast:
        """The forecast of a case on a device."""
        found = find_earlier_runs(case, settings)
        seeds, reason = planned_seeds(case, settings, found)
        protocol, _ = schedule_for(case, settings.protocol)
        title = case_label(case.id, protocol, _may_stand_in(case) and settings.dataset == STAND_IN)
        alike = next(
            (run for run in found if run.plan.executor == settings.executor and run.plan.device == device), None
        )
        if alike is None:
            return cls(title, seeds, reason)
        memory = alike.plan.predicted_bytes * alike.plan.device_count * alike.plan.workers
        values = len(case.sweep.values) if case.sweep else 1
        return cls(alike.plan.label, seeds, reason, memory or None, alike.seconds(seeds, values), alike.run)


def forecast_runs(cases: Sequence[Case], settings: Settings) -> list[Forecast]:
    """The forecasts of cases on the device of this process.

    Raises:
        DeviceError: the device that was asked for is not there.
    """
    device = machine.describe(machine.devices(settings.platform))["device"]
    return [Forecast.of(case, settings, device) for case in cases]


def seeds_for(case: Case, settings: Settings, folder: RunFolder) -> int:
    """The seeds that the settings' half-width needs, or those that were settled when the run was begun.

    Args:
        case: whose rate is asked for.
        settings: with a half-width.
        folder: of the run, whose own plan counts where it is resumed.
    """
    begun = folder.plan(case.id)
    if begun and folder.settings.get("half_width") == settings.half_width:
        return begun.seeds
    others = [run for run in find_earlier_runs(case, settings) if run.run != folder.path.name]
    return planned_seeds(case, settings, others)[0]


def planned_seeds(case: Case, settings: Settings, found: Sequence[EarlierRun]) -> tuple[int, str]:
    """How many seeds the settings ask for, and why so many."""
    if settings.seeds:
        return settings.seeds, "as asked"
    if settings.half_width is None:
        return schedule_for(case, settings.protocol)[1].seeds, "the case's own"
    wanted = f"± {100 * settings.half_width:g} %"
    if not found:
        return stats.trials_for(settings.half_width), f"{wanted} at any rate"
    low, high = found[0].rates
    seeds = stats.trials_for(settings.half_width, low, high)
    return seeds, f"{wanted} at a rate of {100 * low:.0f} to {100 * high:.0f} %"


def find_earlier_runs(case: Case, settings: Settings) -> list[EarlierRun]:
    """The earlier runs of a case under the same protocol in `.benchsuite`, the newest first."""
    protocol, _ = schedule_for(case, settings.protocol)
    found = []
    for path in run_folders()[:RUNS]:
        try:
            folder = RunFolder(path)
        except StoreError:  # it tells nothing, and is told of where it is asked for
            continue
        plan = folder.plan(case.id)
        if plan is None or plan.protocol != protocol:
            continue
        if _may_stand_in(case) and settings.dataset != AUTO and plan.stand_in != (settings.dataset == STAND_IN):
            continue
        summaries = [folder.summaries[part.id] for part in plan.parts if part.id in folder.summaries]
        if summaries:
            found.append(EarlierRun(path.name, plan, summaries))
    return found


def _may_stand_in(case: Case) -> bool:
    return case.dataset.download is not None
