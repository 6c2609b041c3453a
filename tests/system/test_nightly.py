"""A night ends with a verdict: published, compared with the last good one, and told where something is wrong."""

from __future__ import annotations

import numpy as np
import psutil
import pytest
from conftest import LINE, SUPPLY, Command, InstallPlugin
from stored import GOOD, SLOW, a_case
from test_nightly import NIGHTLY, _quiet, night

from benchsuite.engine import trainer
from benchsuite.publish import nightly
from benchsuite.publish.site import Site
from benchsuite.report.html import changes


def good() -> str:
    """The night that the next one is compared with."""
    return (NIGHTLY / "last-good").read_text().strip()


def test_nights_are_published_and_compared(benchsuite: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first good night is the reference of the second, and the second that of the third."""
    # Other tests run beside this one: neither their load nor the speed it takes away says anything about a night.
    monkeypatch.setattr(psutil, "cpu_percent", lambda *_, **__: 0.0)
    monkeypatch.setattr(changes, "LEVEL", 0.0)
    code, out, err = benchsuite("nightly", "line", "--seeds=12")
    first = good()
    assert code == 0, err
    assert "page: nightly/site/runs/" in out
    assert "This night is good." in (NIGHTLY / "summary.md").read_text()
    assert benchsuite("nightly", "line", "--seeds=12")[0] == 0
    second = good()
    assert second != first
    assert f"Nothing changed since {first}" in (NIGHTLY / "summary.md").read_text()
    assert len(Site(NIGHTLY / "site").nights) == 2
    assert not (NIGHTLY / "issue.md").exists()


def test_a_part_of_a_night_or_a_doubtful_one_is_no_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what changed in it would never be seen. A case that is gone unasked is wrong."""
    line, other = a_case("line", GOOD, SLOW), a_case("other", GOOD, SLOW)
    night("one", line, other)

    assert not night("two", line, partial=True).wrong
    assert good() == "one"
    assert night("three", line).wrong == ["missing since one: other"]
    assert good() == "one"
    monkeypatch.setattr(psutil, "cpu_percent", lambda _: 80.0)
    assert not night("four", line, other).wrong
    assert good() == "one"
    assert "the timing is unreliable: other processes used 80 %" in (NIGHTLY / "summary.md").read_text()


def test_a_case_that_fails_spoils_the_night_for_no_other(
    benchsuite: Command, install_plugin: InstallPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if it ends its process: the others are published; the issue says that something failed."""
    monkeypatch.setattr(nightly, "TIME_LIMIT", 300)
    broken = "model=lambda rngs: __import__('os')._exit(3)"
    install_plugin("broken", LINE + SUPPLY.replace("line()", f"line('broken', {broken})"))

    code, _, _ = benchsuite("nightly", "broken", "line", "--seeds=4")

    assert code == 1
    assert [point.label for point in Site(NIGHTLY / "site").nights[0].points] == ["line"]
    assert "a case failed" in (NIGHTLY / "issue.md").read_text()
    assert not (NIGHTLY / "last-good").exists()


def good() -> str:
    """The night that the next one is compared with."""
    return (NIGHTLY / "last-good").read_text().strip()


def test_a_drop_fails_the_night() -> None:
    """It is told in an issue, and the night is no reference unless it is accepted."""
    well, ill = a_case("line", *[GOOD] * 12), a_case("line", *[SLOW] * 12)
    night("one", well)

    dropped = night("two", ill)

    issue = (NIGHTLY / "issue.md").read_text()
    assert dropped.wrong == ["line: its rate has dropped by 100.0 points (McNemar's p = 0.00049, level 0.01)"]
    assert good() == "one"
    assert issue.splitlines()[0] == "Nightly two: line"
    assert "Compared with `one`" in issue
    assert "**This night is not good:**" in (NIGHTLY / "summary.md").read_text()
    assert len(Site(NIGHTLY / "site").nights) == 2, "what was measured is published all the same"
    assert night("three", ill, accept=True).wrong
    assert good() == "three"
    assert not night("four", ill).wrong


def test_a_gate_that_cannot_fall_says_so() -> None:
    """So few rounds leave the rank test no p-value below the level."""
    for name in ("one", "two"):
        night(name, a_case("line", *[GOOD] * 12))

    assert "speed:0.001:10% cannot fail: with so few rounds" in (NIGHTLY / "summary.md").read_text()


def test_a_night_that_is_interrupted_is_not_published(benchsuite: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows are kept all the same."""
    train = trainer.Trainer._train_round

    def interrupted(self: trainer.Trainer, seeds: np.ndarray, on_trained: trainer.OnTrained) -> object:
        if not self._first_run:
            raise KeyboardInterrupt
        return train(self, seeds, on_trained)

    monkeypatch.setattr(trainer.Trainer, "_train_round", interrupted)

    assert benchsuite("nightly", "line", "--seeds=10")[0] == 130

    assert not (NIGHTLY / "site").exists()
    assert len(list((NIGHTLY / "runs").glob("*/line/seeds-*.npz"))) == 1
