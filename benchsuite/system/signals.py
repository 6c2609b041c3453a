"""Handle SIGTERM, sent by batch systems and containers, like Ctrl-C; limit the time of code."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from benchsuite.errors import OutOfTimeError

#: Exit codes: 128 plus the number of the signal, as in shells.
INTERRUPTED, TERMINATED = 130, 143


class Terminated(KeyboardInterrupt):
    """The process received SIGTERM."""


def exit_code(interrupt: BaseException) -> int:
    """The exit code of an interrupted command: 130, or 143 after SIGTERM."""
    return TERMINATED if isinstance(interrupt, Terminated) else INTERRUPTED


#: Time limit in seconds for importing a plugin, and for its hooks and treatments.
PLUGIN_TIMEOUT = 120


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `OutOfTimeError` in code that takes longer, once it runs Python bytecode again.

    Without effect outside of the main thread, on systems without SIGALRM, and where another timer is running.
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


#: Seconds that training may take to reach a point where it can stop.
_GRACE = 5.0

#: A timer that sends SIGTERM again after `_GRACE`; present once SIGTERM was received.
_pending: list[threading.Timer] = []


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Raise `Terminated` after SIGTERM, unless another handler is installed.

    It is raised where `raise_if_terminated` is called: elsewhere it could be lost in a destructor, or leave a module
    partly imported.
    """
    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    if ours:
        signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            while _pending:
                _pending.pop().cancel()


def raise_if_terminated() -> None:
    """Raise `Terminated` if SIGTERM was received."""
    if _pending:
        _pending[-1].cancel()
        raise Terminated


def _terminate(_: int, __: FrameType | None) -> None:
    if _pending:
        raise_if_terminated()
    again = threading.Timer(_GRACE, os.kill, (os.getpid(), signal.SIGTERM))
    again.daemon = True
    _pending.append(again)
    again.start()


def _run_out(_: int, __: FrameType | None) -> NoReturn:
    raise OutOfTimeError
