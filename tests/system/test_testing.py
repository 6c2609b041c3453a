"""The conformance kit finds what is wrong with a case, and says what to change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import LINE, Command, InstallPlugin
from test_testing import SOLUTION, kept
from toys import line, line_table

from benchsuite import Schedule
from benchsuite.testing.audit import Audit
from benchsuite.testing.checks import PROMISES, NotCheckedError, check_case


def test_sound_case_keeps_everything() -> None:
    """Every promise is tried, and a case that keeps them passes."""
    found = check_case(line(solution=SOLUTION))

    assert [check.name for check in found] == list(PROMISES)
    assert {check.verdict for check in found} == {"passed"}


def test_table_keeps_everything_but_a_solution() -> None:
    """A finite dataset is tried as well; a promise that cannot be tried is said not to be."""
    tables = line(dataset=line_table(), schedule=Schedule(epochs=4))

    for promise in ("contract", "shapes", "purity", "independent seeds", "null control"):
        assert kept(promise, tables)
    with pytest.raises(NotCheckedError, match="it states no solution"):
        kept("oracle control", tables)


#: A case of which every process makes another one, and one that hangs where only a kill helps.
UNSOUND = (
    LINE
    + """
import numpy as np

SLOPE = np.random.default_rng().normal()

def moody_line(key, n):
    x, y = noisy_line(key, n)
    return x, SLOPE * y

def endless(key, n):
    x, y = noisy_line(key, n)
    return x, jax.lax.while_loop(lambda y: True, lambda y: y + 1, y)

@hookimpl
def benchsuite_cases():
    for draw, summary in ((moody_line, "A line"), (endless, "A line without an end.")):
        dataset = Stream(draw, batch_size=32, evaluation_size=256)
        yield line(draw.__name__.replace("_", "-"), summary=summary, dataset=dataset)
"""
)


def test_check_command(benchsuite: Command, install_plugin: InstallPlugin) -> None:
    """Each check that fails is told with what to change; what differs from process to process is found."""
    install_plugin("unsound", UNSOUND)

    code, out, _ = benchsuite("check", "moody-line")

    assert code == 1
    told = " ".join(out.split())
    assert "description failed its summary is 'A line' try: write a sentence that ends in a full stop" in told
    assert "purity failed its functions make another program in another process try: draw random numbers" in told
    assert "2 failed" in out
    assert benchsuite("check", "nobody")[0] == 2


def test_check_stops_what_hangs(benchsuite: Command, install_plugin: InstallPlugin) -> None:
    """A case without an end costs no other, and not for ever."""
    install_plugin("unsound", UNSOUND)

    code, out, _ = benchsuite("check", "endless", "--time-limit", "1")

    assert code == 1
    assert "case endless was stopped after 1 s" in out
    assert f"1 failed, {len(PROMISES) - 1} not checked" in out


def test_audit_command(benchsuite: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeds are trained in every way, and nothing differs; if something does, it is counted."""
    code, out, _ = benchsuite("audit", "line", "--seeds", "7")

    assert code == 0
    assert "every seed ends the same to the last bit" in out
    assert "each alone          7               0" in out

    train = Audit._train_alone

    def spoilt(self: Audit) -> Any:
        trace = train(self)
        trace.metrics["r2"][2, -1] = np.nan
        return trace

    monkeypatch.setattr(Audit, "_train_alone", spoilt)
    code, out, _ = benchsuite("audit", "line", "--seeds", "7")
    assert code == 1
    assert "seeds do not end the same: final.r2 differs most, each alone" in out
    assert "each alone          7               1        2 of 63         inf" in out
