"""Train each case in a child process, which cannot harm the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from benchsuite.case import Case
from benchsuite.errors import BenchsuiteError
from benchsuite.execution.executors.base import RemoteTrainer
from benchsuite.execution.executors.job import Job, perform
from benchsuite.plugins import PluginId
from benchsuite.results import OnTrained, Plan, RoundResult
from benchsuite.settings import TrainingSettings
from benchsuite.system import machine, process

_KEPT = "; finished rounds are kept, use --resume to continue"


class ProcessChannel:
    """Performs operations in a child process.

    Args:
        child: serves `_serve_job`.
    """

    def __init__(self, child: process.ChildProcess) -> None:
        self._child = child

    def call(self, operation: str, *arguments: Any) -> Any:
        """Perform one operation and return its result."""
        return self._child.call("perform", operation, arguments)

    def train(self, rounds: Iterable[np.ndarray], on_trained: OnTrained) -> Iterator[RoundResult]:
        """Train rounds one after the other."""
        for seeds in rounds:
            yield self._child.call("perform", "train", [seeds], on_message=on_trained)


class SubprocessExecutor:
    """Trains each case in a child process, on all local devices.

    Args:
        left_out: plugins that no child process loads.
        of_objects: whether the cases are objects of a script.
    """

    def __init__(self, left_out: Iterable[PluginId], *, of_objects: bool = False) -> None:
        self._child: process.ChildProcess | None = None
        self._left_out, self._of_objects = tuple(left_out), of_objects

    def _start(self, subject: str, handlers: process.MakeHandlers, limit: float = math.inf) -> process.ChildProcess:
        self.stop()
        self._child = process.ChildProcess(subject, handlers, limit, _KEPT)
        return self._child

    def describe(self, training: TrainingSettings) -> dict[str, Any]:
        """Describe this machine, as `machine.describe` does."""
        child = self._start("the description of the machine", _serve_description)
        about: dict[str, Any] = child.call("describe", training.platform)
        return about

    def trainer(self, case: Case, training: TrainingSettings) -> RemoteTrainer:
        """Create the trainer of a case; it ends that of the case before."""
        job = Job.of_object(case, training) if self._of_objects else Job.of(case, training, left_out=self._left_out)
        handlers = partial(_serve_job, job)
        return RemoteTrainer(ProcessChannel(self._start(f"case {case.id}", handlers, training.time_limit or math.inf)))

    def stop(self) -> None:
        """End the child process, if there is one."""
        if self._child:
            self._child.stop()
            self._child = None


def plan_in_subprocess(job: Job, limit: float) -> Plan | None:
    """Plan a job in a child process; None where that fails.

    Args:
        job: the case.
        limit: seconds that it may take.
    """
    child = process.ChildProcess(f"case {job.name}", partial(_serve_job, job), limit)
    try:
        return RemoteTrainer(ProcessChannel(child)).plan
    except BenchsuiteError:
        return None
    finally:
        child.stop()


def _serve_job(job: Job, notify: process.Notify) -> Mapping[str, Callable[..., Any]]:
    """The handlers of a child process that trains a case."""
    trainer = job.trainer()
    return {"perform": lambda operation, arguments: perform(trainer, operation, arguments, notify)}


def _serve_description(_: process.Notify) -> Mapping[str, Callable[..., Any]]:
    return {"describe": _describe}


def _describe(platform: str) -> dict[str, Any]:
    machine.configure(platform)
    return machine.describe(machine.devices(platform))
