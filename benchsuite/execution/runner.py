"""Train one case in a run folder: plan, compile, timed rounds, outcomes, summary."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol

import numpy as np

from benchsuite.case import Case
from benchsuite.errors import StoreError
from benchsuite.execution.executors import LOCAL_EXECUTOR, Executor
from benchsuite.execution.forecast import seeds_for
from benchsuite.plugins import RoundFinished
from benchsuite.results import Accumulator, RoundResult, SeedTable, Summary
from benchsuite.seeds import SeedNumbers, parse_seeds
from benchsuite.settings import OutputSettings, TrainingSettings
from benchsuite.store import RunFolder
from benchsuite.system import signals

#: Number of seeds whose parameters determine the extent of a landscape.
STARTS_SHOWN = 24


class Progress(Protocol):
    """Shows the progress of a case."""

    def begin(self, label: str, seeds: int, done: int) -> None:
        """Called once: the total number of seeds, and those that are stored already."""

    def stage(self, stage: str) -> None:
        """Called when a stage begins, such as compiling or a round."""

    def advance(self, seeds: float) -> None:
        """Called with the number of seeds trained since the last call; fractions for parts of one."""

    def update_rate(self, seeds: int, converged: int) -> None:
        """Called after each round with the number of trained and of converged seeds."""


def open_folder(training: TrainingSettings, output: OutputSettings, executor: Executor = LOCAL_EXECUTOR) -> RunFolder:
    """Create the run folder that the settings name, or open the one to resume.

    Raises:
        StoreError: it cannot be created or read.
        DeviceError: the requested device is not available.
    """
    if output.resume:
        return RunFolder(output.run_dir) if output.run_dir else RunFolder.latest()
    return RunFolder.create(output.run_dir, executor.describe(training), vars(training) | vars(output))


class CaseRun:
    """Trains one case in a folder: stored rounds are kept, missing ones are trained.

    Args:
        case: to train.
        settings: how to train.
        folder: for the rows.
        progress: shows it.
        executor: trains the rounds.

    Attributes:
        plan: how the case is trained.
        rounds: number of rounds that `round_results` yields.
        steady_rounds: number of those that do not run a program for the first time.
        on_round: called after each round that was trained.

    Raises:
        BenchsuiteError: the case, its data, device or folder cannot be used.
    """

    def __init__(
        self,
        case: Case,
        settings: TrainingSettings,
        folder: RunFolder,
        progress: Progress,
        executor: Executor = LOCAL_EXECUTOR,
    ) -> None:
        self._folder, self._progress = folder, progress
        self.on_round: Callable[[RoundFinished], None] = lambda _: None
        if settings.half_width is not None:
            settings = replace(settings, half_width=None, seeds=seeds_for(case, settings, folder))
        self._trainer = executor.trainer(case, settings)
        self.plan = self._trainer.plan
        self._done, self._starts = self._stored_rounds(), folder.starts(case.id)
        done = np.concatenate([np.empty(0, int), *(round_result.seeds for round_result in self._done)])
        self._left = rounds_left(done, self.plan.seed_choice, self.plan.round_size)
        self._seeds = _joined(self.plan.seed_choice, done)
        self.plan = self.plan.with_seeds(self._seeds)
        self.rounds = len(self._done) + len(self._left)
        first_runs = sum(round_result.first_run for round_result in self._done) + min(
            self.plan.workers, len(self._left)
        )
        self.steady_rounds = self.rounds - first_runs
        progress.begin(self.plan.label, self.plan.seeds, sum(len(round_result.seeds) for round_result in self._done))
        self._compile_or_recall()
        self._figures = Accumulator(self.plan, self._done)
        self._done = self._figures.round_results

    @property
    def has_rows(self) -> bool:
        """Whether any round has ended."""
        return bool(self._done)

    def round_results(self) -> Iterator[RoundResult]:
        """Yield stored rounds, then train and save the missing ones, and yield each."""
        yield from list(self._done)
        if self._done and not self._left:  # a run that ended between its last round and its summary
            self._train_starts()
            self._folder.write_summaries(self.summaries())
        self._announce_round()
        for round_result in self._trainer.train(self._left, self._trained):
            self._keep(round_result)
            yield round_result
            self._announce_round()

    def summaries(self) -> list[Summary]:
        """Summarise the rounds that have ended, at least one; a summary per value of a sweep."""
        return self._figures.summaries(self._starts)

    def write_surfaces(self) -> None:
        """Save the loss over the parameters, for an HTML page; nothing for a treated or swept case.

        Raises:
            BenchsuiteError: it cannot be evaluated or written.
        """
        plan = self.plan
        if plan.treatment or plan.sweep or plan.setting or not self._done or self._folder.surfaces(plan.id):
            return
        self._progress.stage("landscape")
        rows = SeedTable.join([round_result.rows for round_result in self._done])[:STARTS_SHOWN]
        seen = {name: np.concatenate([rows.start[name], rows.end[name]]) for name in rows.start}
        if surfaces := self._trainer.surfaces(seen):
            self._folder.write_surfaces(plan.id, surfaces)

    def _trained(self, seeds: float) -> None:
        self._progress.advance(seeds)
        signals.raise_if_terminated()

    def _announce_round(self) -> None:
        if len(self._done) < self.rounds:
            self._progress.stage(f"round {len(self._done) + 1} of {self.rounds}")

    def _keep(self, round_result: RoundResult) -> None:
        self._folder.write_round(self.plan.id, round_result)
        self._figures.add(round_result)
        if len(self._done) == self.rounds:
            self._train_starts()
        if self._figures.due:
            self._folder.write_summaries(self.summaries())
        self._progress.update_rate(self._figures.seeds, self._figures.converged)
        self.on_round(self._event(round_result))

    def _event(self, round_result: RoundResult) -> RoundFinished:
        return RoundFinished(
            case=self.plan.id,
            number=len(self._done),
            rounds=self.rounds,
            seeds=len(round_result.seeds),
            first_seed=int(round_result.seeds[0]),
            last_seed=int(round_result.seeds[-1]),
            seconds=round_result.seconds,
            trained=self._figures.seeds,
            converged=self._figures.converged,
        )

    def _stored_rounds(self) -> list[RoundResult]:
        stored = self._folder.plan(self.plan.id)
        if stored is None:
            return []
        for name, now in self.plan.definition.items():
            before = stored.definition[name]
            if before != now:
                raise StoreError(
                    f"{self._folder.path} holds {self.plan.id} with {name} {before}, this run has {now}",
                    "resume with the same options, case, versions and machine, or start a new run",
                )
        round_results = self._folder.round_results(self.plan.id)
        for rows in (round_result.rows for round_result in round_results):
            now = self._trainer.groups(rows.start, len(rows))
            if now.keys() != rows.groups.keys() or any((now[name] != rows.groups[name]).any() for name in now):
                raise StoreError(
                    f"{self._folder.path} holds {self.plan.id} with groups that differ from those of this run",
                    "start a new run",
                )
        return round_results

    def _compile_or_recall(self) -> None:
        if self._left:
            self._progress.stage("compiling")
            self.plan = self._trainer.compile().with_seeds(self._seeds)
            self._folder.write_plan(self.plan)
        elif stored := self._folder.plan(self.plan.id):
            self.plan = stored

    def _train_starts(self) -> None:
        """Train the named starts of the case, unless they are stored."""
        if not self.plan.starts or self._starts is not None:
            return
        self._progress.stage("named starts")
        self._starts, curves = self._trainer.train_starts()
        self._folder.write_starts(self.plan.id, self._starts, curves)


def _joined(seeds: int | SeedNumbers, done: np.ndarray) -> int | SeedNumbers:
    """The seeds of a run that is resumed: those that are wanted, and those that are stored."""
    wanted = SeedNumbers.of(seeds).as_array()
    more = np.setdiff1d(done, wanted)
    return parse_seeds(np.concatenate([wanted, more])) if len(more) else seeds


def rounds_left(done: np.ndarray, seeds: int | SeedNumbers, round_size: int) -> list[np.ndarray]:
    """Split the seeds that are not `done` into rounds."""
    missing = np.setdiff1d(SeedNumbers.of(seeds).as_array(), done)
    return [missing[i : i + round_size] for i in range(0, len(missing), round_size)]
