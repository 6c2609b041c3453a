"""A night ends with a verdict: published, compared with the last good one, and told where something is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import psutil
import pytest
from conftest import LINE, SUPPLY, Command, InstallPlugin
from stored import GOOD, SLOW, ACase, a_case, store_run

from benchsuite.comparison.gate import Gate
from benchsuite.engine import trainer
from benchsuite.execution.runner import CaseRun
from benchsuite.publish import nightly
from benchsuite.publish.nightly import GATES, NightResult, Nights
from benchsuite.system.load import measure_load, timing_warnings

NIGHTLY = Path("nightly")


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets nobody else be at work, whoever is, and spares the landscapes, which take the time."""
    monkeypatch.setattr(psutil, "cpu_percent", lambda _: 1.0)
    monkeypatch.setattr(CaseRun, "write_surfaces", lambda _: None)
    monkeypatch.setattr(nightly, "TIME_LIMIT", None)  # a process for each case would take its time


def night(name: str, *cases: ACase, accept: bool = False, partial: bool = False) -> NightResult:
    """A night in which nobody trained: what its cases ended with is said."""
    run = store_run(NIGHTLY / "runs" / name, *cases)
    gates = [Gate.parse(text) for text in GATES]
    return Nights(NIGHTLY, gates, accept=accept, partial=partial).finish(run, measure_load())


def test_a_gate_that_cannot_fall_says_so() -> None:
    """So few rounds leave the rank test no p-value below the level."""
    for name in ("one", "two"):
        night(name, a_case("line", *[GOOD] * 12))

    assert "speed:0.001 cannot fail: with so few rounds" in (NIGHTLY / "summary.md").read_text()


@pytest.mark.parametrize("pointer", [b"20260101-031500\n", b"\xff\xfe"])
def test_a_reference_that_is_gone_fails_the_night(pointer: bytes) -> None:
    """For nobody would know what has changed."""
    NIGHTLY.mkdir()
    (NIGHTLY / "last-good").write_bytes(pointer)

    (wrong,) = night("one", a_case("line", GOOD, SLOW)).wrong

    assert wrong.startswith("the reference cannot be read")
    assert "holds no run" in (NIGHTLY / "issue.md").read_text()


def test_a_night_that_is_interrupted_is_not_published(benchsuite: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows are kept all the same."""
    train = trainer.Trainer._train_round

    def interrupted(self: trainer.Trainer, seeds: np.ndarray, on_trained: trainer.OnTrained) -> object:
        if not self._first_run:
            raise KeyboardInterrupt
        return train(self, seeds, on_trained)

    monkeypatch.setattr(trainer.Trainer, "_train_round", interrupted)

    assert benchsuite("nightly", "line", "--seeds=10")[0] == 130

    assert not (NIGHTLY / "site").exists()
    assert len(list((NIGHTLY / "runs").glob("*/line/seeds-*.npz"))) == 1


def test_a_night_without_a_round_is_told(benchsuite: Command, install_plugin: InstallPlugin) -> None:
    """The worst of nights has an issue too."""
    install_plugin("broken", LINE + SUPPLY.replace("line()", "line('broken', model=lambda rngs: 1 / 0)"))

    code, _, err = benchsuite("nightly", "broken")

    assert code == 1
    assert "not good: no case has a finished round" in err
    assert (NIGHTLY / "issue.md").read_text().startswith("Nightly ")
    assert "no case has a finished round" in (NIGHTLY / "summary.md").read_text()


def test_gates_are_read_before_anything_runs(benchsuite: Command) -> None:
    """A gate that cannot be read costs no night."""
    code, _, err = benchsuite("nightly", "line", "--gate=rate:2")

    assert code == 2
    assert "has the level '2'" in err
    assert not NIGHTLY.exists()


SMI = """#!/bin/sh
echo "NVIDIA H200, 1980, 1980, 61, 340.2, {busy}, {reasons}"
echo "NVIDIA H200, [N/A], 1980, 30, 80.0, 0, 0x0000000000000001"
"""


def test_a_gpu_that_is_slowed_down_or_shared_makes_a_timing_doubtful(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As nvidia-smi tells it, before and after."""
    smi = tmp_path / "nvidia-smi"
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    def told(busy: int, reasons: str) -> dict[str, object]:
        smi.write_text(SMI.format(busy=busy, reasons=reasons))
        smi.chmod(0o755)
        return measure_load() | {"cpu_percent": 1.0}

    quiet, hot, shared = told(3, "0x0000000000000004"), told(99, "0x0000000000000060"), told(55, "0x0")

    assert quiet["gpus"] == [
        {
            "name": "NVIDIA H200",
            "clock_mhz": 1980,
            "largest_clock_mhz": 1980,
            "temperature_c": 61,
            "power_w": 340.2,
            "utilization_percent": 3,
            "slowed_by": [],
        },
        {
            "name": "NVIDIA H200",
            "clock_mhz": None,
            "largest_clock_mhz": 1980,
            "temperature_c": 30,
            "power_w": 80.0,
            "utilization_percent": 0,
            "slowed_by": [],
        },
    ]
    assert timing_warnings(quiet, quiet, "gpu") == []
    assert timing_warnings(quiet, hot, "gpu") == [
        "GPU 0 was in thermal slowdown at the end",
        "GPU 0 was in hardware thermal slowdown at the end",
    ]
    assert timing_warnings(shared, quiet, "gpu") == ["other processes used 55 % of GPU 0 at the start"]
    assert timing_warnings(hot, hot, "cpu") == []
    assert timing_warnings({**quiet, "cpu_percent": 80.0}, quiet, "cpu") == [
        "other processes used 80 % of the processors at the start"
    ]


def test_without_a_gpu_there_are_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And the state of the rest is told."""
    monkeypatch.setenv("PATH", str(tmp_path))

    state = measure_load()

    assert state["gpus"] == []
    assert 0 <= state["cpu_percent"] <= 100
