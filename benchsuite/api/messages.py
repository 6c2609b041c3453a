"""Adapt errors and settings of the suite to a caller in Python."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from benchsuite.errors import BenchsuiteError
from benchsuite.settings import with_keywords
from benchsuite.system import compat, machine


@contextmanager
def name_keywords() -> Iterator[None]:
    """Name options in errors as keywords: `half_width` in place of `--half-width`."""
    try:
        yield
    except BenchsuiteError as error:
        error.message, error.hint = with_keywords(error.message), with_keywords(error.hint)
        raise


@contextmanager
def prepare_jax(platform: str = "auto") -> Iterator[None]:
    """Set JAX's width of numbers and random bits as a run needs them, and restore those of the caller.

    Args:
        platform: the kind of device to train on.
    """
    with compat.keep_number_settings():
        machine.configure(platform)
        yield
