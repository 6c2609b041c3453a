"""Train rounds on Dask workers.

A round is a pure function of case, settings and seeds, so that any worker can run it, and run it again.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import dask
import numpy as np
from distributed import Client, Future, KilledWorker, LocalCluster, WorkerPlugin, as_completed, get_worker
from distributed.client import ClosedClientError, FutureCancelledError
from distributed.comm.core import CommClosedError

from benchsuite.case import Case
from benchsuite.errors import DeviceError
from benchsuite.execution.executors.base import RemoteTrainer, RoundTrainer
from benchsuite.execution.executors.job import Job, perform
from benchsuite.plugins import PluginId
from benchsuite.results import OnTrained, Plan, RoundResult
from benchsuite.settings import AUTO, TrainingSettings
from benchsuite.system import gpus, machine

#: Seconds to wait for the scheduler, and for its first worker.
PATIENCE = 60

#: The share of a GPU's memory that JAX allocates by default.
GPU_MEMORY = 0.75

#: A worker sends no heartbeat while it compiles.
_CONFIG = {"distributed.scheduler.worker-ttl": "30 minutes"}


class Worker:
    """The state of a Dask worker: the trainer of the latest job."""

    _job: Job | None = None
    _trainer: RoundTrainer | None = None
    _compiled = False

    @classmethod
    def call(cls, job: Job, plan: Plan | None, operation: str, *arguments: Any) -> Any:
        """Perform an operation of the job's trainer on this worker.

        Args:
            job: the case.
            plan: of the run, which this worker must agree with; None where there is none yet.
            operation: see `perform`.
            arguments: of the operation.

        Raises:
            DeviceError: the worker trains several rounds at a time, or would train something else.
        """
        trainer = cls._ready(job, plan)
        if operation in ("compile", "train"):
            compiled = cls._compile(trainer)
            if operation == "compile":
                return compiled
        return perform(trainer, operation, arguments, lambda _: None)

    @classmethod
    def _ready(cls, job: Job, plan: Plan | None) -> RoundTrainer:
        """The job's trainer, which must train the same as the one that made `plan`."""
        if (threads := get_worker().state.nthreads) != 1:
            raise DeviceError(
                f"worker {get_worker().name} trains {threads} rounds at a time; expected 1",
                "start it with --nthreads 1, because a round uses all cores",
            )
        if cls._trainer is None or cls._job != job:
            cls._trainer = None  # frees its data and program before those of the next job are made
            cls._job, cls._trainer, cls._compiled = job, job.trainer(), False
        for name, here in cls._trainer.plan.definition.items():
            if plan and plan.definition[name] != here:
                raise DeviceError(
                    f"worker {get_worker().name} has another {name}: {here}, not {plan.definition[name]}",
                    "give all workers the same versions, data and devices",
                )
        return cls._trainer

    @classmethod
    def _compile(cls, trainer: RoundTrainer) -> Plan:
        """Compile the program unless this worker has done so; returns the plan with its measurements."""
        if not cls._compiled:
            trainer.compile()
            cls._compiled = True
        return trainer.plan

    @classmethod
    def describe(cls, platform: str) -> dict[str, Any]:
        """Describe the machine of this worker."""
        machine.configure(platform)
        return machine.describe(machine.devices(platform))


class Pin(WorkerPlugin):
    """Restricts each local worker to its share of the cores and to one GPU, also after a restart.

    Args:
        workers: number of workers.
        devices: the GPUs that they share, as `CUDA_VISIBLE_DEVICES` names them; none where they train on CPUs.
    """

    idempotent = True

    def __init__(self, workers: int, devices: Sequence[str] = ()) -> None:
        self._workers, self._devices = workers, list(devices)

    def setup(self, worker: Any) -> None:
        """Set the CPU affinity and the GPU of a worker, before it imports JAX."""
        number = int(worker.name) % self._workers
        if self._devices:
            os.environ.update(gpu_environment(number, self._workers, self._devices))
        if hasattr(os, "sched_setaffinity"):
            cores = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(0, cores[number :: self._workers] or [cores[number % len(cores)]])


def gpu_environment(number: int, workers: int, devices: Sequence[str]) -> dict[str, str]:
    """The variables that restrict a worker to its GPU, and to its share of the memory where several workers share one.

    Args:
        number: of the worker.
        workers: how many there are.
        devices: GPUs, as `CUDA_VISIBLE_DEVICES` names them.
    """
    place = number % len(devices)
    variables = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", gpus.VISIBLE: devices[place]}
    sharing = len(range(place, workers, len(devices)))
    if sharing > 1:
        variables["XLA_PYTHON_CLIENT_MEM_FRACTION"] = f"{GPU_MEMORY / sharing:.3f}"
    return variables


def _gpus_for(platform: str) -> list[str]:
    """The GPUs that workers on this machine would train on; none where they train on CPUs."""
    wanted = platform == "gpu" or (platform == AUTO and os.environ.get("JAX_PLATFORMS", "cuda") in ("cuda", "gpu"))
    return gpus.visible_gpus() if wanted else []


class DaskChannel:
    """Performs operations on the workers of a client.

    Args:
        client: connected to the scheduler.
        job: the case.
    """

    def __init__(self, client: Client, job: Job) -> None:
        self._client, self._job = client, job
        self._run = uuid.uuid4().hex  # distinguishes the results of this run from those of others
        self._plan: Plan | None = None

    def call(self, operation: str, *arguments: Any) -> Any:
        """Perform one operation on any worker and return its result."""
        with _translated_errors():
            future = self._submit(operation, *arguments, pure=False)
            try:
                result = future.result()
            finally:
                with suppress(ClosedClientError):
                    future.cancel()
        if isinstance(result, Plan):
            self._plan = result
        return result

    def train(self, rounds: Iterable[np.ndarray], on_trained: OnTrained) -> Iterator[RoundResult]:
        """Train rounds on all workers and yield each when it ends."""
        with _translated_errors():
            futures = [self._submit("train", seeds, key=self._key(seeds)) for seeds in rounds]
        try:
            with _translated_errors():
                for future in as_completed(futures, loop=self._client.loop):
                    round_result = future.result()
                    on_trained(len(round_result.seeds))
                    future.release()
                    yield round_result
        finally:
            with suppress(ClosedClientError):
                self._client.cancel(futures)

    def _submit(self, operation: str, *arguments: Any, **how: Any) -> Future[Any]:
        return self._client.submit(Worker.call, self._job, self._plan, operation, *arguments, **how)

    def _key(self, seeds: np.ndarray) -> str:
        return f"{self._job.case}-{self._run}-{seeds[0]}-{seeds[-1]}"


@contextmanager
def dask_settings() -> Iterator[None]:
    """Configure Dask for workers that compile; its log is silenced, as its errors are translated."""
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with dask.config.set(_CONFIG):
        yield


class DaskExecutor:
    """Trains on Dask workers: those of a scheduler, or some started on this machine.

    Args:
        client: connected to the scheduler.
        left_out: plugins that no worker loads.
        of_objects: whether the cases are objects of a script.
    """

    def __init__(self, client: Client, left_out: Iterable[PluginId] = (), *, of_objects: bool = False) -> None:
        self._client, self._left_out, self._of_objects = client, tuple(left_out), of_objects

    @classmethod
    @contextmanager
    def connect(
        cls, training: TrainingSettings, left_out: Iterable[PluginId] = (), *, of_objects: bool = False
    ) -> Iterator[DaskExecutor]:
        """Connect to the scheduler that the settings name, or start workers.

        Raises:
            DeviceError: the scheduler cannot be reached, or has no worker.
        """
        with dask_settings():
            opened = cls._existing(training.scheduler) if training.scheduler else cls._started(training)
            with opened as client:
                yield cls(client, left_out, of_objects=of_objects)

    @staticmethod
    @contextmanager
    def _existing(address: str) -> Iterator[Client]:
        hint = "check --scheduler, and connect workers of the same versions"
        try:
            client = Client(address, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            raise DeviceError(f"connecting to a Dask scheduler at {address} failed: {error}", hint) from error
        with client:
            try:
                client.wait_for_workers(1, timeout=PATIENCE)
            except TimeoutError as error:
                raise DeviceError(f"the Dask scheduler at {address} has no worker", hint) from error
            yield client

    @staticmethod
    @contextmanager
    def _started(training: TrainingSettings) -> Iterator[Client]:
        devices = _gpus_for(training.platform)
        count = training.workers or len(devices) or machine.cores()
        with (
            LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                memory_limit=0,
                dashboard_address="127.0.0.1:0",  # any free port: two clusters at once would cause a warning
                silence_logs=logging.CRITICAL,
            ) as cluster,
            Client(cluster, set_as_default=False) as client,
        ):
            client.register_plugin(Pin(count, devices))
            yield client

    @property
    def workers(self) -> int:
        """The current number of workers."""
        return max(1, len(self._client.scheduler_info(n_workers=-1)["workers"]))

    def describe(self, training: TrainingSettings) -> dict[str, Any]:
        """Describe the machine of one worker, with the number of workers."""
        with _translated_errors():
            about = self._client.submit(Worker.describe, training.platform, pure=False).result()
        return {**about, "executor": training.executor, "workers": self.workers}

    def trainer(self, case: Case, training: TrainingSettings) -> RemoteTrainer:
        """Create the trainer of a case."""
        job = (
            Job.of_object(case, training, self.workers)
            if self._of_objects
            else Job.of(case, training, self.workers, self._left_out)
        )
        return RemoteTrainer(DaskChannel(self._client, job))


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Convert the errors of Dask to those of the suite."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise DeviceError(
            f"module {error.name} is not installed on a worker",
            "install benchsuite and its plugins for all workers, in the same versions",
        ) from error
    except RuntimeError as error:
        if "deserialization" not in str(error):
            raise
        raise DeviceError(
            "the Dask scheduler cannot deserialise a job", "install benchsuite in its environment"
        ) from error
    except KilledWorker as error:
        raise DeviceError(
            "a round has killed several workers in succession",
            "check the memory of the workers; finished rounds are kept, use --resume to continue",
        ) from error
    except (ClosedClientError, CommClosedError, FutureCancelledError, TimeoutError, OSError) as error:
        raise DeviceError(
            f"the connection to the Dask scheduler was lost: {type(error).__name__}",
            "restart the scheduler; finished rounds are kept, use --resume to continue",
        ) from error
