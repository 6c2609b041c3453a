"""Observers of a run: what they receive, and the one that writes a log."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchsuite.errors import OptionError


@dataclass(frozen=True)
class RunStarted:
    """A run begins.

    Args:
        folder: of its rows.
        cases: ids of the cases to train, such as "relu-bias" and "relu-bias+adam".
        settings: option → value, as plain JSON values.
        machine: devices, memory and versions, as plain JSON values.
    """

    folder: str
    cases: Sequence[str]
    settings: Mapping[str, Any]
    machine: Mapping[str, Any]


@dataclass(frozen=True)
class RoundFinished:
    """A round of a case is trained and stored.

    Args:
        case: its id.
        number: of the round, from 1.
        rounds: number of rounds of the case.
        seeds: number of seeds of this round.
        first_seed: the smallest of them.
        last_seed: the largest of them.
        seconds: training time of the round.
        trained: number of seeds of the case that are trained so far.
        converged: number of those that converged; of a sweep, at its best value.
    """

    case: str
    number: int
    rounds: int
    seeds: int
    first_seed: int
    last_seed: int
    seconds: float
    trained: int
    converged: int


@dataclass(frozen=True)
class CaseFinished:
    """A case is trained, or has failed.

    Args:
        case: its id.
        summaries: the fields of `results.Summary`, as plain JSON values: one, one for each value of a sweep, or none
            where no round has ended.
        error: why it ended early; empty where it did not.
    """

    case: str
    summaries: Sequence[Mapping[str, Any]]
    error: str


class RunObserver:
    """Receives what happens in a run; subclasses override the methods they need.

    The methods are called in the process that started the run. An observer that raises an exception is reported by a
    warning, and not called again in this run.
    """

    def run_started(self, event: RunStarted) -> None:
        """Called once, when the run folder is open."""

    def round_finished(self, event: RoundFinished) -> None:
        """Called after each round that was trained; not for rounds of an earlier run that is resumed."""

    def case_finished(self, event: CaseFinished) -> None:
        """Called at the end of each case, also after an error or an interrupt."""


class JsonLinesLog(RunObserver):
    """Appends every event to a file, one JSON object a line, with its kind and its time (UTC, ISO 8601).

    Args:
        path: the file; its folder must exist.

    Raises:
        OptionError: the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.open("a", encoding="utf-8").close()
        except OSError as error:
            hint = "name a file in a folder that exists with --log"
            raise OptionError(f"the log {path} cannot be written: {error.strerror}", hint) from error

    def run_started(self, event: RunStarted) -> None:
        """Write the folder, cases, settings and machine of the run."""
        self._write("run started", event)

    def round_finished(self, event: RoundFinished) -> None:
        """Write the seeds, time and successes of a round."""
        self._write("round finished", event)

    def case_finished(self, event: CaseFinished) -> None:
        """Write the summaries of a case, or its error."""
        self._write("case finished", event)

    def _write(self, kind: str, event: RunStarted | RoundFinished | CaseFinished) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"event": kind, "time": now, **asdict(event)}, default=str)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
