"""A process of its own for what may hang, end or take all the memory: it answers questions until it is stopped."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from benchsuite import interrupt, machine
from benchsuite.errors import BenchsuiteError, CaseError

#: Tells whoever has asked something before the answer.
Tell = Callable[[Any], None]

#: Makes what a process answers, by question; it is called there, with the first question.
Answering = Callable[[Tell], Mapping[str, Callable[..., Any]]]

#: The share of the memory that is free as a process begins which it may take.
MEMORY_SHARE = 0.9

#: Seconds between two looks at a process.
_INTERVAL = 0.1

_TOLD, _DONE, _FAILED = "told", "done", "failed"


class Child:
    """A process that answers questions, and is stopped when it takes too long or too much.

    Args:
        what: it is about, for errors: "case relu-to-relu".
        answering: makes its answers; it and all that is asked and answered must be picklable.
        limit: seconds that it may take from now on.
        kept: what is told of the rest, where it is stopped.
    """

    def __init__(self, what: str, answering: Answering, limit: float, kept: str = "") -> None:
        spawn = multiprocessing.get_context("spawn")
        self._what, self._kept = what, kept
        self._connection, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(theirs, what, answering), daemon=True)
        self._memory = MEMORY_SHARE * machine.free_memory()
        self._limit, self._end = limit, time.monotonic() + limit
        self._process.start()
        theirs.close()

    def ask(self, question: str, *arguments: Any, on_told: Tell = lambda _: None) -> Any:
        """The answer to a question.

        Raises:
            BenchsuiteError: it failed, or the process died or was stopped.
        """
        with suppress(BrokenPipeError):  # then it has died, which is found out below
            self._connection.send((question, arguments))
        while True:
            interrupt.heed()
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
            code = self._process.exitcode or 0
            how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
            raise CaseError(
                f"{self._what}: its process {how}",
                f"look for what ends it, such as os._exit, a crash or memory that runs out{self._kept}",
            ) from None

    def _watch(self) -> None:
        """Stop the process if it takes too long or too much.

        Raises:
            CaseError: it does.
        """
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
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.join()
        self._connection.close()


def _serve(connection: Connection, what: str, answering: Answering) -> None:
    """Answer questions until nobody is there any more to ask."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of a terminal; whoever asks decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(OSError):  # where the memory runs out all the same, Linux is to end this process and no other
        Path("/proc/self/oom_score_adj").write_text("1000")
    answers: Mapping[str, Callable[..., Any]] = {}
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            question, arguments = connection.recv()
            try:
                answers = answers or answering(lambda told: connection.send((_TOLD, told)))
                answer = (_DONE, answers[question](*arguments))
            except BenchsuiteError as error:
                answer = (_FAILED, error)
            except (Exception, SystemExit) as error:  # noqa: BLE001  # it is told on the other side
                answer = (_FAILED, CaseError(f"{what} failed: {type(error).__name__}: {error}"))
            connection.send(answer)


def _end_with_parent() -> None:
    """Whoever has asked may be killed, while this process hangs."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
