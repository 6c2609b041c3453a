"""Call the observers of a run; one that fails is reported and left out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from benchsuite.errors import BenchsuiteError, BenchsuiteWarning, CaseError, wrap_errors
from benchsuite.plugins import CaseFinished, RoundFinished, RunObserver, RunStarted


def emit_warning(message: str) -> None:
    """Issue a `BenchsuiteWarning`, also where warnings are turned into errors, which would end a run."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", BenchsuiteWarning)
        warnings.warn(message, BenchsuiteWarning, stacklevel=3)


class Audience:
    """The observers of one run.

    Args:
        observers: in the order of their calls.
        warn: called with the failure of an observer.
    """

    def __init__(self, observers: Sequence[RunObserver], warn: Callable[[str], None]) -> None:
        self._observers, self._warn = list(observers), warn

    def run_started(self, event: RunStarted) -> None:
        """Call `run_started` of each observer."""
        self._call(lambda observer: observer.run_started(event))

    def round_finished(self, event: RoundFinished) -> None:
        """Call `round_finished` of each observer."""
        self._call(lambda observer: observer.round_finished(event))

    def case_finished(self, event: CaseFinished) -> None:
        """Call `case_finished` of each observer."""
        self._call(lambda observer: observer.case_finished(event))

    def _call(self, method: Callable[[RunObserver], Any]) -> None:
        for observer in list(self._observers):
            name = type(observer).__name__
            try:
                with wrap_errors(CaseError):
                    method(observer)
            except BenchsuiteError as error:
                self._observers.remove(observer)
                self._warn(f"observer {name} failed and is not called again in this run: {error.message}")
