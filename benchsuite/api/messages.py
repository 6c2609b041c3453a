"""Adapt errors and settings of the suite to a caller in Python."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from benchsuite.errors import BenchsuiteError
from benchsuite.settings import with_keywords
from benchsuite.system import compat


@contextmanager
def name_keywords() -> Iterator[None]:
    """Name options in errors as keywords: `half_width` in place of `--half-width`."""
    try:
        yield
    except BenchsuiteError as error:
        error.message, error.hint = with_keywords(error.message), with_keywords(error.hint)
        raise


@contextmanager
def keep_jax_settings() -> Iterator[None]:
    """Restore the settings of JAX that a run changes, such as the width of numbers."""
    import jax

    before = compat.jax_settings()
    try:
        yield
    finally:
        for name in ("jax_enable_x64", "jax_threefry_partitionable"):
            if name in before:
                jax.config.update(name, before[name])
