"""Runs a case again and again, and kills it at random moments: `kill_often.py FOLDER KILLS RUN-OPTION…`.

A process that has imported everything is forked for each attempt, so that most of its time goes into the run.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import warnings
from pathlib import Path

import benchsuite.execution.runner
import benchsuite.report.terminal.summary
from benchsuite.cli import main as cli

IMPORTED_FOR_THE_FORKS = (benchsuite.report.terminal.summary, benchsuite.execution.runner)

#: Seconds after which a run is killed at the latest: some are not even begun by then.
LATEST = 0.5

#: Rounds that none of them may go beyond, so that on a fast machine none ends before it is killed.
FARTHEST = 2


def start(folder: Path, options: list[str]) -> int:
    """Begin the run, or go on with it, in a process of its own; gives its id."""
    if pid := os.fork():
        return pid
    log = os.open(folder.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    resume = ["--resume"] if (folder / "run.json").exists() else []
    sys.argv = ["benchsuite", "run", *options, "--run-dir", str(folder), *resume]
    try:
        cli.main()
    except SystemExit as ended:
        os._exit(int(ended.code or 0))
    os._exit(1)


def rounds(folder: Path) -> int:
    """How many are kept."""
    return len(list(folder.glob("*/seeds-*.npz")))


def main(folder: Path, kills: int, options: list[str]) -> int:
    """Kill so many runs, then let the last one finish; gives its exit code."""
    warnings.simplefilter("ignore")  # JAX warns of forks: none of these has threads yet
    moments = random.Random(7)  # noqa: S311  # nobody is to be kept from guessing them
    for _ in range(kills):
        before = rounds(folder)
        pid = start(folder, options)
        moment = time.monotonic() + moments.uniform(0, LATEST)
        while time.monotonic() < moment and rounds(folder) < before + FARTHEST:
            time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSIGNALED(status):
            sys.exit("it had ended before it was killed")
    _, status = os.waitpid(start(folder, options), 0)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
