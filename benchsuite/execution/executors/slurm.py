"""Train rounds on Dask workers that run as jobs of a SLURM cluster."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from dask_jobqueue import SLURMCluster
from dask_jobqueue.slurm import SLURMJob
from distributed import Client, Status

from benchsuite.errors import DeviceError
from benchsuite.execution.executors.dask import DaskExecutor, dask_settings
from benchsuite.plugins import PluginId
from benchsuite.settings import TrainingSettings

#: Jobs that are submitted by default.
JOBS = 4

#: Where SLURM writes what the workers print, in the working folder.
LOGS = Path(".benchsuite") / "slurm"

#: Options of sbatch that dask-jobqueue sets, by their start: the settings name them, or the cluster's defaults hold.
_LEFT_OUT = ["--cpus-per-task", "--mem", "-t "]


@contextmanager
def connect_slurm(
    training: TrainingSettings, left_out: Iterable[PluginId] = (), *, of_objects: bool = False
) -> Iterator[DaskExecutor]:
    """Submit jobs that are one worker each, wait until all run, and cancel them at the end.

    Args:
        training: how many workers, and the options of sbatch.
        left_out: plugins that no worker loads.
        of_objects: whether the cases are objects of a script.

    Raises:
        DeviceError: jobs cannot be submitted.
    """
    jobs = training.workers or JOBS
    if not shutil.which("sbatch"):
        raise DeviceError("there is no command sbatch", "start benchsuite on a node that can submit jobs")
    SlurmJob.refusals.clear()  # of an earlier session of this process
    sys.stderr.write(f"note: waiting for {jobs} SLURM jobs; their output is in {LOGS}\n")
    with dask_settings(), _submitted(training, jobs) as cluster, Client(cluster, set_as_default=False) as client:
        _wait(client, jobs)
        yield DaskExecutor(client, left_out, of_objects=of_objects)


class SlurmJob(SLURMJob):  # type: ignore[misc]  # without annotations
    """A job that keeps the message of sbatch where its submission fails, as Dask would only log it and wait."""

    refusals: ClassVar[list[str]] = []

    async def start(self) -> None:
        """Submit the job."""
        try:
            await super().start()
        except RuntimeError as error:  # ends with what sbatch prints
            self.refusals.append(str(error).strip().splitlines()[-1])
            self.status = Status.failed


def _wait(client: Client, jobs: int) -> None:
    """Wait until all jobs run, however long they are queued.

    Raises:
        DeviceError: SLURM refuses one.
    """
    while True:
        try:
            client.wait_for_workers(jobs, timeout=5)
        except TimeoutError:
            if SlurmJob.refusals:
                message = f"submitting SLURM jobs failed: {SlurmJob.refusals.pop()}"
                raise DeviceError(message, "check the values of --slurm") from None
        else:
            return


def _submitted(training: TrainingSettings, jobs: int) -> SLURMCluster:
    """Start a scheduler in this process, and submit the jobs."""
    return SLURMCluster(
        n_workers=jobs,
        job_cls=SlurmJob,
        cores=1,  # rounds that a worker trains at a time
        processes=1,
        memory="1GB",  # unused: SLURM limits it
        job_directives_skip=_LEFT_OUT,
        job_extra_directives=[f"--{option}" for option in training.slurm],
        worker_extra_args=["--no-dashboard", "--memory-limit", "0"],
        death_timeout=300,
        log_directory=str(LOGS),
        scheduler_options={"dashboard_address": ":0"},
    )
