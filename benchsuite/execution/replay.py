"""Train one seed or start of a case again, and keep every evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchsuite.case import Case
from benchsuite.execution.runner import Progress
from benchsuite.results import Outcome, Trace, classify
from benchsuite.settings import TrainingSettings
from benchsuite.system import machine
from benchsuite.variants import find_start

if TYPE_CHECKING:
    from benchsuite.engine import Problem


@dataclass(frozen=True)
class Replay:
    """One training with all of its evaluations.

    Args:
        problem: the case, with its schedule and data.
        what: the seed or start that was trained.
        trace: the evaluations of this one training.
        outcome: how it ended.
        seconds: training time.
    """

    problem: Problem
    what: str
    trace: Trace
    outcome: Outcome
    seconds: float

    @property
    def title(self) -> str:
        """The case, the seed or start, and the outcome."""
        return f"{self.problem.label}, {self.what}: {self.outcome.value}"


def replay_training(case: Case, settings: TrainingSettings, seed: int, start: str | None, progress: Progress) -> Replay:
    """Train one seed of a case, or a start on the data of that seed.

    Args:
        case: treated or not.
        settings: how to train.
        seed: which determines the start, unless one is given, and the data.
        start: one that the case names, or parameters such as "w=-10,b=0".
        progress: shows it.

    Raises:
        BenchsuiteError: the case, its start or its device cannot be used.
    """
    from benchsuite.engine import Ensemble, Problem, parameter_names

    problem, devices = Problem.load(case, settings), machine.devices(settings.platform)
    what = f"seed {seed}" if start is None else f"start {start}" + (f" on the data of seed {seed}" if seed else "")
    values = None if start is None else find_start(case, start, parameter_names(case))
    progress.begin(f"{problem.label}, {what}", 1, 0)
    progress.stage("compiling")
    ensemble = Ensemble.fitting(problem, devices[:1], pinned=values is not None)
    progress.stage("training")
    if values is None:
        trace, seconds = ensemble.train(np.array([seed]), progress.advance)
    else:
        trace, seconds = ensemble.train_from(values, seed, progress.advance)
    return Replay(problem, what, trace, Outcome(classify(trace, case.criterion)[0]), seconds)
