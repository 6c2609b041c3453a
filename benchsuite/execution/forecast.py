"""Estimate the seeds, memory and time of a run from earlier runs, without training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchsuite import stats
from benchsuite.case import Case
from benchsuite.errors import StoreError
from benchsuite.results import CURVES_KEPT, PARAMETERS_KEPT, Plan, Summary, case_label, schedule_for
from benchsuite.seeds import SeedNumbers
from benchsuite.settings import AUTO, PROTOCOLS, STAND_IN, TrainingSettings
from benchsuite.store import RunFolder, run_folders
from benchsuite.system import machine

#: Number of earlier runs that are searched, newest first.
RUNS = 50


@dataclass(frozen=True)
class EarlierRun:
    """An earlier run of a case, from which the next one is estimated.

    Args:
        run: name of its folder.
        plan: how the case was trained.
        summaries: of the case, one per value of a sweep.
    """

    run: str
    plan: Plan
    summaries: Sequence[Summary]

    @property
    def rates(self) -> tuple[float, float]:
        """The range of the success rates, confidence intervals included."""
        intervals = [summary.rate_interval for summary in self.summaries]
        return min(low for low, _ in intervals), max(high for _, high in intervals)

    def seconds(self, seeds: int, values: int) -> float:
        """Estimate the seconds for a number of seeds and of values of a sweep, compilation included."""
        summary = self.summaries[0]
        blocks = -(-seeds // summary.chunk_size)  # each takes as long, however many of its lanes train seeds
        trainings = blocks * summary.chunk_size * summary.lanes_used * values / self.plan.workers
        return self.plan.trace_seconds + self.plan.compile_seconds + trainings / summary.seeds_per_second


@dataclass(frozen=True)
class Forecast:
    """The estimated cost of one case; None where no earlier run gives an estimate.

    Args:
        label: the case with its protocol.
        seeds: number of seeds.
        reason: for this number.
        memory: bytes, on all devices together.
        seconds: from start to end.
        run: name of the run that the estimate is based on; empty for none.
        disk: most bytes that its rows and curves take on disk.
    """

    label: str
    seeds: int
    reason: str
    memory: int | None = None
    seconds: float | None = None
    run: str = ""
    disk: int = 0

    @classmethod
    def of(cls, case: Case, settings: TrainingSettings, device: str) -> Forecast:
        """Estimate the cost of a case on a device."""
        found = find_earlier_runs(case, settings)
        seeds, reason = planned_seeds(case, settings, found)
        protocol, _ = schedule_for(case, settings.protocol)
        title = case_label(case.id, protocol, _may_stand_in(case) and settings.dataset == STAND_IN)
        alike = next(
            (run for run in found if run.plan.executor == settings.executor and run.plan.device == device), None
        )
        disk = estimated_bytes(case, settings, seeds)
        if alike is None:
            return cls(title, seeds, reason, disk=disk)
        memory = alike.plan.predicted_bytes * alike.plan.device_count * alike.plan.workers
        values = len(case.sweep.settings) if case.sweep else 1
        return cls(alike.plan.label, seeds, reason, memory or None, alike.seconds(seeds, values), alike.run, disk)


#: Bytes of a number, and of the texts and numbers of a seed that every case has.
_NUMBER, _ROW = 8, 64


def estimated_bytes(case: Case, settings: TrainingSettings, seeds: int | None = None) -> int:
    """Estimate the most bytes that the rows and curves of a case take on disk, for models with at most 16 parameters.

    Args:
        case: to train.
        settings: how to train it.
        seeds: number of seeds; by default that of the settings, at any rate.
    """
    seeds = planned_seeds(case, settings, [])[0] if seeds is None else seeds
    _, schedule = schedule_for(case, settings.protocol)
    values, metrics = len(case.sweep.settings) if case.sweep else 1, 2 * len(case.all_metrics)
    numbers = metrics + 2 * PARAMETERS_KEPT + len(case.diagnostics) + len(case.groups)
    curves = (metrics + PARAMETERS_KEPT + 1) * (1 + schedule.length // schedule.evaluate_every)
    return values * (seeds * (_ROW + _NUMBER * numbers) + min(seeds, CURVES_KEPT) * _NUMBER // 2 * curves)


def forecast_runs(cases: Sequence[Case], settings: TrainingSettings) -> list[Forecast]:
    """Estimate the costs of cases on the device of this process.

    Raises:
        DeviceError: the requested device is not available.
    """
    device = machine.describe(machine.devices(settings.platform))["device"]
    return [Forecast.of(case, settings, device) for case in cases]


def seeds_for(case: Case, settings: TrainingSettings, folder: RunFolder) -> int | SeedNumbers:
    """The number of seeds that the half-width requires, or that of the run which is resumed.

    Args:
        case: whose success rate is estimated.
        settings: with a half-width.
        folder: of the run; where it has a plan of the case, its number is kept.
    """
    begun = folder.plan(case.id)
    if begun and folder.settings.get("half_width") == settings.half_width:
        return begun.seed_choice
    others = [run for run in find_earlier_runs(case, settings) if run.run != folder.path.name]
    return planned_seeds(case, settings, others)[0]


def planned_seeds(case: Case, settings: TrainingSettings, found: Sequence[EarlierRun]) -> tuple[int, str]:
    """The number of seeds that the settings require, and the reason for it."""
    if settings.seeds:
        return len(SeedNumbers.of(settings.seeds)), "as given"
    if settings.half_width is None:
        return schedule_for(case, settings.protocol)[1].seeds, "set by the case"
    wanted = f"± {100 * settings.half_width:g} %"
    if not found:
        return stats.trials_for(settings.half_width), f"{wanted} at any rate"
    low, high = found[0].rates
    seeds = stats.trials_for(settings.half_width, low, high)
    return seeds, f"{wanted} at a rate of {100 * low:.0f} to {100 * high:.0f} %"


def find_earlier_runs(case: Case, settings: TrainingSettings) -> list[EarlierRun]:
    """Find earlier runs of a case under the same protocol in `.benchsuite`, newest first."""
    protocol, _ = schedule_for(case, settings.protocol)
    found = []
    for path in run_folders()[:RUNS]:
        try:
            folder = RunFolder(path)
            plan, summaries = folder.plan(case.id), folder.summaries_of(case.id)
        except StoreError:  # a damaged run is reported where it is read by name
            continue
        if plan is None or plan.protocol != protocol:
            continue
        if _may_stand_in(case) and settings.dataset != AUTO and plan.stand_in != (settings.dataset == STAND_IN):
            continue
        if summaries:
            found.append(EarlierRun(path.name, plan, summaries))
    return found


def find_runs_of(case: Case) -> list[EarlierRun]:
    """Find earlier runs of a case under any protocol in `.benchsuite`, newest first."""
    found = [run for protocol in PROTOCOLS for run in find_earlier_runs(case, TrainingSettings(protocol=protocol))]
    by_place = {(run.run, run.plan.id): run for run in found}
    return [by_place[place] for place in sorted(by_place, reverse=True)]


def _may_stand_in(case: Case) -> bool:
    return case.dataset is not None and case.dataset.download is not None
