"""The run of a case: plan → compile → timed rounds → outcomes → record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from benchsuite import machine, prng
from benchsuite.case import Case
from benchsuite.ensemble import Ensemble, OutOfMemoryError, half, largest_chunk
from benchsuite.errors import CaseError, StoreError, near_matches
from benchsuite.plan import Plan
from benchsuite.problem import Problem
from benchsuite.record import Record, summarise
from benchsuite.rows import Rows, groups_of
from benchsuite.settings import Settings
from benchsuite.shard import Shard, curves
from benchsuite.start import start_values
from benchsuite.store import RunFolder
from benchsuite.trace import Trace
from benchsuite.training import fingerprint, parameter_names
from benchsuite.version import case_version

#: Rounds that the seeds are spread over, unless the user says so or the chunks would get too large.
ROUNDS = 5


class Observer(Protocol):
    """Is told how the run of a case goes, to show it."""

    def begin(self, label: str, seeds: int, done: int) -> None:
        """So many seeds are to be trained, of which as many are done already."""

    def stage(self, stage: str) -> None:
        """Something that may take a while begins, such as compiling or a round."""

    def trained(self, seeds: float) -> None:
        """As much was trained as brings so many seeds from start to end."""

    def judged(self, seeds: int, converged: int) -> None:
        """A round has ended, after which there are so many seeds, and as many of them converged."""


def open_folder(settings: Settings) -> RunFolder:
    """The run folder that the settings ask for: a new one, or the one to resume.

    Raises:
        StoreError: it cannot be made or read.
        DeviceError: the device that was asked for is not there.
    """
    if settings.resume:
        return RunFolder(settings.run_dir) if settings.run_dir else RunFolder.latest()
    about = machine.describe(machine.devices(settings.platform))
    return RunFolder.create(settings.run_dir, about, vars(settings))


class CaseRun:
    """The run of one case in a folder: rounds that are there already are kept, the others are trained.

    Args:
        case: what to train.
        settings: what the user decided.
        folder: where the rows are left.
        observer: is told how it goes.

    Attributes:
        plan: how it is run.
        rounds: how many rounds `shards` gives.
        steady_rounds: how many of them do not run a program for the first time.

    Raises:
        BenchsuiteError: the case, its data, its device or its folder cannot be used as they are.
    """

    def __init__(self, case: Case, settings: Settings, folder: RunFolder, observer: Observer) -> None:
        self._folder, self._observer = folder, observer
        self._devices = machine.devices(settings.platform)
        self._problem = Problem.pose(case, settings)
        self.plan = make_plan(self._problem, settings, self._devices)
        self._done, self._starts = self._stored_shards(), folder.starts(case.id)
        done = [shard.seeds for shard in self._done]
        self._left = rounds_left(np.concatenate([*done, []]), self.plan.seeds, self.plan.round_size)
        self.rounds = len(self._done) + len(self._left)
        self.steady_rounds = self.rounds - sum(shard.first_run for shard in self._done) - bool(self._left)
        observer.begin(self.plan.label, self.plan.seeds, sum(len(shard.seeds) for shard in self._done))
        self._compile_or_recall()

    @property
    def has_rows(self) -> bool:
        """Whether a round has ended."""
        return bool(self._done)

    def shards(self) -> Iterator[Shard]:
        """The rows of every round: those of earlier runs first, then fresh ones, each on disk when it is given."""
        yield from list(self._done)
        self._train_starts()
        for number, seeds in enumerate(self._left):
            self._observer.stage(f"round {len(self._done) + 1} of {self.rounds}")
            shard = self._train(seeds, first_run=number == 0)
            self._folder.keep_shard(self.plan.id, shard)
            self._done.append(shard)
            # The figures so far, for the progress and for whoever looks while the run goes on.
            records = self.records()
            self._folder.keep_records(records)
            self._observer.judged(records[0].seeds, max(record.converged for record in records))
            yield shard

    def records(self) -> list[Record]:
        """The figures of the rounds that have ended, of which there must be one; those of each value of a sweep."""
        return summarise(self.plan, self._done, self._starts)

    def _stored_shards(self) -> list[Shard]:
        stored = self._folder.plan(self.plan.id)
        if stored is None:
            return []
        for name, now in self.plan.definition.items():
            before = stored.definition[name]
            if before != now:
                raise StoreError(
                    f"{self._folder.path} holds {self.plan.id} with {name} {before}, this run has {now}",
                    "resume with the same options, case and versions on the same machine, or start a new run",
                )
        shards = self._folder.shards(self.plan.id)
        for rows in (shard.rows for shard in shards):
            now = groups_of(self._problem.case, rows.start, len(rows))
            if now.keys() != rows.groups.keys() or any((now[name] != rows.groups[name]).any() for name in now):
                raise StoreError(
                    f"{self._folder.path} holds {self.plan.id} with other groups than this run has",
                    "start a new run",
                )
        return shards

    def _compile_or_recall(self) -> None:
        if self._left:
            self._problem.facts  # noqa: B018  # what fails here is not to fail after a round
            self._compile(self.plan.chunk_size)
            self._folder.keep_plan(self.plan)
        elif stored := self._folder.plan(self.plan.id):
            self.plan = stored

    def _compile(self, chunk_size: int) -> None:
        self._observer.stage("compiling")
        self._ensemble = Ensemble.fitting(self._problem, chunk_size, self._devices, self.plan.precision)
        self.plan = replace(
            self.plan,
            chunk_size=self._ensemble.chunk_size,
            device_count=len(self._ensemble.devices),
            predicted_bytes=self._ensemble.predicted_bytes,
            trace_seconds=self._ensemble.trace_seconds,
            compile_seconds=self._ensemble.compile_seconds,
            compile_cache=self._ensemble.compile_cache,
        )

    def _train_starts(self) -> None:
        """Train the named starts beside the random ones: untimed, and on the data of seed 0."""
        if not self.plan.starts or self._starts is not None:
            return
        self._observer.stage("named starts")
        values = start_values(self._problem.case, self.plan.starts, self.plan.parameter_names)
        ensemble = Ensemble.fitting(self._problem, len(values), self._devices, self.plan.precision, pinned=True)
        trace, _ = ensemble.train_from(values, seed=0)
        self._starts = self._judge(trace)
        self._folder.keep_starts(self.plan.id, self._starts, curves(trace))

    def _judge(self, trace: Trace) -> Rows:
        return Rows.judge(trace, self._problem.case, self.plan.parameter_names, self._problem.facts)

    def _train(self, seeds: np.ndarray, first_run: bool) -> Shard:
        traces: list[Trace] = []
        seconds = 0.0
        while len(seeds):
            chunk = seeds[: self._ensemble.chunk_size]
            trained = self._train_chunk(chunk)
            if trained is None:
                first_run = True
                continue
            traces.append(trained[0])
            seconds += trained[1]
            seeds = seeds[len(chunk) :]
        trace = Trace.join(traces)
        return Shard(
            self._judge(trace),
            curves(trace),
            seconds=seconds,
            first_run=first_run,
            chunk_size=self._ensemble.chunk_size,
            device_count=len(self._ensemble.devices),
        )

    def _train_chunk(self, chunk: np.ndarray) -> tuple[Trace, float] | None:
        """The trace and its seconds, or None after the chunk has turned out too large and was halved."""
        try:
            return self._ensemble.train(chunk, lambda share: self._observer.trained(share * len(chunk)))
        except OutOfMemoryError:
            smaller = half(self._ensemble.chunk_size)
        # Only here, outside of the handler, nothing holds on to the memory of the failed program any more.
        del self._ensemble
        self._compile(smaller)
        return None


def make_plan(problem: Problem, settings: Settings, devices: Sequence[Any]) -> Plan:
    """Settle everything about a run that does not need the compiler."""
    case, about = problem.case, machine.describe(devices)
    parameters = parameter_names(case)
    _check_names(case, parameters)
    seeds = settings.seeds or problem.schedule.seeds
    sweep = {case.sweep.option: list(case.sweep.values)} if case.sweep else {}
    trainings = case.restarts * (len(case.sweep.values) if case.sweep else 1)
    round_size = _round_size(seeds, settings.rounds, len(devices), largest_chunk(devices))
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
        claims=[claim.to_json() for claim in case.claims],
        starts={name: dict(start) for name, start in case.starts.items()},
        readings={diagnostic.name: diagnostic.reading for diagnostic in case.diagnostics},
        version=case_version(case, problem.schedule),
        program=fingerprint(case, problem.training, problem.data),
        steps=list(problem.training.steps),
        parameter_names=parameters,
        seeds=seeds,
        round_size=round_size,
        chunk_size=min(round_size, largest_chunk(devices, trainings)),
        precision=settings.precision,
        prng=prng.NAME,
        device=about["device"],
        platform=about["platform"],
        device_count=min(len(devices), round_size),
    )


def _check_names(case: Case, parameters: Sequence[str]) -> None:
    """Refuse what names a parameter or figure that the case does not have, before anything is trained."""
    start_values(case, case.starts, parameters)
    if case.groups and not parameters:
        raise CaseError(f"{case.name} has too many parameters to be grouped", "leave groups out")
    groups_of(case, {name: np.zeros(1) for name in parameters}, 1)
    figures = [*case.all_metrics, *(f"train.{name}" for name in ("loss", *case.metrics)), *parameters]
    figures += [diagnostic.name for diagnostic in case.diagnostics]
    for claim in case.claims:
        of = getattr(claim.check, "of", None)
        if of is not None and of not in figures:
            raise CaseError(
                f"case {case.name}: a claim speaks of {of!r}, which is not recorded", near_matches(of, figures)
            )


def _round_size(seeds: int, rounds: int | None, devices: int, largest: int) -> int:
    """Seeds of one round: as the user says, else a fifth of all, filling every device, but never all in one round."""
    if rounds:
        return -(-seeds // rounds)
    fifth = -(-seeds // ROUNDS)
    return min(-(-fifth // devices) * devices, largest, -(-seeds // 2))


def rounds_left(done: np.ndarray, seeds: int, round_size: int) -> list[np.ndarray]:
    """The seeds below `seeds` that are not among those `done`, cut into rounds."""
    missing = np.setdiff1d(np.arange(seeds), done)
    return [missing[i : i + round_size] for i in range(0, len(missing), round_size)]
