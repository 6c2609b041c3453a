"""Observers receive what happens in a run; the log writes it into a file; one that fails ends nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from conftest import Command, InstallPlugin
from toys import line

import benchsuite as bs
from benchsuite.errors import OptionError
from benchsuite.plugins import CaseFinished, RoundFinished, RunStarted, load_registry


class Diary(bs.RunObserver):
    """Records all events."""

    def __init__(self) -> None:
        self.events: list[RunStarted | RoundFinished | CaseFinished] = []

    def run_started(self, event: RunStarted) -> None:
        self.events.append(event)

    def round_finished(self, event: RoundFinished) -> None:
        self.events.append(event)

    def case_finished(self, event: CaseFinished) -> None:
        self.events.append(event)


OBSERVING = """
import benchsuite

EVENTS = []

class Chime(benchsuite.RunObserver):
    def case_finished(self, event):
        EVENTS.append(event.case)

@benchsuite.hookimpl
def benchsuite_observers():
    yield Chime()
"""


def test_hook_benchsuite_observers(install_plugin: InstallPlugin, benchsuite: Command) -> None:
    """The observer of a plugin is called in every run, also by the command line."""
    install_plugin("chime", OBSERVING)

    assert [type(observer).__name__ for observer in load_registry().observers] == ["Chime"]
    assert benchsuite("run", "line", "--seeds", "4")[0] == 0
    assert sys.modules["plugin_chime"].EVENTS == ["line"]  # type: ignore[attr-defined]
    assert "Chime" in benchsuite("plugins")[1]


def test_events_come_in_order_with_plain_values() -> None:
    """The run, its rounds and its cases, with seeds, times and summaries."""
    diary = Diary()

    res = bs.run(line(), seeds=[3, 5, 8], rounds=3, observers=[diary])

    started, *rounds, finished = diary.events
    assert isinstance(started, RunStarted)
    assert isinstance(finished, CaseFinished)
    assert started.cases == ["line"]
    assert started.settings["seeds"] == "3,5,8"
    assert [(r.number, r.rounds, r.seeds, r.first_seed, r.trained, r.converged) for r in rounds] == [  # type: ignore[union-attr]
        (1, 3, 1, 3, 1, 1),
        (2, 3, 1, 5, 2, 2),
        (3, 3, 1, 8, 3, 3),
    ]
    assert finished.summaries[0]["rate"] == res["line"].rate
    json.dumps(finished.summaries)


def test_case_that_fails_is_observed_with_its_error() -> None:
    """The event says why a case ended early."""
    diary = Diary()

    with pytest.warns(bs.BenchsuiteWarning):
        bs.run(line(name="broken", loss=lambda prediction, target: 1 / 0), line(), seeds=2, observers=[diary])

    ends = [event for event in diary.events if isinstance(event, CaseFinished)]
    assert ["division by zero" in end.error for end in ends] == [True, False]


class Failing(bs.RunObserver):
    """Raises in every round, and exits."""

    calls = 0

    def round_finished(self, event: RoundFinished) -> None:
        Failing.calls += event.number
        sys.exit(3)


def test_observer_that_raises_is_left_out_with_a_warning() -> None:
    """The run goes on, and the observer is not called again."""
    with pytest.warns(bs.BenchsuiteWarning, match="observer Failing failed .* SystemExit: 3"):
        res = bs.run(line(), observers=[Failing()])

    assert res["line"].seeds == 20
    assert Failing.calls == 1


def test_log_has_a_line_for_each_event(benchsuite: Command) -> None:
    """--log appends JSON objects, each with its kind and time; a file that cannot be written is refused at once."""
    assert benchsuite("run", "line", "--seeds", "4", "--rounds", "2", "--log", "log.jsonl")[0] == 0
    lines = [json.loads(text) for text in Path("log.jsonl").read_text().splitlines()]

    assert [one["event"] for one in lines] == ["run started", "round finished", "round finished", "case finished"]
    assert all(one["time"].endswith("+00:00") for one in lines)
    assert lines[-1]["summaries"][0]["converged"] == 4
    code, _, err = benchsuite("run", "line", "--log", "no/such/folder.jsonl")
    assert code == 2
    assert "the log no/such/folder.jsonl cannot be written" in err
    with pytest.raises(OptionError, match="cannot be written"):
        bs.run(line(), log="no/such/folder.jsonl")
