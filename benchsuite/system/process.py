"""Run code in a child process with a time and memory limit."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil

from benchsuite.errors import BenchsuiteError, CaseError, wrap_errors
from benchsuite.system import machine, signals

#: Sends a message to the parent process before the result, such as progress.
Notify = Callable[[Any], None]

#: Makes the functions that a child process offers, by name; called there, at the first call.
MakeHandlers = Callable[[Notify], Mapping[str, Callable[..., Any]]]

#: Share of the free memory at its start that a child process may use.
MEMORY_SHARE = 0.9

#: Seconds between two checks of a child process.
_INTERVAL = 0.1

_MESSAGE, _DONE, _FAILED = "message", "done", "failed"


class ChildProcess:
    """A child process that performs calls, and is stopped when it exceeds a limit.

    Args:
        subject: of its work, for errors: "case relu-to-relu".
        handlers: makes its functions; it, their arguments and their results must be picklable.
        limit: seconds from now.
        advice: appended to the hints of errors.
    """

    def __init__(self, subject: str, handlers: MakeHandlers, limit: float, advice: str = "") -> None:
        spawn = multiprocessing.get_context("spawn")
        self._subject, self._advice = subject, advice
        self._connection, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(theirs, subject, handlers), daemon=True)
        self._memory = MEMORY_SHARE * machine.free_memory()
        self._limit, self._end = limit, time.monotonic() + limit
        with _signals_held(), _main_hidden():
            self._process.start()
        theirs.close()

    def call(self, name: str, *arguments: Any, on_message: Notify = lambda _: None) -> Any:
        """Call a function of the child process and return its result.

        Args:
            name: of the function.
            arguments: of the function.
            on_message: called with each message that it sends before its result.

        Raises:
            BenchsuiteError: it failed, or the process died or was stopped.
        """
        with suppress(BrokenPipeError):  # the process has died, which is detected below
            self._connection.send((name, arguments))
        while True:
            signals.raise_if_terminated()
            self._check_limits()
            kind, value = self._receive()
            if kind == _MESSAGE:
                on_message(value)
            elif kind == _DONE:
                return value
            elif kind == _FAILED:
                raise value

    def _receive(self) -> tuple[str, Any]:
        try:
            return self._connection.recv() if self._connection.poll(_INTERVAL) else ("", None)
        except (EOFError, ConnectionResetError):
            self._process.join()
            raise self._exit_error() from None

    def _exit_error(self) -> CaseError:
        signals.raise_if_terminated()  # the same signal may have ended the child first
        code = self._process.exitcode or 0
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
        return CaseError(
            f"{self._subject}: its process {how}",
            f"look for os._exit, a crash or exhausted memory{self._advice}",
        )

    def _check_limits(self) -> None:
        """Stop the process if it exceeds a limit.

        Raises:
            CaseError: it does, or it has ended.
        """
        if not self._process.is_alive() and not self._connection.poll():  # a grandchild may still hold the pipe
            raise self._exit_error()
        if time.monotonic() > self._end:
            self.stop()
            raise CaseError(
                f"{self._subject} was stopped: it exceeded the time limit of {self._limit:g} s",
                f"look for an endless loop, or increase --time-limit{self._advice}",
            )
        with suppress(psutil.NoSuchProcess):
            used = psutil.Process(self._process.pid).memory_info().rss
            if used > self._memory:
                self.stop()
                raise CaseError(
                    f"{self._subject} was stopped: it used {used / 2**30:.1f} GiB of memory",
                    f"look for a memory leak, or use a machine with more memory{self._advice}",
                )

    def stop(self) -> None:
        """Kill the process and those that it has started."""
        if self._process.pid:  # 0 would be the group of this process
            with suppress(ProcessLookupError, AttributeError):  # it has no group yet, or the system has none
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.join()
        self._connection.close()


@contextmanager
def _signals_held() -> Iterator[None]:
    """Start a child process with SIGINT and SIGTERM blocked: its parent decides when it stops."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _main_hidden() -> Iterator[None]:
    """Start a child process without the main module, a script that would run again in it."""
    main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _serve(connection: Connection, subject: str, make_handlers: MakeHandlers) -> None:
    """Perform calls until the parent process closes the connection."""
    with suppress(AttributeError, OSError):
        os.setsid()  # a new process group, so that `stop` ends its children as well
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(OSError):  # where memory is exhausted all the same, Linux kills this process first
        Path("/proc/self/oom_score_adj").write_text("1000")
    handlers: Mapping[str, Callable[..., Any]] = {}
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            name, arguments = connection.recv()
            try:
                with wrap_errors(lambda raised: CaseError(f"{subject} failed: {raised}")):
                    handlers = handlers or make_handlers(lambda message: connection.send((_MESSAGE, message)))
                    result = (_DONE, handlers[name](*arguments))
            except BenchsuiteError as error:
                result = (_FAILED, error)
            connection.send(result)


def _end_with_parent() -> None:
    """End this process when its parent is killed, even while it hangs."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
