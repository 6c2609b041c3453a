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

CASES = (Path(__file__).parent.parent / "cases" / "test_cases.py").read_text()

BOTH = SUPPLY.replace("yield line()", "yield line(); yield line('line-at-rest', rate=0.0)")

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


@pytest.fixture
def cases(pytester: pytest.Pytester, install_plugin: InstallPlugin) -> pytest.Pytester:
    """A folder with the suite's test over all cases, and a wrap_errors plugin with two cases."""
    install_plugin("line", LINE + BOTH, module="two_lines")
    pytester.makepyfile(test_cases=CASES)
    return pytester


def run(pytester: pytest.Pytester, *args: str) -> pytest.RunResult:
    """Run the wrap_errors cases."""
    return pytester.runpytest_inprocess("--benchmark-only", "-k", "line", "-p", "no:randomly", *args)


def test_table_shows_how_many_converged(cases: pytest.Pytester) -> None:
    """One command trains all cases and shows rate, interval, failures and verdicts beside the times."""
    result = run(cases)

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "benchsuite *: quick protocol, float32, highest precision of matrix products",
            "on * x cpu (*), jax *, flax *, optax *",
            "*line: 20 of 20 converged*",
            "*line-at-rest: 0 of 20 converged*",
            "test_training[[]line[]]*",
            "*= convergence =*",
            "*case*data*seeds*converged*rate*95 % interval*failed as*",
            "line *noisy_line*20*20*100.0 %*83.9–100.0 %*none*",
            "line-at-rest*20*0*0.0 %*0.0–16.1 %*20 stuck*",
            "converged: r2 ≥ 0.99 at the last evaluation*",
            "rows of every seed: .benchsuite/*",
        ]
    )


def test_benchmark_json_has_the_figures(cases: pytest.Pytester) -> None:
    """pytest-benchmark's own file has the summary as plain JSON values."""
    run(cases, "--benchmark-json=out.json", "-k", "line and not rest")

    content = json.loads(Path("out.json").read_text())
    (bench,) = (b for b in content["benchmarks"] if b["param"] == "line")
    info = bench["extra_info"]

    assert bench["fullname"] == "test_cases.py::test_training[line]"
    assert bench["params"] == {"registered_case": "line"}
    assert {name: info[name] for name in ("case", "protocol", "dataset", "seeds", "converged", "rate")} == {
        "case": "line",
        "protocol": "source",
        "dataset": "noisy_line",
        "seeds": 20,
        "converged": 20,
        "rate": 1.0,
    }
    assert info["outcomes"]["converged"] == 20
    assert len(info["outcomes"]) == 6
    assert info["rate_interval"] == pytest.approx([0.8389, 1.0], abs=1e-4)
    assert info["seeds_per_second"] > 0
    assert info["compile_seconds"] > 0
    assert bench["stats"]["rounds"] == 4
    assert bench["stats"]["data"] == info["round_seconds"], "the rounds of both are the same"
    assert content["benchsuite"]["machine"]["device"] == info["device"]
    assert content["benchsuite"]["plugins_left_out"] == {}


def test_benchmark_compare_and_autosave(cases: pytest.Pytester) -> None:
    """Runs are saved and compared as those of any other benchmark."""
    for option in ("--benchmark-autosave", "--benchmark-compare"):
        result = cases.runpytest_inprocess("--benchmark-only", "-k", "line and not rest", option)
        assert "machine_info is different" not in result.stderr.str()

    assert result.ret == 0
    result.stdout.fnmatch_lines_random(["*test_training[[]line[]] (NOW)*", "*test_training[[]line[]] (0001_*"])


def test_case_can_be_selected_by_node_id(cases: pytest.Pytester) -> None:
    """A shown id selects its case."""
    result = cases.runpytest_inprocess("test_cases.py::test_training[line-at-rest]", "--seeds=4")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*line-at-rest: 0 of 4 converged*"])


def test_options_are_ini_settings_too(cases: pytest.Pytester) -> None:
    """Every option has an ini setting of its own, and the command line wins."""
    cases.makeini("[pytest]\nbenchsuite_seeds = 6\nbenchsuite_rounds = 3\n")

    run(cases, "--rounds=2", "--run-dir=out", "-k", "line and not rest")

    names = sorted(path.name for path in Path("out/line").iterdir())
    assert names == ["seeds-000000-000002.npz", "seeds-000003-000005.npz"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--seeds=0",), "--seeds is 0"),
        (("--seeds=many",), "--seeds is 'many'"),
        (("--rounds=-1",), "--rounds is -1"),
        (("--protocol=fast",), "--protocol is 'fast'"),
        (("--precision=hihgest",), "did you mean highest"),
        (("--platform=npu",), "--platform is 'npu'"),
        (("-n", "2"), "leave -n out"),
    ],
)
def test_unusable_option_stops_before_anything_runs(cases: pytest.Pytester, args: tuple[str, ...], said: str) -> None:
    """A wrong option is a usage error in one sentence."""
    result = run(cases, *args)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert said in result.stderr.str()
    assert not Path(".benchsuite").exists()


def test_xdist_without_benchmark_only(cases: pytest.Pytester) -> None:
    """A case that is sent to a worker says why it does not run there."""
    result = cases.runpytest_subprocess("-k", "line and not rest", "-n", "2")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*a case was sent to a worker of -n*", "*leave -n out*"])


def test_missing_accelerator(cases: pytest.Pytester) -> None:
    """A GPU that is asked for and not there is an error with a way out."""
    result = run(cases, "--platform=gpu")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "there is no gpu device" in result.stderr.str()
    assert "benchsuite[cuda13]" in result.stderr.str()


def test_unknown_dataset(cases: pytest.Pytester) -> None:
    """A dataset that no case has is told with those that there are."""
    result = run(cases, "--dataset=mnits")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "there is no dataset 'mnits'" in result.stderr.str()
    assert "did you mean mnist" in result.stderr.str()


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


def test_broken_case_fails_with_one_sentence(pytester: pytest.Pytester, install_plugin: InstallPlugin) -> None:
    """A case that breaks its contract when it runs fails alone, without a traceback."""
    supply = SUPPLY.replace("line()", "line('line-loss', loss=lambda p, y: p - y); yield line()")
    install_plugin("line", LINE + supply, module="broken_loss")
    pytester.makepyfile(test_cases=CASES)

    result = run(pytester)

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["case line-loss: its loss has shape*", "*try: *"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_every_seed_diverged_is_pointed_out(pytester: pytest.Pytester, install_plugin: InstallPlugin) -> None:
    """A case that gives NaN at once is told apart from one that learns badly."""
    install_plugin("line", LINE + SUPPLY.replace("line()", "line(rate=1e30)"), module="diverging")
    pytester.makepyfile(test_cases=CASES)

    run(pytester).stdout.fnmatch_lines(["*20 diverged*", "line: every seed diverged; inspect its data*"])


def test_stand_in_is_said_loudly(pytester: pytest.Pytester, install_plugin: InstallPlugin) -> None:
    """Stand-in data and a quick protocol are in every label, apart from real figures, and no claim is judged."""
    install_plugin("line", LINE + STAND_IN.replace("drawn", "line-drawn") + "    yield line()", module="stood_in")
    pytester.makepyfile(test_cases=CASES)

    result = run(pytester, "--benchmark-json=out.json")

    result.stdout.fnmatch_lines(
        [
            "*line-drawn (quick, stand-in data): 4 of 4 converged*",
            "*test_training[[]line-drawn[]] (quick, stand-in data) *",
            "line *noisy_line*",
            "On STAND-IN data (synthetic*",
            "line-drawn*dots-stand-in*",
            "*not judged*",
        ]
    )
    names = {bench["fullname"] for bench in json.loads(Path("out.json").read_text())["benchmarks"]}
    assert "test_cases.py::test_training[line-drawn] (quick, stand-in data)" in names

    result = run(pytester, "--dataset=dots")

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["dots.gz is not in *", "*try: fetch it*"])


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
        "--benchmark-only", "-k", "line", "--benchmark-json=out.json", "--run-dir=out"
    )

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["line *20*100.0 %*", "line-at-rest*8 of*", "rows of every seed: out"])
    assert [bench["param"] for bench in json.loads(Path("out.json").read_text())["benchmarks"]] == ["line"]

    pytester.path.joinpath("conftest.py").unlink()
    result = run(pytester, "--run-dir=out", "--resume", "--benchmark-json=out.json")

    result.assert_outcomes(passed=2)
    for bench in json.loads(Path("out.json").read_text())["benchmarks"]:
        assert bench["extra_info"]["seeds"] == 20
        assert bench["stats"]["data"] == bench["extra_info"]["round_seconds"], "first runs are timed apart"


def test_killed_run_is_resumed(cases: pytest.Pytester) -> None:
    """Kill -9 in mid-run leaves all finished rounds readable, and --resume goes on from them."""
    command = [sys.executable, "-m", "pytest", "--benchmark-only", "-k", "line and not rest", "--run-dir=out"]
    process = subprocess.Popen([*command, "--seeds=20000", "--rounds=2000"], stdout=subprocess.DEVNULL)
    _wait_for(lambda: len(list(Path("out/line").glob("seeds-*.npz"))) >= 3, process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    kept = {path.name: path.read_bytes() for path in Path("out/line").glob("seeds-*.npz")}

    result = run(cases, "--run-dir=out", "--resume", f"--seeds={10 * len(kept) + 20}", "-k", "line and not rest")

    result.assert_outcomes(passed=1)
    assert {name: Path("out/line", name).read_bytes() for name in kept} == kept
    summary = json.loads(Path("out/run.json").read_text())["summaries"]["line"]
    assert summary["seeds"] == 10 * len(kept) + 20


def _wait_for(condition: Any, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if condition():
            return
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.1)
    pytest.fail("the run did not get far enough to be killed")


def test_benchmark_disable_trains_one_round(cases: pytest.Pytester) -> None:
    """As a smoke test, one round of each case runs and nothing is timed."""
    result = cases.runpytest_inprocess("--benchmark-disable", "-k", "line")

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*line: 4 of 4 converged*"])


def test_progress_is_seen_although_pytest_captures(cases: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long work tells how far it is, by plain lines where there is no terminal."""
    from benchsuite.system import progress

    monkeypatch.setattr(progress, "INTERVAL", 0.0)

    result = run(cases, "--capture=sys", "-k", "line and not rest")

    result.stderr.fnmatch_lines(["line: round 2 of 5, * of 20 seeds, 100.0 % converged, about * s left"])


def test_run_without_cases_imports_no_jax(pytester: pytest.Pytester) -> None:
    """Installed beside other tests, the plugin costs them nothing."""
    pytester.makepyfile(
        """
        import sys

        def test_other():
            heavy = {"jax", "flax", "optax", "numpy", "scipy", "rich.table", "matplotlib", "pooch"}
            assert not heavy & set(sys.modules)
        """
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_help_explains_every_option(pytester: pytest.Pytester) -> None:
    """--help lists each option with its ini setting, without importing JAX."""
    from benchsuite.settings import OPTIONS

    shown = pytester.runpytest_inprocess("--help").stdout.str()

    for option in OPTIONS:
        assert option.flag in shown
        assert option.ini in shown
