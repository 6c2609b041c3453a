"""A night ends with a verdict: published, compared with the last good one, and told where something is wrong."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import psutil
import pytest
from conftest import LINE, SUPPLY, Command, InstallPlugin
from stored import GOOD, SLOW, ACase, a_case, store_run

from benchsuite.comparison.gate import Gate
from benchsuite.execution.runner import CaseRun
from benchsuite.publish import nightly
from benchsuite.publish.nightly import GATES, NightResult, Nights
from benchsuite.system import gpus
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


@pytest.mark.parametrize("pointer", [b"20260101-031500\n", b"\xff\xfe"])
def test_a_reference_that_is_gone_fails_the_night(pointer: bytes) -> None:
    """For nobody would know what has changed."""
    NIGHTLY.mkdir()
    (NIGHTLY / "last-good").write_bytes(pointer)

    (wrong,) = night("one", a_case("line", GOOD, SLOW)).wrong

    assert wrong.startswith("the reference cannot be read")
    assert "holds no run" in (NIGHTLY / "issue.md").read_text()


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


class NvmlError(Exception):
    """What NVIDIA's library raises."""


class Nvml(ModuleType):
    """A stand-in for NVIDIA's library: two GPUs, of which the second knows neither its clock nor its reasons."""

    NVMLError, NVML_CLOCK_SM, NVML_TEMPERATURE_GPU = NvmlError, 1, 0

    def __init__(self, busy: int = 3, reasons: int = 0x4) -> None:
        super().__init__("pynvml")
        values = {
            "Init": None,
            "Shutdown": None,
            "DeviceGetCount": 2,
            "SystemGetDriverVersion": "580.65.06",
            "DeviceGetName": "NVIDIA H200",
            "DeviceGetClockInfo": [1980, NvmlError("not supported")],
            "DeviceGetMaxClockInfo": 1980,
            "DeviceGetTemperature": [61, 30],
            "DeviceGetPowerUsage": [340_200, 80_000],
            "DeviceGetUtilizationRates": [SimpleNamespace(gpu=busy), SimpleNamespace(gpu=0)],
            "DeviceGetCurrentClocksEventReasons": NvmlError("of a later driver"),
            "DeviceGetCurrentClocksThrottleReasons": [reasons, NvmlError("not supported")],
        }
        self.nvmlDeviceGetHandleByIndex = lambda number: number
        self.nvmlDeviceGetHandleByUUID = {"GPU-5": 1}.__getitem__
        for name, value in values.items():
            setattr(self, f"nvml{name}", partial(self._answer, value))

    @staticmethod
    def _answer(value: object, handle: int = 0, *_: object) -> object:
        value = value[handle] if isinstance(value, list) else value
        if isinstance(value, NvmlError):
            raise value
        return value


def test_a_gpu_that_is_slowed_down_or_shared_makes_a_timing_doubtful(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the driver reports it, before and after."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def told(busy: int, reasons: int) -> dict[str, Any]:
        monkeypatch.setitem(sys.modules, "pynvml", Nvml(busy, reasons))
        return measure_load() | {"cpu_percent": 1.0}

    quiet, hot, shared = told(3, 0x4), told(99, 0x60), told(55, 0x0)

    assert quiet["gpus"] == [
        {
            "name": "NVIDIA H200",
            "clock_mhz": 1980,
            "largest_clock_mhz": 1980,
            "temperature_c": 61,
            "power_w": 340.2,
            "utilization_percent": 3,
            "slowed_by": [],
            "throttling_known": True,
        },
        {
            "name": "NVIDIA H200",
            "clock_mhz": None,
            "largest_clock_mhz": 1980,
            "temperature_c": 30,
            "power_w": 80.0,
            "utilization_percent": 0,
            "slowed_by": [],
            "throttling_known": False,
        },
    ]
    unknown = "GPU 1 does not say whether it is slowed down"
    assert timing_warnings(quiet, quiet, "gpu") == [unknown]
    assert timing_warnings(quiet, hot, "gpu") == [
        unknown,
        "GPU 0 was in thermal slowdown at the end",
        "GPU 0 was in hardware thermal slowdown at the end",
    ]
    assert timing_warnings(shared, quiet, "gpu") == ["other processes used 55 % of GPU 0 at the start", unknown]
    assert timing_warnings(hot, hot, "cpu") == []
    assert timing_warnings({**quiet, "cpu_percent": 80.0}, quiet, "cpu") == [
        "other processes used 80 % of the processors at the start"
    ]


def test_hidden_gpus_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that a process may not use say nothing about its timings; the driver's version is that of the driver."""
    monkeypatch.setitem(sys.modules, "pynvml", Nvml())
    for variable, expected in {"1": ["1"], "GPU-5,0": ["GPU-5", "0"], "0,7,1": ["0"], "": []}.items():
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", variable)
        assert gpus.visible_gpus() == expected
    assert "no GPU is visible" in measure_load()["gpus_unknown"]
    assert gpus.driver_version() == "580.65.06"


def test_without_a_gpu_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The state of the rest is measured, and a run on GPUs says that theirs is unknown."""
    monkeypatch.setitem(sys.modules, "pynvml", None)

    state = measure_load()

    assert state["gpus"] == gpus.visible_gpus() == []
    assert timing_warnings({**state, "cpu_percent": 1.0}, state, "gpu") == [
        "the state of the GPUs is unknown: nvidia-ml-py is not installed"
    ]
    assert 0 <= state["cpu_percent"] <= 100
