"""A ladder: a case for each value of a structural option, shown as a ladder; and such options in a sweep."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from conftest import Command
from pyarrow import parquet
from test_ladder import NET, Net, finished, net, registry
from test_pytest_plugin import CASES
from toys import line, run

from benchsuite import Case
from benchsuite.case import SweepRange
from benchsuite.results import SeedTable
from benchsuite.store import RunFolder, read_results
from benchsuite.variants.variant import sweep_cases


@pytest.mark.usefixtures("registry")
def test_ladder_is_planned_and_one_case_run(benchsuite: Command) -> None:
    """A label that is shown can be typed again, and a folder says which place of the ladder it is."""
    _, planned, _ = benchsuite("run", "net", "--plan")
    code, out, _ = benchsuite("run", "-v", "net(units=1)", "--run-dir", "out")
    again, replayed, _ = benchsuite("replay", "net-units-1", "--seed", "0")

    assert [line.split()[0] for line in planned.splitlines() if line.startswith("net")] == [
        "net-units-1",
        "net-units-2",
        "net-units-10",
    ]
    assert code == again == 0
    assert "With units = 1, 50 % fail." in out
    assert "net-units-1, seed 0: " in replayed
    summary = RunFolder(Path("out")).summaries["net-units-1"]
    assert (summary.ladder_name, summary.rung, summary.published) == ("net", {"units": 1}, 0.5)
    assert "The ladder" not in out, "a single case makes no ladder"


@pytest.mark.usefixtures("registry")
def test_ladder_is_resumed(benchsuite: Command) -> None:
    """Cases that were trained are kept, and missing ones are trained."""
    benchsuite("run", "net-units-1", "--run-dir", "out")

    code, out, _ = benchsuite("run", "-v", "net(1)", "net(2)", "--resume", "--run-dir", "out")

    assert code == 0
    assert "The ladder net: units from 1 to 2" in out
    assert list(RunFolder(Path("out")).summaries) == ["net-units-1", "net-units-2"]


@pytest.mark.usefixtures("registry")
def test_ladder_in_pytest(pytester: pytest.Pytester) -> None:
    """Each case is a test, and -k selects it by its name; each value of a structural sweep is one too."""
    pytester.makepyfile(test_cases=CASES)

    result = pytester.runpytest_inprocess("--benchmark-only", "-k", "net-units-1]", "-p", "no:randomly")
    swept = ("--benchsuite-sweep=units=1,3", "--collect-only", "-q", "-p", "no:randomly", "-k", "net-units-2")
    collected = pytester.runpytest_inprocess(*swept)

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*net-units-1: * of 4 converged*"])
    collected.stdout.fnmatch_lines(["*[[]net-units-2@units=1]", "*[[]net-units-2@units=3]"])


def test_ladder_is_on_the_page(finished: Command) -> None:
    """With its figure and its numbers, and in the summary."""
    code, _, _ = finished("report", "out", "-o", "page")

    assert code == 0
    page = Path("page/index.html").read_text()
    assert 'id="ladders"' in page
    assert '"ladder-net":' in page
    assert "**The ladder net: units from 1 to 16**" in Path("page/summary.md").read_text()


def test_seed_is_the_same_in_a_structural_sweep() -> None:
    """As in the case with this value, whose name it has."""
    (swept,) = sweep_cases(NET, None, SweepRange("units", (3.0,)))

    alone = line(name="net", model=partial(Net, units=3), optimizer=NET.optimizer)
    expected, seen = (rows_of(case).columns for case in (alone, swept))

    assert expected.keys() == seen.keys()
    for name in expected:
        np.testing.assert_array_equal(seen[name], expected[name])


def rows_of(case: Case) -> SeedTable:
    """Train two seeds."""
    folder = RunFolder.create(None, {}, {})
    run(case, folder, seeds=2, rounds=1)
    (result,) = read_results(folder)
    return result.rows


@pytest.mark.usefixtures("registry")
def test_structural_sweep_in_a_run(benchsuite: Command) -> None:
    """Its values stand in the table and the picture of a sweep, in the export, and can be replayed."""
    code, out, _ = benchsuite("run", "net-units-2", "--sweep", "units=1,3", "--run-dir", "out")
    drawn, _, _ = benchsuite("report", "out", "-o", "sweep.svg")
    _, replayed, _ = benchsuite("replay", "net-units-2@units=3", "--seed", "1")
    benchsuite("export", "out", "--format=parquet", "-o", "seeds.parquet")

    assert (code, drawn) == (0, 0)
    assert "net-units-2: units from 1 to 3, 2 values, 4 seeds" in out
    assert ">units</text>" in Path("sweep.svg").read_text()
    assert "net-units-2@units=3, seed 1: " in replayed
    folder = RunFolder(Path("out"))
    assert [plan.id for plan in folder.plans] == ["net-units-2@units=1", "net-units-2@units=3"]
    assert [summary.setting for summary in folder.summaries.values()] == [{"units": 1}, {"units": 3}]
    assert set(parquet.read_table("seeds.parquet").to_pydict()["setting.units"]) == {1.0, 3.0}


def test_structural_options_make_rungs_and_others_a_grid() -> None:
    """Each value of the structural option is a case of its own, with the other options swept in it."""
    one, three = sweep_cases(NET, None, SweepRange("units", (1.0, 3.0)), SweepRange("learning_rate", (0.01, 0.1)))

    assert (one.id, three.id) == ("net@units=1@learning_rate", "net@units=3@learning_rate")
    assert three.sweep
    assert three.sweep.at({"learning_rate": 0.1}).model_options["units"] == 3
    summaries = run(three, seeds=2).summaries()
    assert [summary.id for summary in summaries] == [f"net@units=3@learning_rate={rate}" for rate in (0.01, 0.1)]
    assert summaries[0].setting == {"units": 3, "learning_rate": 0.01}
