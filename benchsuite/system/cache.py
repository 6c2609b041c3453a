"""The user's cache folder: downloaded files and compiled programs that are kept from run to run."""

from __future__ import annotations

import atexit
import hashlib
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache as memoise
from pathlib import Path

from benchsuite.system import compat

#: Bytes that compiled programs may take; JAX removes the least recently used ones.
PROGRAMS_KEPT = 2**30


@memoise
def folder() -> Path:
    """Locate the user's cache folder, or make a temporary one where that cannot be written, and say so."""
    import platformdirs

    try:
        path = platformdirs.user_cache_path("benchsuite")
        reason = _fault(path)
    except (OSError, RuntimeError, KeyError) as error:  # of platformdirs, for a user without home directory
        reason = f"there is no cache folder ({error})"
    if not reason:
        return path
    path = _temporary_folder()
    sys.stderr.write(f"note: {reason}; downloads and compiled programs are kept in {path}\n")
    return path


def _fault(path: Path) -> str:
    """Why a folder cannot be written; empty if it can, then it exists."""
    if not path.is_absolute():
        return "there is no home directory"
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return f"{path} cannot be made: {error.strerror}"
    return "" if os.access(path, os.W_OK) else f"{path} cannot be written"


def _temporary_folder() -> Path:
    """Make a temporary folder for this process and its children, which is deleted at the end."""
    path = Path(tempfile.mkdtemp(prefix="benchsuite-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    os.environ["XDG_CACHE_HOME"] = str(path)  # where child processes look, on Linux
    return path / "benchsuite"


def processor() -> str:
    """Identify the kind of processor by its instructions, which JAX leaves out of the keys of programs for CPUs."""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        instructions = {line for line in lines if line.startswith(("flags", "Features", "isa"))}  # of x86, Arm, RISC-V
        if instructions:
            return hashlib.sha256("\n".join(sorted(instructions)).encode()).hexdigest()[:8]
    return platform.processor() or platform.machine() or "any"


def keep_programs() -> None:
    """Enable JAX's compilation cache in the user's cache folder, unless the user has set or disabled it."""
    import jax

    if compat.compilation_cache_folder() or "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    programs = folder() / "programs" / processor()
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
