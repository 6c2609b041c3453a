"""Rounds that are trained by SLURM's jobs leave what rounds trained here leave."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from toys import Notes

from benchsuite.errors import DeviceError, OptionError
from benchsuite.execution.executors.opening import open_executor
from benchsuite.execution.runner import CaseRun, open_folder
from benchsuite.plugins.registry import load_registry
from benchsuite.settings import OutputSettings, TrainingSettings
from benchsuite.store.folder import RunFolder
from benchsuite.store.results import read_results

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

SBATCH = """#!/bin/sh
cp "$1" {folder}/script
cp "$1" {folder}/script-$$
setsid sh {folder}/script-$$ > {folder}/output 2>&1 &
echo $! >> {folder}/jobs
echo "Submitted batch job $!"
"""
SCANCEL = """#!/bin/sh
echo "$1" >> {folder}/cancelled
kill -- -"$1"
"""
REFUSED = """#!/bin/sh
echo "sbatch: error: invalid partition specified: nowhere" >&2
exit 1
"""


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with stand-ins for SLURM's commands, whose jobs run on this machine."""
    for name, text in {"sbatch": SBATCH, "scancel": SCANCEL}.items():
        write_command(tmp_path / name, text)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_command(path: Path, text: str) -> None:
    """Write a command into its folder."""
    path.write_text(text.format(folder=path.parent))
    path.chmod(0o755)


def train(settings: TrainingSettings, folder: Path) -> None:
    """Train the seeds of a small case into a folder."""
    with open_executor(settings) as executor:
        opened = open_folder(settings, OutputSettings(run_dir=folder), executor)
        case = load_registry().case("xor-two-relu")
        for _ in CaseRun(case, settings, opened, Notes(), executor).round_results():
            pass


def test_jobs_train_what_is_trained_here(slurm: Path) -> None:
    """One worker a job, with the options of sbatch that were given and no others; the jobs are cancelled at the end."""
    common = {"seeds": 4, "rounds": 2, "platform": "cpu"}
    options = ("partition=gpu", "gres=gpu:1")
    train(TrainingSettings(**common, executor="slurm", workers=2, slurm=options), slurm / "there")
    train(TrainingSettings(**common), slurm / "here")

    np.testing.assert_equal(columns(slurm / "there"), columns(slurm / "here"))
    script = (slurm / "script").read_text().splitlines()
    directives = [line.removeprefix("#SBATCH ") for line in script if line.startswith("#SBATCH")]
    assert [word for word in directives if word.startswith("--")] == ["--partition=gpu", "--gres=gpu:1"]
    assert "-n 1" in directives
    jobs = (slurm / "jobs").read_text().split()
    assert len(jobs) == 2
    assert sorted((slurm / "cancelled").read_text().split()) == sorted(jobs)


def columns(folder: Path) -> dict[str, np.ndarray]:
    """The columns of the rows of a run."""
    (result,) = read_results(RunFolder(folder))
    return dict(result.rows.columns)


def test_a_refused_job_is_named(slurm: Path) -> None:
    """What sbatch says is shown, and nothing waits."""
    write_command(slurm / "sbatch", REFUSED)
    with (
        pytest.raises(DeviceError, match="invalid partition specified: nowhere"),
        open_executor(TrainingSettings(executor="slurm", workers=1, slurm=("partition=nowhere",))),
    ):
        pass


def test_slurm_needs_its_commands_and_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where one of them is missing the error says so."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceError, match="no command sbatch"), open_executor(TrainingSettings(executor="slurm")):
        pass
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    monkeypatch.delitem(sys.modules, "benchsuite.execution.executors.slurm")
    with pytest.raises(OptionError, match=r"benchsuite\[slurm\]"), open_executor(TrainingSettings(executor="slurm")):
        pass
