"""Query the NVIDIA GPUs of this machine by their management library (NVML), without starting JAX."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from benchsuite.errors import DeviceError

#: Causes of throttling, by bit of the active reasons; nvmlClocksEventReasons in https://docs.nvidia.com/deploy/nvml-api/group__nvmlClocksEventReasons.html
_SLOWED = {0x8: "hardware slowdown", 0x20: "thermal slowdown", 0x40: "hardware thermal slowdown", 0x80: "power brake"}

#: The variable that lists the GPUs which a process may use, by number or by UUID.
VISIBLE = "CUDA_VISIBLE_DEVICES"


def gpu_states() -> list[dict[str, Any]]:
    """Measure clocks, temperature, power, utilisation and throttling of each visible GPU; None for unknown values.

    Raises:
        DeviceError: there is no driver, no GPU, or the package nvidia-ml-py is not installed.
    """
    with _library() as nvml:
        found = [_state(nvml, handle) for _, handle in _visible(nvml)]
    if not found:
        raise DeviceError(f"no GPU is visible: {VISIBLE} is {os.environ.get(VISIBLE)!r}", f"unset {VISIBLE}")
    return found


def visible_gpus() -> list[str]:
    """List the GPUs that this process may use, as `CUDA_VISIBLE_DEVICES` names them; empty without any."""
    try:
        with _library() as nvml:
            return [name for name, _ in _visible(nvml)]
    except DeviceError:
        return []


def driver_version() -> str:
    """Read the version of the driver of the GPUs; empty where it is unknown."""
    try:
        with _library() as nvml:
            return _text(nvml.nvmlSystemGetDriverVersion())
    except DeviceError:
        return ""


@contextmanager
def _library() -> Iterator[Any]:
    """Open NVML, and translate its errors.

    Raises:
        DeviceError: it cannot be used.
    """
    try:
        import pynvml
    except ImportError:
        hint = "install it with `pip install nvidia-ml-py`"
        raise DeviceError("nvidia-ml-py is not installed", hint) from None
    try:
        pynvml.nvmlInit()
        try:
            yield pynvml
        finally:
            pynvml.nvmlShutdown()
    except pynvml.NVMLError as error:
        raise DeviceError(f"NVML cannot be used: {error}", "install the driver of the GPU") from error


def _visible(nvml: Any) -> list[tuple[str, Any]]:
    """The GPUs that the environment does not hide, in its order: name and handle; CUDA stops at a wrong name."""
    count = nvml.nvmlDeviceGetCount()
    found = []
    for name in os.environ.get(VISIBLE, ",".join(map(str, range(count)))).split(","):
        handle = _handle(nvml, name.strip(), count)
        if handle is None:
            break
        found.append((name.strip(), handle))
    return found


def _handle(nvml: Any, name: str, count: int) -> Any:
    if name.isdecimal():
        return nvml.nvmlDeviceGetHandleByIndex(int(name)) if int(name) < count else None
    return _query(lambda: nvml.nvmlDeviceGetHandleByUUID(name), nvml) if name.startswith(("GPU-", "MIG-")) else None


def _state(nvml: Any, handle: Any) -> dict[str, Any]:
    clock, sensor = nvml.NVML_CLOCK_SM, nvml.NVML_TEMPERATURE_GPU
    power = _query(lambda: nvml.nvmlDeviceGetPowerUsage(handle), nvml)
    reasons = _query(lambda: nvml.nvmlDeviceGetCurrentClocksEventReasons(handle), nvml)
    if reasons is None:  # the name in drivers before version 535
        reasons = _query(lambda: nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle), nvml)
    return {
        "name": _text(nvml.nvmlDeviceGetName(handle)),
        "clock_mhz": _query(lambda: nvml.nvmlDeviceGetClockInfo(handle, clock), nvml),
        "largest_clock_mhz": _query(lambda: nvml.nvmlDeviceGetMaxClockInfo(handle, clock), nvml),
        "temperature_c": _query(lambda: nvml.nvmlDeviceGetTemperature(handle, sensor), nvml),
        "power_w": None if power is None else power / 1000,
        "utilization_percent": _query(lambda: nvml.nvmlDeviceGetUtilizationRates(handle).gpu, nvml),
        "slowed_by": [reason for bit, reason in _SLOWED.items() if (reasons or 0) & bit],
        "throttling_known": reasons is not None,
    }


def _query(function: Callable[[], Any], nvml: Any) -> Any:
    """Call a function of NVML; None where the GPU or the driver does not support it."""
    try:
        return function()
    except nvml.NVMLError:
        return None


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
