"""From a run to its page and exports, cases without R² show what they measure, and R² nowhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import Command, InstallPlugin
from pyarrow import parquet
from test_page import Elements

#: Two problems with claims: a game of two players, and a function of the parameters.
PLUGIN = """
from dataclasses import replace
from benchsuite import Bound, Claim, FailureRate, Figure, Schedule, hookimpl
from benchsuite_library.function import rosenbrock
from benchsuite_library.generative import gan_line

@hookimpl
def benchsuite_cases():
    (game,), (valley,) = gan_line.benchsuite_cases(), rosenbrock.benchsuite_cases()
    claims = [
        Claim("Most lose a mode.", FailureRate(failed=40, of=50)),
        Claim("Three modes are covered.", Figure("modes", 3.0, spread=1.0, of_runs=20)),
        Claim("There are five modes.", Bound("modes", at_least=0, at_most=5)),
    ]
    yield replace(game, name="game", claims=claims, schedule=Schedule(steps=300, evaluate_every=100, seeds=24))
    yield replace(valley, name="valley", claims=[Claim("Most are slow.", FailureRate(equals=0.9))])
"""

R2 = re.compile(r"R²|\br2\b|largest.error|ε of")


@pytest.fixture
def finished(benchsuite: Command, install_plugin: InstallPlugin) -> tuple[Command, str]:
    """Train the problems, and return the command and what it printed."""
    install_plugin("without-r2", PLUGIN)
    code, out, err = benchsuite("run", "game", "valley", "--seeds", "24", "-v", "--run-dir", "out")
    assert code == 0, err
    return benchsuite, out


def test_tables_show_what_is_measured(finished: tuple[Command, str]) -> None:
    """The losses of both players, the modes and the claims about them."""
    _, out = finished

    for said in ("generator.loss", "modes ≥ 5", "Claims of the sources", "Most lose a mode."):
        assert said in out
    assert not R2.search(out)


def test_page_and_summary_show_what_is_measured(finished: tuple[Command, str]) -> None:
    """The learning curves of the game are those of its modes, those of the valley its loss."""
    benchsuite, _ = finished
    code, _, err = benchsuite("report", "out", "-o", "page")

    assert code == 0, err
    content = Path("page/index.html").read_text()
    page = Elements(content)
    figures = {about["data-figure"] for tag, about in page.found if tag == "figure"}
    assert {"learning-game", "learning-valley"} <= figures
    assert not {"r2", "largest-error"} & figures
    assert "modes on the evaluation data" in content
    for said in ("generator.loss", "40 of 50 fail", "modes = 3 ± 1 over 20 runs", "0 ≤ modes ≤ 5"):
        assert said in page.text
    assert not R2.search(page.text)
    assert not R2.search(Path("page/summary.md").read_text())


def test_exports_have_the_metrics(finished: tuple[Command, str]) -> None:
    """Final metrics of the case are columns; those of regression are not."""
    benchsuite, _ = finished
    code, _, err = benchsuite("export", "out", "--format=parquet", "-o", "seeds.parquet")

    assert code == 0, err
    names = set(parquet.read_schema("seeds.parquet").names)
    assert {"final.modes", "final.generator.loss", "final.loss", "end.x"} <= names
    assert not any(R2.search(name) for name in names)


def test_runs_are_compared_and_options_swept(finished: tuple[Command, str]) -> None:
    """A second run is compared with the first; a sweep has a rate for each value."""
    benchsuite, _ = finished
    compared, changes, _ = benchsuite("run", "game", "valley", "--seeds", "24", "--compare", "out")
    swept, sweep, err = benchsuite("run", "valley", "--seeds", "24", "--sweep", "learning_rate=0.01,0.1")

    assert (compared, swept) == (0, 0), err
    assert "valley" in changes.partition("out")[2]
    assert "2 values" in sweep
    assert not R2.search(changes + sweep)
