"""The lines above a run: what is measured on what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchsuite.store import RunFolder


def header_lines(about: Mapping[str, Any], protocol: str, precision: str, left_out: Sequence[str]) -> list[str]:
    """Lines that name the protocol, the device, the versions, and the plugins that cannot be used.

    Args:
        about: the machine, as `machine.describe` gives it.
        protocol: "quick" or "source".
        precision: of matrix products.
        left_out: the names of the plugins that were left out.
    """
    versions = about.get("versions", {})
    packages = ", ".join(f"{name} {versions.get(name, '?')}" for name in ("jax", "flax", "optax"))
    count, platform, device = (about.get(name, "?") for name in ("device_count", "platform", "device"))
    workers = f"{about['workers']} Dask workers of " if "workers" in about else ""
    own = versions.get("benchsuite", "?")
    lines = [
        f"benchsuite {own}: {protocol} protocol, float32, {precision} precision of matrix products",
        f"on {workers}{count} x {platform} ({device}), {packages}",
    ]
    if left_out:
        lines.append(f"LEFT OUT: {', '.join(left_out)}; reasons at the end")
    return lines


def header_lines_of(run: RunFolder) -> list[str]:
    """The lines above a run that is told afterwards; what it does not say of itself is a question mark."""
    said = run.settings
    return header_lines(run.machine, str(said.get("protocol", "?")), str(said.get("precision", "?")), left_out=())
