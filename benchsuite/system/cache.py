"""What is kept for the user from run to run: fetched files, and compiled programs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Bytes that compiled programs may take before the ones that were not used for longest are dropped.
PROGRAMS_KEPT = 2**30

_REQUEST, _HIT = "/jax/compilation_cache/compile_requests_use_cache", "/jax/compilation_cache/cache_hits"


def folder() -> Path:
    """The user's cache folder."""
    import pooch

    return Path(pooch.os_cache("benchsuite"))


def keep_programs() -> None:
    """Let JAX keep what it compiles in the user's cache folder, unless the user has named another place, or none."""
    import jax

    if _programs() or "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    programs = folder() / "programs"
    try:
        programs.mkdir(parents=True, exist_ok=True)
    except OSError:  # a run without it takes longer, that is all
        return
    if not os.access(programs, os.W_OK):
        return
    jax.config.update("jax_compilation_cache_dir", str(programs))
    jax.config.update("jax_compilation_cache_max_size", PROGRAMS_KEPT)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def _programs() -> str | None:
    import jax

    return jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]  # made on the fly


@dataclass
class Lookups:
    """How often programs were looked for, and found, among those that are kept."""

    requests: int = 0
    hits: int = 0

    @property
    def verdict(self) -> str:
        """Whether all were found: "hit" or "miss"; "off" where nothing is kept."""
        if not self.requests or not _programs():
            return "off"
        return "hit" if self.hits == self.requests else "miss"


@contextmanager
def lookups() -> Iterator[Lookups]:
    """Counts the lookups of what is compiled in the meantime."""
    import jax

    counted = Lookups()

    def count(event: str, **_: Any) -> None:
        counted.requests += event == _REQUEST
        counted.hits += event == _HIT

    jax.monitoring.register_event_listener(count)
    try:
        yield counted
    finally:
        jax.monitoring.unregister_event_listener(count)
