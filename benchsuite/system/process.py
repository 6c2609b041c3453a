"""A process of its own for what may hang, end or take all the memory: it answers questions until it is stopped."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from benchsuite.errors import BenchsuiteError, CaseError, wrap_errors
from benchsuite.system import machine, signals

#: Tells whoever has asked something before the answer.
Notify = Callable[[Any], None]

#: Makes what a process answers, by question; it is called there, with the first question.
MakeHandlers = Callable[[Notify], Mapping[str, Callable[..., Any]]]

#: The share of the memory that is free as a process begins which it may take.
MEMORY_SHARE = 0.9

#: Seconds between two looks at a process.
_INTERVAL = 0.1

_TOLD, _DONE, _FAILED = "told", "done", "failed"


class ChildProcess:
    """A process that answers questions, and is stopped when it takes too long or too much.

    Args:
        what: it is about, for errors: "case relu-to-relu".
        answering: makes its answers; it and all that is asked and answered must be picklable.
        limit: seconds that it may take from now on.
        kept: what is told of the rest, where it is stopped.
    """

    def __init__(self, what: str, answering: MakeHandlers, limit: float, kept: str = "") -> None:
        spawn = multiprocessing.get_context("spawn")
        self._what, self._kept = what, kept
        self._connection, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(theirs, what, answering), daemon=True)
        self._memory = MEMORY_SHARE * machine.free_memory()
        self._limit, self._end = limit, time.monotonic() + limit
        with _signals_held():
            self._process.start()
        theirs.close()

    def ask(self, question: str, *arguments: Any, on_told: Notify = lambda _: None) -> Any:
        """The answer to a question.

        Raises:
            BenchsuiteError: it failed, or the process died or was stopped.
        """
        with suppress(BrokenPipeError):  # then it has died, which is found out below
            self._connection.send((question, arguments))
        while True:
            signals.raise_if_terminated()
            self._watch()
            kind, value = self._hear()
            if kind == _TOLD:
                on_told(value)
            elif kind == _DONE:
                return value
            elif kind == _FAILED:
                raise value

    def _hear(self) -> tuple[str, Any]:
        try:
            return self._connection.recv() if self._connection.poll(_INTERVAL) else ("", None)
        except (EOFError, ConnectionResetError):
            self._process.join()
            raise self._ended() from None

    def _ended(self) -> CaseError:
        signals.raise_if_terminated()  # what ends this process may have ended that one first
        code = self._process.exitcode or 0
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        return CaseError(
            f"{self._what}: its process {how}",
            f"look for what ends it, such as os._exit, a crash or memory that runs out{self._kept}",
        )

    def _watch(self) -> None:
        """Stop the process if it takes too long or too much.

        Raises:
            CaseError: it does, or it has ended.
        """
        if not self._process.is_alive() and not self._connection.poll():  # one of its own may still hold the pipe
            raise self._ended()
        if time.monotonic() > self._end:
            self.stop()
            raise CaseError(
                f"{self._what} was stopped after {self._limit:g} s",
                f"look for what has no end, or give a longer --time-limit{self._kept}",
            )
        with suppress(psutil.NoSuchProcess):
            taken = psutil.Process(self._process.pid).memory_info().rss
            if taken > self._memory:
                self.stop()
                raise CaseError(
                    f"{self._what} was stopped: it took {taken / 2**30:.1f} GiB of memory",
                    f"look for what it keeps, or go where there is more memory{self._kept}",
                )

    def stop(self) -> None:
        """End the process and those that it has started, whatever they are doing."""
        if self._process.pid:  # 0 would be the group of this process
            with suppress(ProcessLookupError, AttributeError):  # it has no group yet, or this is another system
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.join()
        self._connection.close()


@contextmanager
def _signals_held() -> Iterator[None]:
    """Lets a process begin deaf to what asks a whole group to stop: whoever asks it decides."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection, what: str, answering: MakeHandlers) -> None:
    """Answer questions until nobody is there any more to ask."""
    with suppress(AttributeError, OSError):
        os.setsid()  # a group of its own, with which whatever it starts is ended
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(OSError):  # where the memory runs out all the same, Linux is to end this process and no other
        Path("/proc/self/oom_score_adj").write_text("1000")
    answers: Mapping[str, Callable[..., Any]] = {}
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            question, arguments = connection.recv()
            try:
                with wrap_errors(lambda raised: CaseError(f"{what} failed: {raised}")):
                    answers = answers or answering(lambda told: connection.send((_TOLD, told)))
                    answer = (_DONE, answers[question](*arguments))
            except BenchsuiteError as error:
                answer = (_FAILED, error)
            connection.send(answer)


def _end_with_parent() -> None:
    """Whoever has asked may be killed, while this process hangs."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
