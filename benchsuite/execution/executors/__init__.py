"""Executors: where the rounds of a run are trained.

In: a case and its training settings.
Out: trained rounds, from this process, a child process or Dask workers.
"""

from benchsuite.execution.executors.base import LOCAL_EXECUTOR, Executor, open_executor
from benchsuite.execution.executors.job import Job

__all__ = ["LOCAL_EXECUTOR", "Executor", "Job", "open_executor"]
