"""Cases that are trained in a process of their own: whatever one of them does there, the others finish."""

from __future__ import annotations

import math
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchsuite import interrupt, machine
from benchsuite.case import Case
from benchsuite.errors import BenchsuiteError, CaseError
from benchsuite.job import Job
from benchsuite.plan import Plan
from benchsuite.rows import Columns, Rows
from benchsuite.settings import Settings
from benchsuite.shard import Shard
from benchsuite.trainer import OnTrained, Trainer

#: The share of the memory that is free as a case begins which it may take.
MEMORY_SHARE = 0.9

#: Seconds between two looks at a process.
_INTERVAL = 0.1

_TRAINED, _DONE, _FAILED = "trained", "done", "failed"

_KEPT = "finished rounds are kept"


class Child:
    """A process that trains one case, and is stopped when it takes too long or too much.

    Args:
        job: what it trains; nothing where it only tells of its machine.
        limit: seconds that it may take from now on.
    """

    def __init__(self, job: Job | None, limit: float) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._what = _name(job)
        self._connection, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(theirs, job), daemon=True)
        self._memory = MEMORY_SHARE * machine.free_memory()
        self._limit, self._end = limit, time.monotonic() + limit
        self._process.start()
        theirs.close()

    def ask(self, what: str, *arguments: Any, on_trained: OnTrained = lambda _: None) -> Any:
        """What a method or attribute of its trainer gives.

        Raises:
            BenchsuiteError: it failed, died, or was stopped.
        """
        with suppress(BrokenPipeError):  # then it has died, which is found out below
            self._connection.send((what, arguments))
        while True:
            interrupt.heed()
            self._watch()
            kind, value = self._hear()
            if kind == _TRAINED:
                on_trained(value)
            elif kind == _DONE:
                return value
            elif kind == _FAILED:
                self.stop()
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
                f"look for what ends it, such as os._exit, a crash or memory that runs out; {_KEPT}",
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
                f"{_KEPT}; --resume goes on from them, with a longer --time-limit if it needs one",
            )
        with suppress(psutil.NoSuchProcess):
            taken = psutil.Process(self._process.pid).memory_info().rss
            if taken > self._memory:
                self.stop()
                raise CaseError(
                    f"{self._what} was stopped: it took {taken / 2**30:.1f} GiB of memory",
                    f"look for what it keeps, or train it where there is more memory; {_KEPT}",
                )

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.join()
        self._connection.close()


class IsolatedTrainer:
    """Trains rounds of a case in a process of its own; see `Trainer`."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self.plan: Plan = child.ask("plan")

    def compile(self) -> Plan:
        """Compile the program; gives the plan with what that told."""
        self.plan = self._child.ask("compile")
        return self.plan

    def train_starts(self) -> tuple[Rows, Columns]:
        """Train the named starts; gives their rows and learning curves."""
        rows, curves = self._child.ask("train_starts")
        return rows, curves

    def train(self, rounds: Iterable[np.ndarray], on_trained: OnTrained) -> Iterator[Shard]:
        """Train rounds, each an array of seeds, one after the other."""
        for seeds in rounds:
            yield self._child.ask("train_round", seeds, on_trained=on_trained)


class Isolated:
    """An engine that trains each case in a process of its own, on all local devices."""

    def __init__(self) -> None:
        self._child: Child | None = None

    def _new(self, job: Job | None, limit: float) -> Child:
        self.stop()
        self._child = Child(job, limit)
        return self._child

    def describe(self, settings: Settings) -> dict[str, Any]:
        """What is measured on, as `machine.describe` gives it."""
        about: dict[str, Any] = self._new(None, math.inf).ask("describe", settings.platform)
        return about

    def trainer(self, case: Case, settings: Settings) -> IsolatedTrainer:
        """Who trains a case."""
        return IsolatedTrainer(self._new(Job.of(case, settings), settings.time_limit or math.inf))

    def stop(self) -> None:
        """End the process that there is."""
        if self._child:
            self._child.stop()
            self._child = None


def _name(job: Job | None) -> str:
    return f"case {job.case}" if job else "looking at the machine"


def _serve(connection: Connection, job: Job | None) -> None:
    """Answer questions until nobody is there any more to ask."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of a terminal; whoever asks decides
    with suppress(OSError):  # where the memory runs out all the same, Linux is to end this process and no other
        Path("/proc/self/oom_score_adj").write_text("1000")
    trainer: Trainer | None = None
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            what, arguments = connection.recv()
            try:
                if job and not trainer:
                    trainer = job.trainer()
                answer = (_DONE, _answers(trainer, connection.send)[what](*arguments))
            except BenchsuiteError as error:
                answer = (_FAILED, error)
            except (Exception, SystemExit) as error:  # noqa: BLE001  # it is told on the other side
                told = f"{_name(job)} failed: {type(error).__name__}: {error}"
                answer = (_FAILED, CaseError(told, "train it without --time-limit to see where"))
            connection.send(answer)


def _answers(trainer: Trainer | None, send: Callable[[Any], None]) -> dict[str, Callable[..., Any]]:
    if trainer is None:
        return {"describe": _describe}
    return {
        "plan": lambda: trainer.plan,
        "compile": trainer.compile,
        "train_starts": trainer.train_starts,
        "train_round": lambda seeds: next(trainer.train([seeds], lambda share: send((_TRAINED, share)))),
    }


def _describe(platform: str) -> dict[str, Any]:
    machine.configure(platform)
    return machine.describe(machine.devices(platform))
