"""The option `--benchsuite-board`: rank entries over the collected cases, in place of the tests."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchsuite.errors import BenchsuiteError, printable

if TYPE_CHECKING:
    from benchsuite.pytest_plugin.suite import Suite

#: The destination of the option.
ENTRIES = "benchsuite_board_entries"

_FOLDER = Path(".benchsuite") / "board"


def add_board_option(group: pytest.OptionGroup) -> None:
    """Add the option."""
    group.addoption(
        "--benchsuite-board",
        dest=ENTRIES,
        action="append",
        metavar="ENTRY",
        help="Do not run the tests; rank entries (TOML files, folders, names) over the collected cases, by default"
        f" settings, on --benchsuite-seeds, in {_FOLDER}. Can be repeated; `benchsuite board` has more options.",
    )


def rank_cases(suite: Suite, cases: list[str], session: pytest.Session) -> None:
    """Train a board of some cases, and show it.

    Raises:
        BenchsuiteError: an entry or an option cannot be used.
    """
    from benchsuite.report.ranking import board_tables
    from benchsuite.report.terminal import render
    from benchsuite.standings import board_contest
    from benchsuite.system import progress

    training, failures = suite.settings[0], list[BenchsuiteError]()
    values = {**vars(training), "output": _FOLDER, "judge_seeds": training.seeds and str(training.seeds)}
    contest = board_contest(suite.session.registry, suite.config.getoption(ENTRIES), cases, values)
    made = contest.make(lambda place: progress.ProgressBar(sys.stderr, place=place), failures.append)
    session.testsfailed = len(failures)
    writer, reporter = (
        suite.config.get_terminal_writer(),
        suite.config.pluginmanager.get_plugin("terminalreporter"),
    )
    if reporter:
        reporter.section("board")
        reporter.write(render(board_tables(made), writer.fullwidth, writer.hasmarkup))
        for error in failures:
            reporter.write_line(printable(str(error)), red=True)
        reporter.write_line(f"rows of every seed: {_FOLDER / 'rows'}")
