"""The training of one case where the devices are: plan → compile → rounds of seeds. It leaves no file behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from benchsuite.case import Case, case_version
from benchsuite.engine import prng
from benchsuite.engine.ensemble import Ensemble, OutOfMemoryError, max_chunk_size
from benchsuite.engine.landscape import PAGE_GRID, LandscapeEvaluator, has_landscape
from benchsuite.engine.problem import Problem
from benchsuite.errors import CaseError, near_matches
from benchsuite.results import Columns, Plan, RoundResult, SeedTable, Surface, Trace, find_groups, kept_curves
from benchsuite.settings import TrainingSettings
from benchsuite.system import machine
from benchsuite.variants import start_values

#: Rounds that the seeds are spread over, unless the user says so or the chunks would get too large.
ROUNDS = 5

#: Is told how many seeds' worth of training was just done.
OnTrained = Callable[[float], None]


class Trainer:
    """Trains rounds of a case on the local devices.

    Args:
        case: what to train.
        settings: what the user decided.
        workers: how many of its kind share the rounds.

    Attributes:
        plan: how it is run.

    Raises:
        BenchsuiteError: the case, its data or its device cannot be used as they are.
    """

    def __init__(self, case: Case, settings: TrainingSettings, workers: int = 1) -> None:
        self._devices, self._settings = machine.devices(settings.platform), settings
        with machine.restore_settings(f"case {case.id}"):
            self._problem = Problem.load(case, settings)
            self.plan = make_plan(self._problem, settings, self._devices, workers)

    def compile(self) -> Plan:
        """Compile the program; gives the plan with what that told.

        Raises:
            BenchsuiteError: the case or its device cannot be used as they are.
        """
        with machine.restore_settings(f"case {self.plan.id}"):
            self._problem.facts  # noqa: B018  # what fails here is not to fail after a round
            self._compile(self.plan.chunk_size)
        return self.plan

    def _compile(self, chunk_size: int) -> None:
        self._ensemble = Ensemble.fitting(self._problem, chunk_size, self._devices)
        self._first_run = True
        self.plan = replace(
            self.plan,
            chunk_size=self._ensemble.chunk_size,
            device_count=len(self._ensemble.devices),
            predicted_bytes=self._ensemble.predicted_bytes,
            trace_seconds=self._ensemble.trace_seconds,
            compile_seconds=self._ensemble.compile_seconds,
            compile_cache=self._ensemble.compile_cache,
        )

    def train_starts(self) -> tuple[SeedTable, Columns]:
        """Train the named starts: untimed, and on the data of seed 0; gives their rows and learning curves."""
        values = start_values(self._problem.case, self.plan.starts, self.plan.parameter_names)
        device = self._devices[:1]  # each one more costs a compilation
        with machine.restore_settings(f"case {self.plan.id}"):
            ensemble = Ensemble.fitting(self._problem, len(values), device, pinned=True)
            trace, _ = ensemble.train_from(values, seed=0)
            return self._seed_table(trace), kept_curves(trace)

    def groups(self, start: Columns, seeds: int) -> dict[str, np.ndarray]:
        """Which of the case's groups so many seeds started in, of which some are stored: group → (n,)."""
        with machine.restore_settings(f"case {self.plan.id}"):
            return find_groups(self._problem.case, start, seeds)

    def surfaces(self, seen: Columns) -> list[Surface]:
        """The loss over the parameters for a page, where the case has a landscape; see `LandscapeEvaluator.surfaces`."""
        case = self._problem.case
        if not has_landscape(case):
            return []
        with machine.restore_settings(f"case {self.plan.id}"):
            return LandscapeEvaluator(case, self._settings, PAGE_GRID).surfaces(seen)

    def train(self, rounds: Iterable[np.ndarray], on_trained: OnTrained) -> Iterator[RoundResult]:
        """Train rounds, each an array of seeds, with the program that `compile` has made."""
        for seeds in rounds:
            with machine.restore_settings(f"case {self.plan.id}"):
                round_result = self._train_round(seeds, on_trained)
            yield round_result

    def _train_round(self, seeds: np.ndarray, on_trained: OnTrained) -> RoundResult:
        traces: list[Trace] = []
        seconds, first_run = 0.0, self._first_run
        while len(seeds):
            chunk = seeds[: self._ensemble.chunk_size]
            trained = self._train_chunk(chunk, on_trained)
            if trained is None:
                first_run = True
                continue
            traces.append(trained[0])
            seconds += trained[1]
            seeds = seeds[len(chunk) :]
        self._first_run = False
        trace = Trace.join(traces)
        return RoundResult(
            self._seed_table(trace),
            kept_curves(trace),
            seconds=seconds,
            first_run=first_run,
            chunk_size=self._ensemble.chunk_size,
            device_count=len(self._ensemble.devices),
        )

    def _train_chunk(self, chunk: np.ndarray, on_trained: OnTrained) -> tuple[Trace, float] | None:
        """The trace and its seconds, or None after the chunk has turned out too large and was halved."""
        try:
            return self._ensemble.train(chunk, lambda share: on_trained(share * len(chunk)))
        except OutOfMemoryError:
            smaller = self._ensemble.smaller_chunk
        # Only here, outside of the handler, nothing holds on to the memory of the failed program any more.
        del self._ensemble
        self._compile(smaller)
        return None

    def _seed_table(self, trace: Trace) -> SeedTable:
        return SeedTable.from_trace(trace, self._problem.case, self.plan.parameter_names, self._problem.facts)


def make_plan(problem: Problem, settings: TrainingSettings, devices: Sequence[Any], workers: int = 1) -> Plan:
    """Settle everything about a run that does not need the compiler."""
    case, about = problem.case, machine.describe(devices)
    parameters = problem.parameter_names
    _check_names(case, parameters)
    problem.check_target()
    seeds = settings.seeds or problem.schedule.seeds
    sweep = {case.sweep.option: list(case.sweep.values)} if case.sweep else {}
    trainings = case.restarts * (len(case.sweep.values) if case.sweep else 1)
    round_size = _round_size(seeds, settings.rounds, workers, len(devices), max_chunk_size(devices))
    return Plan(
        case=case.name,
        treatment=case.treatment,
        sweep=sweep,
        restarts=case.restarts,
        source=case.source,
        protocol=problem.protocol,
        dataset=problem.dataset,
        stand_in=problem.stand_in,
        data_origin=problem.origin,
        criterion=str(case.criterion),
        success=asdict(case.criterion),
        constant_meets=_constant_meets(problem),
        evaluation_examples=problem.evaluation_examples,
        claims=[claim.to_json() for claim in case.claims],
        starts={name: dict(start) for name, start in case.starts.items()},
        readings={diagnostic.name: diagnostic.reading for diagnostic in case.diagnostics},
        version=case_version(case, problem.schedule),
        program=problem.program,
        data_digest=problem.digest,
        steps=list(problem.training.steps),
        parameter_names=parameters,
        seeds=seeds,
        round_size=round_size,
        chunk_size=min(round_size, max_chunk_size(devices, trainings)),
        precision=settings.precision,
        prng=prng.NAME,
        device=about["device"],
        platform=about["platform"],
        device_count=min(len(devices), round_size),
        executor=settings.executor,
        workers=workers,
    )


def _constant_meets(problem: Problem) -> str:
    try:
        return problem.constant_meets
    except CaseError:  # of functions that hold for predictions of models alone; `benchsuite check` says so
        return ""


def _check_names(case: Case, parameters: Sequence[str]) -> None:
    """Refuse what names a parameter or figure that the case does not have, before anything is trained."""
    start_values(case, case.starts, parameters)
    if case.groups and not parameters:
        raise CaseError(f"{case.name} has too many parameters to be grouped", "leave groups out")
    find_groups(case, {name: np.zeros(1) for name in parameters}, 1)
    figures = [*case.all_metrics, *(f"train.{name}" for name in ("loss", *case.metrics)), *parameters]
    figures += [diagnostic.name for diagnostic in case.diagnostics]
    for claim in case.claims:
        of = getattr(claim.check, "of", None)
        if isinstance(of, str) and of not in figures:
            raise CaseError(
                f"case {case.name}: a claim speaks of {of!r}, which is not recorded", near_matches(of, figures)
            )


def _round_size(seeds: int, rounds: int | None, workers: int, devices: int, largest: int) -> int:
    """Seeds of a round: as the user says, else a fifth of a worker's share, filling its devices; never all of them."""
    if rounds:
        return -(-seeds // rounds)
    fifth = -(-seeds // (ROUNDS * workers))
    return min(-(-fifth // devices) * devices, largest, -(-seeds // 2))
