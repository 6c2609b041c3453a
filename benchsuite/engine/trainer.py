"""Train one case on the local devices: plan, compile, train rounds of seeds. It writes no files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from benchsuite.case import Case, case_version
from benchsuite.engine import prng
from benchsuite.engine.ensemble import Ensemble, OutOfMemoryError
from benchsuite.engine.landscape import PAGE_GRID, LandscapeEvaluator, has_landscape
from benchsuite.engine.problem import Problem
from benchsuite.engine.programs import lanes_per_block
from benchsuite.errors import CaseError, near_matches
from benchsuite.results import (
    Columns,
    OnTrained,
    Plan,
    RoundResult,
    SeedTable,
    Surface,
    Trace,
    find_groups,
    kept_curves,
)
from benchsuite.seeds import SeedNumbers
from benchsuite.settings import TrainingSettings
from benchsuite.system import compat, machine
from benchsuite.variants import start_values

#: Rounds that the seeds are spread over by default.
ROUNDS = 5

#: Seeds of a round at most, unless the devices train more at a time: a killed run loses those of its last round.
LARGEST_ROUND = 512


class Trainer:
    """Trains rounds of a case on the local devices.

    Args:
        case: the case to train.
        settings: options of the training.
        workers: number of workers that share the rounds.

    Attributes:
        plan: how the case is trained.

    Raises:
        BenchsuiteError: the case, its data or its device cannot be used.
    """

    def __init__(self, case: Case, settings: TrainingSettings, workers: int = 1) -> None:
        self._devices, self._settings = machine.devices(settings.platform), settings
        with machine.restore_settings(f"case {case.id}"):
            self._problem = Problem.load(case, settings)
            self.plan = make_plan(self._problem, settings, self._devices, workers)

    def compile(self) -> Plan:
        """Compile the program; returns the plan with the measurements of the compilation.

        Raises:
            BenchsuiteError: the case or its device cannot be used.
        """
        with machine.restore_settings(f"case {self.plan.id}"):
            self._problem.facts  # noqa: B018  # an error of a diagnostic is raised before the first round
            self._compile(self.plan.chunk_size)
            self.plan = replace(self.plan, warnings=_warnings(self._problem))
        return self.plan

    def _compile(self, lanes: int) -> None:
        self._ensemble = Ensemble.fitting(self._problem, self._devices[: self.plan.device_count], lanes)
        self._first_run = True
        self.plan = replace(
            self.plan,
            chunk_size=self._ensemble.lanes,
            predicted_bytes=self._ensemble.predicted_bytes,
            trace_seconds=self._ensemble.trace_seconds,
            compile_seconds=self._ensemble.compile_seconds,
            compile_cache=self._ensemble.compile_cache,
        )

    def train_starts(self) -> tuple[SeedTable, Columns]:
        """Train the named starts on the data of seed 0; returns their rows and learning curves."""
        values = start_values(self._problem.case, self.plan.starts, self.plan.parameter_names)
        device = self._devices[:1]  # every further device costs a compilation
        with machine.restore_settings(f"case {self.plan.id}"):
            ensemble = Ensemble.fitting(self._problem, device, pinned=True)
            trace, _ = ensemble.train_from(values, seed=0)
            return self._seed_table(trace), kept_curves(trace)

    def groups(self, start: Columns, seeds: int) -> dict[str, np.ndarray]:
        """Assign stored seeds to the groups of the case: group → (seeds,) whether it belongs."""
        with machine.restore_settings(f"case {self.plan.id}"):
            return find_groups(self._problem.case, start, seeds)

    def surfaces(self, seen: Columns) -> list[Surface]:
        """Evaluate the loss over the parameters for a page; empty where the case has no landscape."""
        case = self._problem.case
        if not has_landscape(case):
            return []
        with machine.restore_settings(f"case {self.plan.id}"):
            return LandscapeEvaluator(case, self._settings, PAGE_GRID).surfaces(seen)

    def train(self, rounds: Iterable[np.ndarray], on_trained: OnTrained) -> Iterator[RoundResult]:
        """Train rounds, each an array of seeds, with the compiled program; yields each when it ends."""
        for seeds in rounds:
            with machine.restore_settings(f"case {self.plan.id}"):
                round_result = self._train_round(seeds, on_trained)
            yield round_result

    def _train_round(self, seeds: np.ndarray, on_trained: OnTrained) -> RoundResult:
        traces: list[Trace] = []
        seconds, first_run = 0.0, self._first_run
        while len(seeds):
            turn = seeds[: self._ensemble.turn]
            trained = self._train_turn(turn, on_trained)
            if trained is None:
                first_run = True
                continue
            traces.append(trained[0])
            seconds += trained[1]
            seeds = seeds[len(turn) :]
        self._first_run = False
        trace = Trace.join(traces)
        return RoundResult(
            self._seed_table(trace),
            kept_curves(trace, self.plan.seed_choice),
            seconds=seconds,
            first_run=first_run,
            chunk_size=self._ensemble.lanes,
            device_count=self.plan.device_count,
        )

    def _train_turn(self, turn: np.ndarray, on_trained: OnTrained) -> tuple[Trace, float] | None:
        """Train a block on each device; returns None where they exceeded the memory and were halved."""
        try:
            return self._ensemble.train(turn, lambda share: on_trained(share * len(turn)))
        except OutOfMemoryError:
            fewer = self._ensemble.fewer_lanes
        # Outside of the handler, whose exception keeps the memory of the failed program.
        del self._ensemble
        self._compile(fewer)
        return None

    def _seed_table(self, trace: Trace) -> SeedTable:
        return SeedTable.from_trace(trace, self._problem.case, self.plan.parameter_names, self._problem.facts)


def make_plan(problem: Problem, settings: TrainingSettings, devices: Sequence[Any], workers: int = 1) -> Plan:
    """Plan the training of a case: everything that does not need the compiler.

    Args:
        problem: the case, with its data.
        settings: options of the training.
        devices: the devices to train on.
        workers: number of workers that share the rounds.

    Raises:
        CaseError: the case names a parameter or figure that does not exist, or one of its functions fails.
    """
    about = machine.describe(devices)
    _check_names(problem)
    problem.check_target()
    chosen = settings.seeds or problem.schedule.seeds
    seeds = len(SeedNumbers.of(chosen))
    lanes = lanes_per_block(problem, devices[0])
    rounds, turn = settings.rounds, lanes * len(devices)
    round_size = -(-seeds // rounds) if rounds else choose_round_size(seeds, workers, turn)
    return Plan(
        **_definition(problem),
        seeds=seeds,
        round_size=round_size,
        chunk_size=lanes,
        precision=settings.precision,
        prng=prng.NAME,
        device=about["device"],
        platform=about["platform"],
        compiler_options=compat.program_options(about["platform"]),
        device_count=min(len(devices), -(-round_size // lanes)),
        executor=settings.executor,
        workers=workers,
    ).with_seeds(chosen)


def _definition(problem: Problem) -> dict[str, Any]:
    """The fields of a plan that describe the case and its data, wherever it is trained."""
    case = problem.case
    return {
        "case": case.name,
        "treatment": case.treatment,
        "sweep": {option: list(values) for option, values in case.sweep.values.items()} if case.sweep else {},
        "setting": dict(case.setting),
        "restarts": case.restarts,
        "source": case.source,
        "protocol": problem.protocol,
        "dataset": problem.dataset,
        "stand_in": problem.stand_in,
        "data_origin": problem.origin,
        "criterion": str(case.criterion),
        "success": asdict(case.criterion),
        "constant_meets": _constant_meets(problem),
        "evaluation_examples": problem.evaluation_examples,
        "claims": [claim.to_json() for claim in case.claims],
        "starts": {name: dict(start) for name, start in case.starts.items()},
        "readings": problem.readings,
        "version": case_version(case, problem.schedule),
        "program": problem.program,
        "data_digest": problem.digest,
        "steps": list(problem.training.steps),
        "parameter_names": problem.parameter_names,
        "dtype": problem.dtype,
        "family": case.family,
        "tags": list(case.tags),
        **(case.rung.facts if case.rung else {}),
    }


def _warnings(problem: Problem) -> list[str]:
    try:
        return problem.warnings
    except CaseError:  # of the memory that the record takes: the case itself is compiled by now
        return []


def _constant_meets(problem: Problem) -> str:
    try:
        return problem.constant_meets
    except CaseError:  # of functions that hold for predictions of models alone; `benchsuite check` says so
        return ""


def _check_names(problem: Problem) -> None:
    """Check that parameters and figures that the case names exist."""
    case, parameters = problem.case, problem.parameter_names
    start_values(case, case.starts, parameters)
    if case.groups and not parameters:
        raise CaseError(f"{case.name} has too many parameters to be grouped", "remove groups from the case")
    find_groups(case, {name: np.zeros(1) for name in parameters}, 1)
    evaluation = problem.training.evaluation
    figures = [*evaluation.metrics, *(f"train.{name}" for name in evaluation.train), *parameters]
    figures += [diagnostic.name for diagnostic in case.diagnostics]
    for claim in case.claims:
        of = getattr(claim.check, "of", None)
        if isinstance(of, str) and of not in figures:
            raise CaseError(
                f"case {case.name}: a claim is about {of!r}, which is not recorded", near_matches(of, figures)
            )


def choose_round_size(seeds: int, workers: int, turn: int) -> int:
    """Choose the seeds of a round, such that all rounds take the fewest turns of the devices.

    Of equal numbers of turns the one with the most rounds is chosen, up to five for each worker, or as many as keep
    them small; one more for each worker only where that saves turns.

    Args:
        seeds: number of seeds.
        workers: number of workers that share the rounds.
        turn: the seeds that the devices of a worker train at a time.
    """
    fewest = -(-seeds // max(turn, LARGEST_ROUND // turn * turn))

    def turns(rounds: int) -> int:
        return -(-rounds // workers) * -(-seeds // (rounds * turn))

    most = max(ROUNDS * workers, -(-fewest // workers) * workers)
    chosen = min((*range(most, fewest - 1, -1), *range(most + 1, most + workers + 1)), key=turns)
    return -(-seeds // chosen)
