"""Rounds that are trained by Dask's workers leave what rounds trained here leave, whatever becomes of a worker."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from toys import Notes

from benchsuite.errors import DeviceError, OptionError
from benchsuite.execution.executors import dask as cluster
from benchsuite.execution.executors.dask import DaskExecutor, Job, Worker
from benchsuite.execution.executors.opening import open_executor
from benchsuite.execution.runner import CaseRun, open_folder
from benchsuite.plugins.registry import load_registry
from benchsuite.results.seeds import SeedTable
from benchsuite.settings import OutputSettings, TrainingSettings
from benchsuite.store.folder import RunFolder
from benchsuite.store.results import read_results

# Dask's sockets are closed by its own threads, some of them after the test.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

SETTINGS = TrainingSettings(seeds=12, rounds=6, executor="dask", workers=2, platform="cpu")


@pytest.fixture(scope="module")
def workers() -> Iterator[DaskExecutor]:
    """Two of them."""
    with DaskExecutor.connect(SETTINGS) as connected:
        yield connected


def rows(folder: RunFolder) -> SeedTable:
    """All rows of relu-to-relu."""
    (result,) = read_results(RunFolder(folder.path))
    return result.rows


def assert_same_rows(one: SeedTable, other: SeedTable) -> None:
    """To the last bit."""
    assert one.columns.keys() == other.columns.keys()
    for name, column in one.columns.items():
        np.testing.assert_array_equal(column, other.columns[name], name)


@pytest.fixture(scope="module")
def trained_here(tmp_path_factory: pytest.TempPathFactory) -> SeedTable:
    """The same seeds by this process, as many side by side on each device as there are on a worker's."""
    here = {"executor": "local", "workers": None, "rounds": 3}
    settings = replace(SETTINGS, **here)
    folder = open_folder(settings, OutputSettings(run_dir=tmp_path_factory.mktemp("runs") / "here"))
    for _ in CaseRun(load_registry().case("relu-to-relu"), settings, folder, Notes()).round_results():
        pass
    return rows(folder)


def test_rows_are_those_of_one_process(workers: DaskExecutor, trained_here: SeedTable, tmp_path: Path) -> None:
    """The summaries say who trained them; progress is told round by round."""
    notes = Notes()
    folder = open_folder(SETTINGS, OutputSettings(run_dir=tmp_path / "run"), workers)
    run = CaseRun(load_registry().case("relu-to-relu"), SETTINGS, folder, notes, workers)

    round_results = list(run.round_results())

    assert_same_rows(rows(folder), trained_here)
    assert {len(round_result.seeds) for round_result in round_results} == {2}
    (summary,) = run.summaries()
    assert (summary.executor, summary.workers, summary.device_count) == ("dask", 2, 1)
    assert (folder.machine["executor"], folder.machine["workers"]) == ("dask", 2)
    assert folder.starts("relu-to-relu") is not None


def test_killed_worker_costs_no_row(workers: DaskExecutor, trained_here: SeedTable, tmp_path: Path) -> None:
    """Its round goes to the other, and another takes its place."""
    folder = open_folder(SETTINGS, OutputSettings(run_dir=tmp_path / "run"), workers)
    round_results = CaseRun(load_registry().case("relu-to-relu"), SETTINGS, folder, Notes(), workers).round_results()
    next(round_results)

    os.kill(next(iter(workers._client.run(os.getpid).values())), signal.SIGKILL)
    for _ in round_results:
        pass

    assert_same_rows(rows(folder), trained_here)


def test_run_can_be_resumed_by_another_executor(workers: DaskExecutor, trained_here: SeedTable, tmp_path: Path) -> None:
    """What workers began ends here."""
    folder = open_folder(SETTINGS, OutputSettings(run_dir=tmp_path / "run"), workers)
    case = load_registry().case("relu-to-relu")
    begun = CaseRun(case, SETTINGS, folder, Notes(), workers).round_results()
    next(begun)
    begun.close()

    resumed = CaseRun(
        case, replace(SETTINGS, executor="local", workers=None, rounds=3), RunFolder(folder.path), Notes()
    )
    for _ in resumed.round_results():
        pass

    assert_same_rows(rows(folder), trained_here)


def test_a_worker_that_would_train_something_else_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as one with another version of a case."""
    monkeypatch.setattr(
        cluster, "get_worker", lambda: SimpleNamespace(name="tcp://there", state=SimpleNamespace(nthreads=1))
    )
    job = Job("relu-to-relu", "relu-to-relu", replace(SETTINGS, executor="local", workers=None), 2)
    plan = Worker.call(job, None, "plan")

    with pytest.raises(DeviceError, match=r"worker tcp://there has another program: \S+, not another"):
        Worker.call(job, replace(plan, program="another"), "train", np.arange(2))


def test_a_worker_with_several_threads_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rounds would disturb each other."""
    state = SimpleNamespace(nthreads=4)
    monkeypatch.setattr(cluster, "get_worker", lambda: SimpleNamespace(name="tcp://there", state=state))

    with pytest.raises(DeviceError, match="trains 4 rounds at a time"):
        Worker.call(Job("relu-to-relu", "relu-to-relu", SETTINGS, 2), None, "plan")


def test_a_treatment_need_not_apply_to_every_case() -> None:
    """A worker sees one case, and takes no offence at what is meant for another."""
    settings = replace(SETTINGS, executor="local", workers=None, treatment=("wider",))

    assert (
        Job("mnist-identity-1L", "mnist-identity-1L", replace(settings, dataset="stand-in"), 2).trainer().plan.seeds
        == 12
    )


def test_a_scheduler_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the patience that one has."""
    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    with (
        pytest.raises(DeviceError, match=r"connecting to a Dask scheduler at tcp://127\.0\.0\.1:9 failed"),
        open_executor(TrainingSettings(executor="dask", scheduler="tcp://127.0.0.1:9")),
    ):
        pass


def test_dask_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is not installed the error says how to get it."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "benchsuite.execution.executors.dask")
    with pytest.raises(OptionError, match="benchsuite\\[dask\\]"), open_executor(SETTINGS):
        pass


def test_each_worker_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are as many as GPUs are visible; more of them share memory, and those of CPUs have none."""
    monkeypatch.setattr(cluster.gpus, "visible_gpus", lambda: ["2", "GPU-5"])
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    assert cluster._gpus_for("auto") == cluster._gpus_for("gpu") == ["2", "GPU-5"]
    assert cluster._gpus_for("cpu") == []
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    assert cluster._gpus_for("auto") == []

    two = [cluster.gpu_environment(number, 2, ["2", "GPU-5"]) for number in range(2)]
    three = [cluster.gpu_environment(number, 3, ["2", "GPU-5"]) for number in range(3)]
    assert [variables["CUDA_VISIBLE_DEVICES"] for variables in two] == ["2", "GPU-5"]
    assert not any("XLA_PYTHON_CLIENT_MEM_FRACTION" in variables for variables in two)
    assert [variables["CUDA_VISIBLE_DEVICES"] for variables in three] == ["2", "GPU-5", "2"]
    assert [variables.get("XLA_PYTHON_CLIENT_MEM_FRACTION") for variables in three] == ["0.375", None, "0.375"]


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def test_scheduler_that_dies_costs_no_finished_round(trained_here: SeedTable, tmp_path: Path) -> None:
    """The run ends with a sentence, and is resumed without one."""
    address, folder = f"tcp://127.0.0.1:{free_port()}", tmp_path / "run"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    start = "from distributed.cli.dask_{0} import main; main()"
    scheduler, worker = (
        subprocess.Popen([sys.executable, "-c", start.format(kind), *options], **quiet)
        for kind, options in (
            ("scheduler", ["--host", "127.0.0.1", "--port", address.rpartition(":")[2], "--dashboard-address", ":0"]),
            ("worker", [address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]),
        )
    )
    options = ["--seeds", "12", "--rounds", "3", "--platform", "cpu", "--run-dir", str(folder)]
    command = [sys.executable, "-m", "benchsuite", "run", "relu-to-relu", *options]
    try:
        run = subprocess.Popen(
            [*command, "--executor", "dask", "--scheduler", address], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        while not list(folder.glob("*/seeds-*.npz")):
            assert run.poll() is None
            time.sleep(0.05)
        scheduler.kill()
        said = run.communicate(timeout=100)[1].decode()
    finally:
        for process in (scheduler, worker):
            process.kill()
            process.wait()

    assert run.returncode == 1
    assert "the connection to the Dask scheduler was lost" in said
    assert "Traceback" not in said
    subprocess.run([*command, "--resume", "--executor", "local"], check=True, capture_output=True)
    assert_same_rows(rows(RunFolder(folder)), trained_here)
