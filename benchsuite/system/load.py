"""Measure the load of the machine: clocks, temperature, throttling and other processes.

They affect the reliability of timings, never that of success rates.
"""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

#: Seconds over which the CPU load is measured.
_WATCHED = 0.5

#: Percent of the processors, or of a GPU, that other processes may use without a warning.
_IDLE = 20.0

#: Causes of throttling, by bit of the active reasons; nvmlClocksEventReasons in NVIDIA's management library: https://docs.nvidia.com/deploy/nvml-api/group__nvmlClocksEventReasons.html
_SLOWED = {0x8: "hardware slowdown", 0x20: "thermal slowdown", 0x40: "hardware thermal slowdown", 0x80: "power brake"}

#: Queried values of a GPU: name in `measure_load` -> name in nvidia-smi.
_GPU = {
    "name": "name",
    "clock_mhz": "clocks.sm",
    "largest_clock_mhz": "clocks.max.sm",
    "temperature_c": "temperature.gpu",
    "power_w": "power.draw",
    "utilization_percent": "utilization.gpu",
    "slowed_by": "clocks_throttle_reasons.active",
}


def measure_load() -> dict[str, Any]:
    """Measure the load of this machine, as JSON values; takes half a second."""
    import psutil

    frequency = psutil.cpu_freq() if hasattr(psutil, "cpu_freq") else None
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu_percent": psutil.cpu_percent(_WATCHED),
        "cpu_mhz": frequency.current if frequency else None,
        "cpu_temperature_c": _cpu_temperature(),
        "gpus": _gpus(),
    }


def timing_warnings(before: Mapping[str, Any], after: Mapping[str, Any], platform: str) -> list[str]:
    """Warn about load and throttling that make the timings of a run unreliable.

    Args:
        before: load at the start, from `measure_load`.
        after: load at the end.
        platform: kind of device that was used.
    """
    found = []
    if before["cpu_percent"] > _IDLE:
        found.append(f"other processes used {before['cpu_percent']:.0f} % of the processors at the start")
    for number, gpu in enumerate(before["gpus"] if platform == "gpu" else ()):
        if (gpu["utilization_percent"] or 0) > _IDLE:
            found.append(f"other processes used {gpu['utilization_percent']:.0f} % of GPU {number} at the start")
    for when, state in (("at the start", before), ("at the end", after)):
        for number, gpu in enumerate(state["gpus"] if platform == "gpu" else ()):
            found += [f"GPU {number} was in {reason} {when}" for reason in gpu["slowed_by"]]
    return found


def _cpu_temperature() -> float | None:
    import psutil

    if not hasattr(psutil, "sensors_temperatures"):
        return None
    readings = [reading.current for of_chip in psutil.sensors_temperatures().values() for reading in of_chip]
    return max(filter(None, readings), default=None)


def _gpus() -> list[dict[str, Any]]:
    """Query each GPU with nvidia-smi, which comes with the driver; empty without one."""
    command = ["nvidia-smi", f"--query-gpu={','.join(_GPU.values())}", "--format=csv,noheader,nounits"]
    try:
        output = subprocess.run(command, capture_output=True, errors="replace", check=True, timeout=30).stdout
        rows = list(csv.reader(output.splitlines(), skipinitialspace=True))
    except (OSError, subprocess.SubprocessError, csv.Error):
        return []
    return [_gpu(dict(zip(_GPU, row, strict=True))) for row in rows if len(row) == len(_GPU)]


def _gpu(row: Mapping[str, str]) -> dict[str, Any]:
    numbers = {name: _number(text) for name, text in row.items() if name not in ("name", "slowed_by")}
    return {"name": row["name"], **numbers, "slowed_by": _slowed_by(row["slowed_by"])}


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:  # such as "[N/A]"
        return None


def _slowed_by(text: str) -> list[str]:
    try:
        bits = int(text, 16)
    except ValueError:
        return []
    return [reason for bit, reason in _SLOWED.items() if bits & bit]
