"""What failed, was not run or lacks seeds stands in every table, page, export and badge, and in the exit code."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import LINE, SUPPLY, Command, InstallPlugin
from pyarrow import parquet
from stored import GOOD, STUCK, a_case, store_run, treated

from benchsuite.publish import Site
from benchsuite.report.html import write_report
from benchsuite.store.folder import RunFolder

TREATMENTS = """
from benchsuite import CaseError, Treatment

def broken(case):
    raise RuntimeError("no such luck")

def still(case):
    return case.__class__(**{**vars(case), "optimizer": optax.sgd(0.0)})

@hookimpl
def benchsuite_treatments():
    yield Treatment("broken", "It fails.", "https://example.org", broken)
    yield Treatment("still", "It rests.", "https://example.org", still)
"""


@pytest.fixture
def lines(benchsuite: Command, install_plugin: InstallPlugin) -> Command:
    """Runs a command, with treatments one of which fails."""
    install_plugin("treats", LINE + TREATMENTS, module="treats")
    return benchsuite


@pytest.fixture
def gaps() -> RunFolder:
    """A run with a treatment that failed, one that was not run, and one that lacks seeds."""
    folder = store_run(Path("out"), a_case("line", *[GOOD] * 12), treated("line", "slow", *[STUCK] * 12))
    folder.write_requested(["line", "line+slow", "line+late", "line+bad"])
    folder.write_failure("line+bad", "case line+bad: no such luck")
    return folder


def test_tables_and_exit_code(gaps: RunFolder, benchsuite: Command) -> None:
    """`report` lists them with their reasons, and fails as the run did."""
    code, out, _ = benchsuite("report", "-v", str(gaps.path))

    assert code == 1
    text = " ".join(out.split())
    assert "Not trained to the end" in text
    assert "line+late not run it was not trained" in text
    assert "line+bad failed case line+bad: no such luck" in text
    rows = [line.split() for line in out.splitlines()]
    assert ["late", "not", "run"] in rows, "the heat map has a cell for it"
    assert ["bad", "failed"] in rows


def test_lack_of_seeds(gaps: RunFolder) -> None:
    """A case with fewer seeds than planned is unfinished, until its other seeds are trained."""
    plan = gaps.plan("line+slow")
    assert plan
    gaps.write_plan(replace(plan, seeds=40))

    (slow,) = (item for item in RunFolder(gaps.path).untrained if item.treatment == "slow")

    assert (slow.state, slow.reason) == ("unfinished", "12 of 40 seeds were trained")


def test_page_and_summary(gaps: RunFolder) -> None:
    """The page has a section, and the summary a table."""
    page, summary, _ = write_report([gaps], Path("page"))

    for text in (page.read_text(), summary.read_text().replace("\\", "")):
        assert "Not trained to the end" in text
        assert "no such luck" in text
        assert "line+late" in text


def test_exports(gaps: RunFolder, benchsuite: Command) -> None:
    """Exports say it on standard error, and Parquet files in their metadata."""
    code, out, err = benchsuite("export", str(gaps.path), "--format=bencher")

    assert code == 1
    assert set(json.loads(out)) == {"line", "line+slow"}
    assert "line+bad failed: case line+bad: no such luck" in err
    summary = benchsuite("export", str(gaps.path), "--format=csv", "--table=summary")[1]
    states = {(row["case"], row["treatment"]): row["status"] for row in csv.DictReader(io.StringIO(summary))}
    assert states == {
        ("line", ""): "trained",
        ("line", "slow"): "trained",
        ("line", "late"): "not run",
        ("line", "bad"): "failed",
    }
    benchsuite("export", str(gaps.path), "--format=parquet", "-o", "a.parquet")
    missing = json.loads(parquet.read_schema("a.parquet").metadata[b"benchsuite.untrained"])
    assert [item["state"] for item in missing] == ["not run", "failed"]


def test_badge_and_index(gaps: RunFolder) -> None:
    """The badge counts them in place of changes, and the index names them."""
    Site.publish(Path("site"), [gaps])

    assert json.loads(Path("site/badge.json").read_text())["message"] == "2 cases, 2 not trained to the end"
    assert "not trained to the end: line+late not run; line+bad failed" in Path("site/index.html").read_text()


def test_run_plan_and_report_agree(lines: Command) -> None:
    """A treatment that fails is listed with its error by each of them, and each fails."""
    command = ("run", "line", "--seeds=4", "--treatment=broken")
    planned = lines(*command, "--plan")
    ran = lines(*command, "--run-dir=out")
    reported = lines("report", "out")

    assert [planned[0], ran[0], reported[0]] == [1, 1, 1]
    for _, out, err in (planned, ran, reported):
        assert "no such luck" in " ".join((out + err).split())
    assert "1 to run" in planned[1]
    assert [item.id for item in RunFolder(Path("out")).untrained] == ["line+broken"]


def test_resume_goes_on_with_the_cases_of_the_run(lines: Command, install_plugin: InstallPlugin) -> None:
    """And not with all that are installed."""
    install_plugin("more", LINE + SUPPLY.replace("line()", "line('more')"), module="more")
    lines("run", "line", "--seeds=4", "--treatment=still", "--run-dir=out")

    code, out, _ = lines("run", "--resume", "--run-dir=out")

    assert code == 0
    assert {plan.id for plan in RunFolder(Path("out")).plans} == {"line", "line+still"}
    assert "line" in out


def test_failure_that_is_cured_is_removed(lines: Command) -> None:
    """A run that is resumed forgets the failure of a case that ends well now."""
    lines("run", "line", "--seeds=4", "--run-dir=out")
    RunFolder(Path("out")).write_failure("line", "no memory")
    assert lines("report", "out")[0] == 1

    assert lines("run", "--resume", "--run-dir=out")[0] == 0
    assert lines("report", "out")[0] == 0


def test_fewer_seeds_are_not_ranked(benchsuite: Command) -> None:
    """A treatment with fewer seeds than others stands below them, whatever its rate, and the table says why."""
    parts = ("few", [GOOD] * 4), ("many", [STUCK] * 6 + [GOOD] * 6), ("worst", [STUCK] * 12)
    store_run(Path("out"), a_case("line", *[GOOD] * 12), *(treated("line", name, *ends) for name, ends in parts))

    _, out, _ = benchsuite("report", "-v", "out")

    table = out[out.index("Effect of treatments: line") :]
    assert table.index("many") < table.index("worst") < table.index("few")
    assert "not ranked, as others have 12 seeds: few (4)" in table


def test_plugin_that_was_left_out_is_named(benchsuite: Command, install_plugin: InstallPlugin) -> None:
    """By the error for its case, with the reason; and by those for other names."""
    install_plugin("mine", "import nothing_of_this_name", module="mine")

    code, _, err = benchsuite("run", "mine")
    assert code == 2
    assert "there is no case 'mine': plugin mine (mine 1.0) was left out: importing mine failed: ModuleNotFound" in err
    assert "did you mean" not in err
    assert "plugin mine (mine 1.0) was left out" in benchsuite("run", "lime")[2]
    assert "plugin mine (mine 1.0) was left out" in benchsuite("run", "line", "--treatment=lime")[2]


def test_session_of_pytest_lists_only_what_it_was_to_train(
    pytester: pytest.Pytester, install_plugin: InstallPlugin
) -> None:
    """Not the installed cases whose tests were not run, nor any where a test brings its own case."""
    install_plugin()
    pytester.makepyfile(
        test_own=LINE + "def test_own(bench):\n    bench(line('own'))\n\ndef test_all(registered_case, bench): pass\n"
    )

    pytester.runpytest_inprocess("-k", "own and not all", "--benchsuite-seeds=4", "--benchsuite-run-dir=out")

    assert RunFolder(Path("out")).untrained == []
    assert RunFolder(Path("out")).requested == ["own"]
