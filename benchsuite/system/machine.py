"""What a run was measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchsuite.errors import CaseError, DeviceError
from benchsuite.system import cache

_PACKAGES = ("benchsuite", "jax", "jaxlib", "flax", "optax", "numpy", "scipy")


def configure(kind: str = "auto") -> None:
    """Set JAX up: the platform, one CPU device for each core, 32 bits, and compiled programs that are kept.

    To be called before any array is made.

    A tiny training gains nothing from several threads, so on a CPU each core trains seeds of its own.

    Args:
        kind: "auto", "cpu", "gpu" or "tpu".
    """
    import jax

    cache.keep_programs()
    try:
        if kind == "cpu":  # JAX prefers an accelerator by itself
            jax.config.update("jax_platforms", "cpu")
        # The suite's figures are float32, and a seed's numbers do not depend on how seeds are spread.
        jax.config.update("jax_enable_x64", False)
        jax.config.update("jax_threefry_partitionable", True)
        if "JAX_NUM_CPU_DEVICES" not in os.environ:
            jax.config.update("jax_num_cpu_devices", cores())
    except RuntimeError:  # JAX has already started, under an application of the user's: take its devices as they are
        pass


@contextmanager
def restore_settings(who: str) -> Iterator[None]:
    """Takes back what somebody's code changes that others would have to live with: JAX's settings, the working folder.

    Raises:
        CaseError: it did change one.
    """
    import jax

    folder, before = Path.cwd(), _settings()
    try:
        yield
    finally:
        changed = {name: now for name, now in _settings().items() if now != before[name]}
        if Path.cwd() != folder:
            changed["the working folder"] = Path.cwd()
            os.chdir(folder)
        for name in changed.keys() & before.keys():
            jax.config.update(name, before[name])
    if changed:
        told = ", ".join(f"{name} = {now}" for name, now in changed.items())
        raise CaseError(
            f"{who} sets {told} for everybody",
            "use a context such as `with jax.default_matmul_precision(…)`, or an argument of the function it is for",
        )


def _settings() -> dict[str, Any]:
    """JAX's settings as they are here: a context that was entered and not left is one of this thread alone."""
    import jax

    return {name: getattr(jax.config, name, value) for name, value in jax.config.values.items()}


def devices(kind: str = "auto") -> Sequence[Any]:
    """The local devices of the platform `kind`.

    Raises:
        DeviceError: there is none.
    """
    import jax

    try:
        return jax.local_devices(backend=None if kind == "auto" else kind)
    except (RuntimeError, AssertionError) as error:
        raise DeviceError(
            f"there is no {kind} device: {str(error).splitlines()[0] if str(error) else type(error).__name__}",
            "install its runtime, for example `pip install 'benchsuite[cuda13]'`, or leave --platform out",
        ) from error


def describe(used: Sequence[Any]) -> dict[str, Any]:
    """The machine as plain JSON values: devices, host and versions."""
    import psutil

    first = used[0]
    return {
        "device": cpu_name() if first.platform == "cpu" else first.device_kind,
        "platform": first.platform,
        "device_count": len(used),
        "driver": getattr(first.client, "platform_version", "").strip().split("\n")[-1],
        "cpu": cpu_name(),
        "cores": cores(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "os": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in _PACKAGES},
    }


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_name() -> str:
    """The processor's own name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def commit() -> str | None:
    """The commit of the working folder, with "+" where it has uncommitted changes; None outside a repository."""
    command = ["git", "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def free_memory() -> int:
    """Bytes of the host's memory that are free."""
    import psutil

    return int(psutil.virtual_memory().available)


def available_memory(device: Any) -> int:
    """Bytes that programs on `device` may still take; CPU devices of one host share theirs evenly."""
    stats = device.memory_stats()
    if stats and "bytes_limit" in stats:
        return int(stats["bytes_limit"] - stats.get("bytes_in_use", 0))
    return free_memory() // len(devices(device.platform))


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
