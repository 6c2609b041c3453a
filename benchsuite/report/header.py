"""The lines above a run: what is measured on what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def header(about: Mapping[str, Any], protocol: str, precision: str, left_out: Sequence[str]) -> list[str]:
    """Lines that name the protocol, the device, the versions, and the plugins that cannot be used.

    Args:
        about: the machine, as `machine.describe` gives it.
        protocol: "quick" or "source".
        precision: of matrix products.
        left_out: the names of the plugins that were left out.
    """
    versions = about["versions"]
    packages = ", ".join(f"{name} {versions[name]}" for name in ("jax", "flax", "optax"))
    workers = f"{about['workers']} Dask workers of " if "workers" in about else ""
    lines = [
        f"benchsuite {versions['benchsuite']}: {protocol} protocol, float32, {precision} precision of matrix products",
        f"on {workers}{about['device_count']} x {about['platform']} ({about['device']}), {packages}",
    ]
    if left_out:
        lines.append(f"LEFT OUT: {', '.join(left_out)}; reasons at the end")
    return lines
