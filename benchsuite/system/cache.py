"""The user's cache folder: downloaded files and compiled programs that are kept from run to run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchsuite.system import compat

#: Bytes that compiled programs may take; JAX removes the least recently used ones.
PROGRAMS_KEPT = 2**30


def folder() -> Path:
    """Locate the user's cache folder."""
    import pooch

    return Path(pooch.os_cache("benchsuite"))


def keep_programs() -> None:
    """Enable JAX's compilation cache in the user's cache folder, unless the user has set or disabled it."""
    import jax

    if compat.compilation_cache_folder() or "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    programs = folder() / "programs"
    try:
        programs.mkdir(parents=True, exist_ok=True)
    except OSError:  # without the cache, runs take longer
        return
    if not os.access(programs, os.W_OK):
        return
    jax.config.update("jax_compilation_cache_dir", str(programs))
    jax.config.update("jax_compilation_cache_max_size", PROGRAMS_KEPT)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


@dataclass(frozen=True)
class Lookups:
    """Lookups of programs in the compilation cache."""

    counts: compat.EventCounts

    @property
    def verdict(self) -> str:
        """Whether all programs were found: "hit" or "miss"; "off" where JAX keeps none."""
        if not self.counts.requests or not compat.compilation_cache_folder():
            return "off"
        return "hit" if self.counts.hits == self.counts.requests else "miss"


@contextmanager
def lookups() -> Iterator[Lookups]:
    """Count the lookups of what is compiled inside the context."""
    with compat.count_events() as counts:
        yield Lookups(counts)
