"""The machine that a run is measured on: its devices, processor, memory and versions, and JAX's configuration."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache as memoise
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchsuite.errors import CaseError, DeviceError, OptionError
from benchsuite.system import cache, compat, gpus

#: Option of XLA for the number of CPU devices.
_DEVICE_COUNT = "xla_force_host_platform_device_count"

_PACKAGES = ("benchsuite", "jax", "jaxlib", "flax", "optax", "numpy", "scipy")


def configure(kind: str = "auto") -> None:
    """Configure JAX: the platform, one CPU device for each core, 32 bits, and the compilation cache.

    Call it before any array is made. Small trainings gain nothing from several threads, so on a CPU every core is a
    device that trains its own seeds.

    Args:
        kind: "auto", "cpu", "gpu" or "tpu".
    """
    import jax

    cache.keep_programs()
    try:
        if kind == "cpu":  # by default JAX prefers an accelerator
            jax.config.update("jax_platforms", "cpu")
        # Figures are float32, and the random numbers of a seed do not depend on its device.
        jax.config.update("jax_enable_x64", False)
        jax.config.update("jax_threefry_partitionable", True)
        if "JAX_NUM_CPU_DEVICES" not in os.environ and _DEVICE_COUNT not in compat.xla_flags():
            jax.config.update("jax_num_cpu_devices", cores())
    except RuntimeError:  # an application has already started JAX: use its devices
        pass


def check_settings() -> None:
    """Check that JAX has no setting under which no case trains.

    Raises:
        OptionError: it has one.
    """
    for setting, why in compat.UNUSABLE.items():
        for name in compat.settings_that_raise([setting]):
            raise OptionError(f"{name} is set, but {why}", _unset(name))


def unset_hint(raised: str) -> str:
    """Hint at a setting of JAX that may be the cause of an error with this description; empty if there is none."""
    text = raised.lower()
    names = compat.settings_that_raise(setting for setting, word in compat.STRICT.items() if word in text)
    return f"{_unset(*names)}: JAX is stricter than by default" if names else ""


def _unset(*names: str) -> str:
    if all(name.isupper() for name in names):
        return f"unset {' and '.join(names)}"
    return f"do not set {' and '.join(names)}"


def overruled_settings(precision: str) -> list[str]:
    """List the settings of the environment that do not hold for training, each as a sentence.

    Args:
        precision: of matrix products.
    """
    given, found = os.environ, []
    if given.get("JAX_ENABLE_X64", "").lower() in ("1", "true", "yes", "on"):
        found.append(f"JAX_ENABLE_X64={given['JAX_ENABLE_X64']} is overruled by the dtype of each case, or --dtype")
    if given.get("JAX_DEFAULT_MATMUL_PRECISION", precision) != precision:
        value = given["JAX_DEFAULT_MATMUL_PRECISION"]
        found.append(f"JAX_DEFAULT_MATMUL_PRECISION={value} is overruled by --precision {precision}")
    return found


@contextmanager
def restore_settings(who: str) -> Iterator[None]:
    """Restore JAX's settings and the working folder after running foreign code.

    Args:
        who: the name of the code for the error, such as "case line".

    Raises:
        CaseError: the code changed one of them.
    """
    import jax

    folder, before = Path.cwd(), compat.jax_settings()
    try:
        yield
    finally:
        changed = {name: now for name, now in compat.jax_settings().items() if now != before[name]}
        if Path.cwd() != folder:
            changed["the working folder"] = Path.cwd()
            os.chdir(folder)
        for name in changed.keys() & before.keys():
            jax.config.update(name, before[name])
    if changed:
        settings = ", ".join(f"{name} = {now}" for name, now in changed.items())
        raise CaseError(
            f"{who} sets {settings} globally",
            "use a context such as `with jax.default_matmul_precision(…)`, or an argument of the function",
        )


def devices(kind: str = "auto") -> Sequence[Any]:
    """List the local devices of a platform.

    Args:
        kind: "auto", "cpu", "gpu" or "tpu".

    Raises:
        DeviceError: the machine has none.
    """
    import jax

    try:
        return jax.local_devices(backend=None if kind == "auto" else kind)
    except (RuntimeError, AssertionError) as error:
        raise _no_device(kind, error) from error


def _no_device(kind: str, error: Exception) -> DeviceError:
    install = "install the runtime of the device, such as `pip install 'benchsuite[cuda13]'`"
    reason = f": {str(error).splitlines()[0]}" if str(error) else ""
    chosen = os.environ.get("JAX_PLATFORMS", "")
    if chosen and kind == "auto":
        return DeviceError(
            f"JAX_PLATFORMS is {chosen!r}, but there is no such device{reason}", f"{install}, or unset JAX_PLATFORMS"
        )
    if chosen and kind not in chosen:
        return DeviceError(
            f"there is no {kind} device, as JAX_PLATFORMS is {chosen!r}", "unset JAX_PLATFORMS, or omit --platform"
        )
    return DeviceError(f"there is no {kind} device{reason}", f"{install}, or omit --platform")


def describe(used: Sequence[Any]) -> dict[str, Any]:
    """Describe the machine as plain JSON values: devices, host and versions."""
    import psutil

    first = used[0]
    return {
        "device": cpu_name() if first.platform == "cpu" else first.device_kind,
        "platform": first.platform,
        "device_count": len(used),
        "driver": _driver(first),
        "cpu": cpu_name(),
        "cores": cores(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "os": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in _PACKAGES},
    }


def _driver(device: Any) -> str:
    """The version of the driver of a GPU where it is known, and of the runtime."""
    runtime = getattr(device.client, "platform_version", "").strip().split("\n")[-1]
    driver = gpus.driver_version() if device.platform == "gpu" else ""
    return f"{driver}, {runtime}" if driver else runtime


def cores() -> int:
    """Count the processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_name() -> str:
    """Read the name of the processor from /proc/cpuinfo, else from `platform`."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def commit() -> str | None:
    """Read the git commit of the working folder, with "+" for uncommitted changes; None outside a repository."""
    command = ["git", "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def free_memory() -> int:
    """Measure the free memory of the host, in bytes."""
    import psutil

    return int(psutil.virtual_memory().available)


def available_memory(device: Any) -> int:
    """Measure the memory that programs of a device may take, in bytes.

    Of an accelerator it is all that JAX may allocate, whatever is in use, so that its blocks are always as wide. CPU
    devices of one host share the free memory of the host evenly.
    """
    stats = device.memory_stats()
    if stats and "bytes_limit" in stats:
        return int(stats["bytes_limit"])
    return free_memory() // len(devices(device.platform))


@memoise
def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
