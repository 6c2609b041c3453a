"""Being asked to stop: SIGTERM, as batch systems and containers send it, ends a run as Ctrl-C does."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from benchsuite.errors import OutOfTimeError

#: Exit codes: 128 and the number of the signal, as shells have it.
INTERRUPTED, TERMINATED = 130, 143


class Terminated(KeyboardInterrupt):
    """The process was asked to end by SIGTERM."""


def exit_code(interrupt: BaseException) -> int:
    """The exit code of a command that was interrupted."""
    return TERMINATED if isinstance(interrupt, Terminated) else INTERRUPTED


#: Seconds that code of plugins may take whose work is none: importing, supplying and changing cases.
PLUGIN_TIMEOUT = 120


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Lets what takes longer raise `OutOfTimeError`, as far as Python is asked in the meantime.

    Without effect outside of the main thread, on systems without such a signal, and where somebody else's timer runs.
    """
    free = threading.current_thread() is threading.main_thread() and hasattr(signal, "SIGALRM")
    if not free or signal.getitimer(signal.ITIMER_REAL)[0]:
        yield
        return
    before = signal.signal(signal.SIGALRM, _run_out)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


#: Seconds that training may take to come to a place where it can stop.
_GRACE = 5.0

#: Asks again when they are over, once it was asked for.
_asked: list[threading.Timer] = []


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Lets SIGTERM raise `Terminated`, unless somebody else has taken care of it already.

    It is raised where `raise_if_terminated` is called: elsewhere it would get lost in a destructor, or leave a module half imported.
    """
    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    if ours:
        signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            while _asked:
                _asked.pop().cancel()


def raise_if_terminated() -> None:
    """Raise `Terminated` if that was asked for."""
    if _asked:
        _asked[-1].cancel()
        raise Terminated


def _terminate(_: int, __: FrameType | None) -> None:
    if _asked:
        raise_if_terminated()
    again = threading.Timer(_GRACE, os.kill, (os.getpid(), signal.SIGTERM))
    again.daemon = True
    _asked.append(again)
    again.start()


def _run_out(_: int, __: FrameType | None) -> NoReturn:
    raise OutOfTimeError
