"""`pytest cases/ --benchmark-only`, as a user sees it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import LINE, SUPPLY, InstallPlugin
from test_pytest_plugin import BOTH, CASES, cases, run

STAND_IN = """
from benchsuite import Download, Split, Table
import numpy as np

def points():
    x = np.linspace(-1, 1, 12, dtype=np.float32)[:, None]
    return Split(train=(x, x), test=(x, x))

@hookimpl
def benchsuite_cases():
    dataset = Table("dots", load=None.__class__, batch_size=4, stand_in=points,
                    download=Download(("http://127.0.0.1:9/",), {"dots.gz": ""}))
    yield line("drawn", dataset=dataset, schedule=Schedule(epochs=20, seeds=4), quick=Schedule(epochs=40, seeds=4),
               claims=[Claim("all fail", FailureRate(equals=1))])
"""


def test_benchmark_compare_and_autosave(cases: pytest.Pytester) -> None:
    """Runs are saved and compared as those of any other benchmark."""
    for option in ("--benchmark-autosave", "--benchmark-compare"):
        result = cases.runpytest_inprocess("--benchmark-only", "-k", "[line]", option)
        assert "machine_info is different" not in result.stderr.str()

    assert result.ret == 0
    result.stdout.fnmatch_lines_random(["*test_training[[]line[]] (NOW)*", "*test_training[[]line[]] (0001_*"])


def test_xdist_without_benchmark_only(cases: pytest.Pytester) -> None:
    """A case that is sent to a worker says why it does not run there."""
    result = cases.runpytest_subprocess("-k", "[line]", "-n", "2")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*a case was sent to a worker of -n*", "*omit -n*"])


def test_broken_plugin_shows_in_the_exit_code(cases: pytest.Pytester, install_plugin: InstallPlugin) -> None:
    """The other cases run, the reason is shown and recorded, and the run does not pass as one without a fault."""
    install_plugin("broken", "import not_installed_anywhere", module="broken_import")

    result = run(cases, "--benchmark-json=out.json")

    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["LEFT OUT: broken; reasons at the end", "*plugins left out*", "broken (broken_import 1.0): importing*"]
    )
    assert (
        "not_installed_anywhere" in json.loads(Path("out.json").read_text())["benchsuite"]["plugins_left_out"]["broken"]
    )


def test_every_seed_diverged_is_pointed_out(pytester: pytest.Pytester, install_plugin: InstallPlugin) -> None:
    """A case that gives NaN at once is told apart from one that learns badly."""
    install_plugin("line", LINE + SUPPLY.replace("line()", "line(rate=1e30)"), module="diverging")
    pytester.makepyfile(test_cases=CASES)

    run(pytester).stdout.fnmatch_lines(["*20 diverged*", "line: every seed diverged; inspect its data*"])


def test_stand_in_is_said_loudly(pytester: pytest.Pytester, install_plugin: InstallPlugin) -> None:
    """Stand-in data and a quick protocol are in every label, apart from real figures, and no claim is judged."""
    install_plugin("line", LINE + STAND_IN.replace("drawn", "line-drawn") + "    yield line()", module="stood_in")
    pytester.makepyfile(test_cases=CASES)

    result = run(pytester, "-v", "--benchmark-json=out.json")

    result.stdout.fnmatch_lines(
        [
            "*line-drawn (quick, stand-in data): 4 of 4 converged*",
            "*test_training[[]line-drawn[]] (quick, stand-in data) *",
            "line *",
            "On STAND-IN data (synthetic*",
            "line-drawn*",
            "*not judged*",
        ]
    )
    names = {bench["fullname"] for bench in json.loads(Path("out.json").read_text())["benchmarks"]}
    assert "test_cases.py::test_training[line-drawn] (quick, stand-in data)" in names

    result = run(pytester, "--benchsuite-dataset=dots")

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["dots.gz is not in *", "*try: download it*"])


def test_ctrl_c_keeps_what_is_finished(pytester: pytest.Pytester, install_plugin: InstallPlugin) -> None:
    """An interrupted run shows and keeps its finished rounds, and writes the benchmarks that were complete."""
    install_plugin("line", LINE + BOTH, module="interrupted_lines")
    pytester.makepyfile(test_cases=CASES)
    pytester.makeconftest(
        """
        import benchsuite.store.folder as store
        keep = store.RunFolder.write_round
        def keep_three(self, case, round_result):
            keep(self, case, round_result)
            if case == "line-at-rest" and len(self.round_results(case)) == 3:
                raise KeyboardInterrupt
        store.RunFolder.write_round = keep_three
        """
    )

    result = pytester.runpytest_subprocess(
        "--benchmark-only",
        "-k",
        "[line",
        "--benchmark-json=out.json",
        "--benchsuite-run-dir=out",
        "--benchsuite-rounds=5",
    )

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["line *100.0 %*20*", "line-at-rest*12 of 20 seeds*", "rows of every seed: out*"])
    assert [bench["param"] for bench in json.loads(Path("out.json").read_text())["benchmarks"]] == ["line"]

    pytester.path.joinpath("conftest.py").unlink()
    result = run(
        pytester,
        "--benchsuite-run-dir=out",
        "--benchsuite-resume",
        "--benchsuite-rounds=5",
        "--benchmark-json=out.json",
    )

    result.assert_outcomes(passed=2)
    for bench in json.loads(Path("out.json").read_text())["benchmarks"]:
        assert bench["extra_info"]["seeds"] == 20
        assert bench["stats"]["data"] == bench["extra_info"]["round_seconds"], "first runs are timed apart"


def test_killed_run_is_resumed(cases: pytest.Pytester) -> None:
    """Kill -9 in mid-run leaves all finished rounds readable, and --resume goes on from them."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--benchmark-only",
        "-k",
        "[line]",
        "--benchsuite-run-dir=out",
    ]
    process = subprocess.Popen(
        [*command, "--benchsuite-seeds=20000", "--benchsuite-rounds=2000"], stdout=subprocess.DEVNULL
    )
    _wait_for(lambda: len(list(Path("out/line").glob("seeds-*.npz"))) >= 3, process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    kept = {path.name: path.read_bytes() for path in Path("out/line").glob("seeds-*.npz")}

    result = run(
        cases,
        "--benchsuite-run-dir=out",
        "--benchsuite-resume",
        f"--benchsuite-seeds={10 * len(kept) + 20}",
        "-k",
        "[line]",
    )

    result.assert_outcomes(passed=1)
    assert {name: Path("out/line", name).read_bytes() for name in kept} == kept
    (summary,) = json.loads(Path("out/line/case.json").read_text())["summaries"]
    assert summary["seeds"] == 10 * len(kept) + 20


def _wait_for(condition: Any, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if condition():
            return
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.1)
    pytest.fail("the run did not get far enough to be killed")
