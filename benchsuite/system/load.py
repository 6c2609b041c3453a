"""Measure the load of the machine: clocks, temperature, throttling and other processes.

They affect the reliability of timings, never that of success rates.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from benchsuite.errors import DeviceError
from benchsuite.system import gpus

#: Seconds over which the CPU load is measured.
_WATCHED = 0.5

#: Percent of the processors, or of a GPU, that other processes may use without a warning.
_IDLE = 20.0


def measure_load() -> dict[str, Any]:
    """Measure the load of this machine, as JSON values; takes half a second."""
    import psutil

    frequency = psutil.cpu_freq() if hasattr(psutil, "cpu_freq") else None
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu_percent": psutil.cpu_percent(_WATCHED),
        "cpu_mhz": frequency.current if frequency else None,
        "cpu_temperature_c": _cpu_temperature(),
        **_gpus(),
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
    if platform == "gpu" and (why := before.get("gpus_unknown")):
        found.append(f"the state of the GPUs is unknown: {why}")
    for number, gpu in enumerate(before["gpus"] if platform == "gpu" else ()):
        if not gpu.get("throttling_known", True):
            found.append(f"GPU {number} does not say whether it is slowed down")
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


def _gpus() -> dict[str, Any]:
    """The state of each GPU, or why it is unknown."""
    try:
        return {"gpus": gpus.gpu_states()}
    except DeviceError as error:
        return {"gpus": [], "gpus_unknown": error.message}
