"""Open the executor that the settings name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager

from benchsuite.errors import OptionError
from benchsuite.execution.executors.base import Executor
from benchsuite.execution.executors.local import LOCAL_EXECUTOR
from benchsuite.plugins import PluginId
from benchsuite.settings import LOCAL, SLURM, TrainingSettings


@contextmanager
def open_executor(
    training: TrainingSettings, left_out: Iterable[PluginId] = (), *, of_objects: bool = False
) -> Iterator[Executor]:
    """Open the executor that the settings name, and close it at the end.

    Args:
        training: names the executor; a time limit requires child processes.
        left_out: plugins that could not be loaded, and are not tried again by other processes.
        of_objects: whether the cases are objects of a script, which other processes receive pickled.

    Raises:
        OptionError: a library that it requires is not installed.
        DeviceError: its scheduler cannot be reached.
    """
    if training.time_limit:
        from benchsuite.execution.executors.subprocess import SubprocessExecutor

        isolated = SubprocessExecutor(left_out, of_objects=of_objects)
        try:
            yield isolated
        finally:
            isolated.stop()
        return
    if training.executor == LOCAL:
        yield LOCAL_EXECUTOR
        return
    with _cluster(training.executor)(training, left_out, of_objects=of_objects) as cluster:
        yield cluster


def _cluster(name: str) -> Callable[..., AbstractContextManager[Executor]]:
    """Import the function that connects to the workers of an executor.

    Raises:
        OptionError: a library that it requires is not installed.
    """
    try:
        if name == SLURM:
            from benchsuite.execution.executors.slurm import connect_slurm

            return connect_slurm
        from benchsuite.execution.executors.dask import DaskExecutor

        return DaskExecutor.connect
    except ModuleNotFoundError as error:
        raise OptionError(
            f"--executor {name} requires {error.name}, which is not installed",
            f"install it with `pip install 'benchsuite[{name}]'`",
        ) from error
