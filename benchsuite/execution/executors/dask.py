"""Rounds that Dask's workers train: each a pure function of case, options and seeds, so that any may be run again."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import dask
import numpy as np
from distributed import Client, KilledWorker, LocalCluster, WorkerPlugin, as_completed, get_worker
from distributed.client import ClosedClientError, FutureCancelledError
from distributed.comm.core import CommClosedError

from benchsuite.case import Case
from benchsuite.engine import OnTrained, Trainer
from benchsuite.errors import DeviceError
from benchsuite.execution.executors.job import Job
from benchsuite.plugins import PluginId
from benchsuite.results import Columns, Plan, RoundResult, SeedTable, Surface
from benchsuite.settings import Settings
from benchsuite.system import machine

#: Seconds to wait for the scheduler, and for its first worker.
PATIENCE = 60

#: A worker that compiles says nothing for a while.
_CONFIG = {"distributed.scheduler.worker-ttl": "30 minutes"}


class Worker:
    """What runs on a worker, where one job at a time is kept ready."""

    _job: Job | None = None
    _trainer: Trainer | None = None
    _compiled = False

    @classmethod
    def _ready(cls, job: Job, plan: Plan | None = None) -> Trainer:
        """The job's trainer, which must train the same as the one that made `plan`."""
        if (threads := get_worker().state.nthreads) != 1:
            raise DeviceError(
                f"worker {get_worker().name} trains {threads} rounds at a time, which disturb each other",
                "start it with --nthreads 1: a round takes all cores by itself",
            )
        if cls._trainer is None or cls._job != job:
            cls._trainer = None  # whose data and program must not take the room of those of the next
            cls._job, cls._trainer, cls._compiled = job, job.trainer(), False
        for name, here in cls._trainer.plan.definition.items():
            if plan and plan.definition[name] != here:
                raise DeviceError(
                    f"worker {get_worker().name} has another {name}: {here}, not {plan.definition[name]}",
                    "give all workers the same versions, data and devices",
                )
        return cls._trainer

    @classmethod
    def plan(cls, job: Job) -> Plan:
        """How the case is run."""
        return cls._ready(job).plan

    @classmethod
    def compile(cls, job: Job, plan: Plan) -> Plan:
        """The same with what compiling told, once a worker."""
        trainer = cls._ready(job, plan)
        if not cls._compiled:
            trainer.compile()
            cls._compiled = True
        return trainer.plan

    @classmethod
    def train_starts(cls, job: Job, plan: Plan) -> tuple[SeedTable, Columns]:
        """Train the named starts."""
        return cls._ready(job, plan).train_starts()

    @classmethod
    def groups(cls, job: Job, plan: Plan, start: Columns, seeds: int) -> dict[str, np.ndarray]:
        """Which of the case's groups so many seeds started in."""
        return cls._ready(job, plan).groups(start, seeds)

    @classmethod
    def surfaces(cls, job: Job, plan: Plan, seen: Columns) -> list[Surface]:
        """The loss over the parameters, for a page."""
        return cls._ready(job, plan).surfaces(seen)

    @classmethod
    def train(cls, job: Job, plan: Plan, seeds: np.ndarray) -> RoundResult:
        """Train a round."""
        cls.compile(job, plan)
        (round_result,) = cls._ready(job, plan).train([seeds], lambda _: None)
        return round_result

    @classmethod
    def describe(cls, settings: Settings) -> dict[str, Any]:
        """What it measures on."""
        machine.configure(settings.platform)
        return machine.describe(machine.devices(settings.platform))


class Pin(WorkerPlugin):
    """Keeps every worker of a cluster on this machine to its share of the cores, also after it was started again."""

    idempotent = True

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def setup(self, worker: Any) -> None:
        """Run when a worker has started, before its JAX does."""
        if hasattr(os, "sched_setaffinity"):
            cores = sorted(os.sched_getaffinity(0))
            number = int(worker.name) % self._workers
            os.sched_setaffinity(0, cores[number :: self._workers] or [cores[number % len(cores)]])


class DaskTrainer:
    """Trains rounds of a case by the workers of a client."""

    def __init__(self, client: Client, job: Job) -> None:
        self._client, self._job = client, job
        self._run = uuid.uuid4().hex  # so that no other run's results are taken for those of this one
        self.plan = self._ask(Worker.plan)

    def _ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        with _failures_told():
            future = self._client.submit(function, self._job, *arguments, pure=False)
            try:
                return future.result()
            finally:
                with suppress(ClosedClientError):
                    future.cancel()

    def compile(self) -> Plan:
        """Compile the program on one worker; the others do so with their first round."""
        self.plan = self._ask(Worker.compile, self.plan)
        return self.plan

    def train_starts(self) -> tuple[SeedTable, Columns]:
        """Train the named starts; gives their rows and learning curves."""
        rows, curves = self._ask(Worker.train_starts, self.plan)
        return rows, curves

    def groups(self, start: Columns, seeds: int) -> dict[str, np.ndarray]:
        """Which of the case's groups so many seeds started in."""
        found: dict[str, np.ndarray] = self._ask(Worker.groups, self.plan, start, seeds)
        return found

    def surfaces(self, seen: Columns) -> list[Surface]:
        """The loss over the parameters, for a page."""
        surfaces: list[Surface] = self._ask(Worker.surfaces, self.plan, seen)
        return surfaces

    def train(self, rounds: Iterable[np.ndarray], on_trained: OnTrained) -> Iterator[RoundResult]:
        """Train rounds on all workers; gives each when it ends."""
        with _failures_told():
            futures = [
                self._client.submit(
                    Worker.train,
                    self._job,
                    self.plan,
                    seeds,
                    key=f"{self._job.case}-{self._run}-{seeds[0]}-{seeds[-1]}",
                )
                for seeds in rounds
            ]
        try:
            with _failures_told():
                for future in as_completed(futures, loop=self._client.loop):
                    round_result = future.result()
                    on_trained(len(round_result.seeds))
                    future.release()
                    yield round_result
        finally:
            with suppress(ClosedClientError):
                self._client.cancel(futures)


class DaskExecutor:
    """An executor of Dask workers: those of a scheduler, or some that are started on this machine.

    Args:
        client: is connected to the scheduler.
        left_out: plugins that no worker is to load.
    """

    def __init__(self, client: Client, left_out: Iterable[PluginId] = ()) -> None:
        self._client, self._left_out = client, tuple(left_out)

    @classmethod
    @contextmanager
    def connect(cls, settings: Settings, left_out: Iterable[PluginId] = ()) -> Iterator[DaskExecutor]:
        """The executor that the settings ask for, for as long as it is needed.

        Raises:
            DeviceError: the scheduler cannot be reached, or has no worker.
        """
        for name in ("distributed", "distributed.client"):  # what matters is told as our own sentences
            logging.getLogger(name).setLevel(logging.CRITICAL)
        with dask.config.set(_CONFIG):
            opened = cls._existing(settings.scheduler) if settings.scheduler else cls._started(settings.workers)
            with opened as client:
                yield cls(client, left_out)

    @staticmethod
    @contextmanager
    def _existing(address: str) -> Iterator[Client]:
        hint = "check its address, and that workers of the same versions are connected"
        try:
            client = Client(address, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            raise DeviceError(f"there is no Dask scheduler at {address}: {error}", hint) from error
        with client:
            try:
                client.wait_for_workers(1, timeout=PATIENCE)
            except TimeoutError as error:
                raise DeviceError(f"the Dask scheduler at {address} has no worker", hint) from error
            yield client

    @staticmethod
    @contextmanager
    def _started(workers: int | None) -> Iterator[Client]:
        count = workers or machine.cores()
        with (
            LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                memory_limit=0,
                dashboard_address="127.0.0.1:0",  # any free port: two clusters at once are no reason for a warning
                silence_logs=logging.CRITICAL,
            ) as cluster,
            Client(cluster, set_as_default=False) as client,
        ):
            client.register_plugin(Pin(count))
            yield client

    @property
    def workers(self) -> int:
        """How many workers there are now."""
        return max(1, len(self._client.scheduler_info(n_workers=-1)["workers"]))

    def describe(self, settings: Settings) -> dict[str, Any]:
        """What one of the workers measures on, and how many there are."""
        with _failures_told():
            about = self._client.submit(Worker.describe, settings, pure=False).result()
        return {**about, "executor": settings.executor, "workers": self.workers}

    def trainer(self, case: Case, settings: Settings) -> DaskTrainer:
        """Who trains a case."""
        return DaskTrainer(self._client, Job.of(case, settings, self.workers, self._left_out))


@contextmanager
def _failures_told() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise DeviceError(
            f"a worker lacks {error.name}", "install benchsuite and its plugins for all workers, in the same versions"
        ) from error
    except RuntimeError as error:
        if "deserialization" not in str(error):
            raise
        raise DeviceError("the Dask scheduler cannot read what it is sent", "install benchsuite there") from error
    except KilledWorker as error:
        raise DeviceError(
            "a round has killed several workers, one after the other",
            "look for memory that runs out; finished rounds are kept, --resume goes on from them",
        ) from error
    except (ClosedClientError, CommClosedError, FutureCancelledError, TimeoutError, OSError) as error:
        raise DeviceError(
            f"the Dask scheduler is gone: {type(error).__name__}",
            "start it again; finished rounds are kept, --resume goes on from them",
        ) from error
