"""Executors: where the rounds of a run are trained.

In: a case and its training settings.
Out: trained rounds, from this process, a child process or Dask workers.
"""

from benchsuite.execution.executors.base import Executor, RoundTrainer
from benchsuite.execution.executors.job import Job
from benchsuite.execution.executors.local import LOCAL_EXECUTOR
from benchsuite.execution.executors.opening import open_executor
from benchsuite.execution.executors.subprocess import plan_in_subprocess

__all__ = ["LOCAL_EXECUTOR", "Executor", "Job", "RoundTrainer", "open_executor", "plan_in_subprocess"]
