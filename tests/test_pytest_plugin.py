"""`pytest cases/ --benchmark-only`, as a user sees it."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import LINE, SUPPLY, InstallPlugin

from benchsuite.engine import forget_programs

CASES = (Path(__file__).parent.parent / "benchsuite" / "suite" / "test_cases.py").read_text()

BOTH = SUPPLY.replace("yield line()", "yield line(); yield line('line-at-rest', rate=0.0)")


@pytest.fixture
def cases(pytester: pytest.Pytester, install_plugin: InstallPlugin) -> pytest.Pytester:
    """A folder with the suite's test over all cases, and a wrap_errors plugin with two cases."""
    install_plugin("line", LINE + BOTH, module="two_lines")
    pytester.makepyfile(test_cases=CASES)
    return pytester


def run(pytester: pytest.Pytester, *args: str) -> pytest.RunResult:
    """Run the wrap_errors cases."""
    return pytester.runpytest_inprocess("--benchmark-only", "-k", "[line", "-p", "no:randomly", *args)


def test_table_shows_how_many_converged(cases: pytest.Pytester) -> None:
    """One command trains all cases and shows rate, interval, failures and verdicts beside the times."""
    result = run(cases, "-v")

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "benchsuite *: quick protocol, float32, highest precision of matrix products",
            "on * x cpu (*), jax *, flax *, optax *",
            "*line: 20 of 20 converged*",
            "*line-at-rest: 0 of 20 converged*",
            "test_training[[]line[]]*",
            "*= convergence =*",
            "*case*seeds*converged*rate*95 % interval*failed as*",
            "line *20*20*100.0 %*83.9–100.0 %*none*",
            "line-at-rest*20*0*0.0 %*0.0–16.1 %*20 stuck*",
            "converged: R² ≥ 0.99 at the last evaluation*",
            "rows of every seed: .benchsuite/*",
        ]
    )


def test_session_ends_with_one_table(cases: pytest.Pytester) -> None:
    """Without -v there is one table, and not pytest-benchmark's of the rounds beside it."""
    result = run(cases)

    result.stdout.fnmatch_lines(
        [
            "*= convergence =*",
            "2 cases: all of 20 starts converge in line and none of 20 in line-at-rest",
            "case *rate *",
            "line *100.0 %*",
        ]
    )
    shown = result.outlines[result.outlines.index(next(line for line in result.outlines if "= convergence" in line)) :]
    assert len(shown) < 15
    assert not any(line.startswith("test_training[line]") for line in result.outlines)


def test_tags_and_families_select_cases(pytester: pytest.Pytester, install_plugin: InstallPlugin) -> None:
    """The tag core and cases without tags are the default; -k reaches every case."""
    supply = "@hookimpl\ndef benchsuite_cases():\n" + "".join(
        f"    yield line('{name}', tags={tags}, family='{family}')\n"
        for name, tags, family in (("one", ("core",), "a"), ("two", ("small",), "b"), ("three", (), "b"))
    )
    install_plugin("tagged", LINE + supply, module="tagged")
    pytester.makepyfile(test_cases=CASES)

    def found(*args: str) -> set[str]:
        shown = pytester.runpytest_inprocess("--collect-only", "-q", *args).stdout.str()
        return {name for name in ("one", "two", "three") if f"[{name}]" in shown}

    assert found() == {"one", "three"}
    assert found("-k", "two or three") == {"two", "three"}
    assert found("--benchsuite-tag=all") == {"one", "two", "three"}
    assert found("--benchsuite-tag=small", "--benchsuite-tag=core") == {"one", "two"}
    assert found("--benchsuite-family=b") == {"two", "three"}
    assert found("--benchsuite-family=b", "--benchsuite-tag=small") == {"two"}
    assert pytester.runpytest_inprocess("--benchsuite-tag=smal").stderr.str().count("did you mean small") == 1


def test_benchmark_json_has_the_figures(cases: pytest.Pytester) -> None:
    """pytest-benchmark's own file has the summary as plain JSON values."""
    forget_programs()  # of other tests in this process
    run(cases, "--benchmark-json=out.json", "--benchsuite-rounds=5", "-k", "[line]")

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
    assert len(info["outcomes"]) == 7
    assert info["rate_interval"] == pytest.approx([0.8389, 1.0], abs=1e-4)
    assert info["seeds_per_second"] > 0
    assert info["compile_seconds"] > 0
    assert bench["stats"]["rounds"] == 4
    assert bench["stats"]["data"] == info["round_seconds"], "the rounds of both are the same"
    assert content["benchsuite"]["machine"]["device"] == info["device"]
    assert content["benchsuite"]["plugins_left_out"] == {}


def test_case_can_be_selected_by_node_id(cases: pytest.Pytester) -> None:
    """A shown id selects its case."""
    result = cases.runpytest_inprocess("test_cases.py::test_training[line-at-rest]", "--benchsuite-seeds=4")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*line-at-rest: 0 of 4 converged*"])


def test_options_are_ini_settings_too(cases: pytest.Pytester) -> None:
    """Every option has an ini setting of its own, and the command line wins."""
    cases.makeini("[pytest]\nbenchsuite_seeds = 6\nbenchsuite_rounds = 3\n")

    run(cases, "--benchsuite-rounds=2", "--benchsuite-run-dir=out", "-k", "[line]")

    names = sorted(path.name for path in Path("out/line").iterdir())
    assert names == ["case.json", "seeds-000000-000002.npz", "seeds-000003-000005.npz"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--benchsuite-seeds=0",), "--benchsuite-seeds is 0"),
        (("--benchsuite-seeds=many",), "--benchsuite-seeds is 'many'"),
        (("--benchsuite-rounds=-1",), "--benchsuite-rounds is -1"),
        (("--benchsuite-protocol=fast",), "--benchsuite-protocol is 'fast'"),
        (("--benchsuite-compare-fail=rate",), "--benchsuite-compare-fail requires --benchsuite-compare"),
        (("--benchsuite-precision=hihgest",), "did you mean highest"),
        (("--benchsuite-platform=npu",), "--benchsuite-platform is 'npu'"),
        (("-n", "2"), "omit -n"),
    ],
)
def test_unusable_option_stops_before_anything_runs(cases: pytest.Pytester, args: tuple[str, ...], said: str) -> None:
    """A wrong option is a usage error in one sentence."""
    result = run(cases, *args)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert said in result.stderr.str()
    assert not Path(".benchsuite").exists()


def test_missing_accelerator(cases: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU that is asked for and not there is an error with a way out."""
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)  # which tox sets, and which would be the reason
    result = run(cases, "--benchsuite-platform=gpu")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "there is no gpu device" in result.stderr.str()
    assert "benchsuite[cuda13]" in result.stderr.str()


def test_unknown_dataset(cases: pytest.Pytester) -> None:
    """A dataset that no case has is told with those that there are."""
    result = run(cases, "--benchsuite-dataset=mnits")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "there is no dataset 'mnits'" in result.stderr.str()
    assert "did you mean mnist" in result.stderr.str()


def test_broken_case_fails_with_one_sentence(pytester: pytest.Pytester, install_plugin: InstallPlugin) -> None:
    """A case that breaks its contract when it runs fails alone, without a traceback."""
    supply = SUPPLY.replace("line()", "line('line-loss', loss=lambda p, y: p - y); yield line()")
    install_plugin("line", LINE + supply, module="broken_loss")
    pytester.makepyfile(test_cases=CASES)

    result = run(pytester)

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["case line-loss: its loss has shape*", "*try: *"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_benchmark_disable_trains_one_round(cases: pytest.Pytester) -> None:
    """As a smoke test, one round of each case runs and nothing is timed."""
    result = cases.runpytest_inprocess("--benchmark-disable", "--benchsuite-rounds=5", "-k", "[line")

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*line: 4 of 4 converged*"])


def test_progress_is_seen_although_pytest_captures(cases: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long work tells how far it is, by plain lines where there is no terminal."""
    from benchsuite.system import progress

    monkeypatch.setattr(progress, "INTERVAL", 0.0)

    result = run(cases, "--capture=sys", "--benchsuite-rounds=5", "-k", "[line]")

    result.stderr.fnmatch_lines(["line: round 2 of 5, * of 20 seeds, 100.0 % converged, about * s left"])


#: The flags of earlier versions, without a prefix, which other plugins use as well.
FORMER_FLAGS = (
    "protocol",
    "seeds",
    "half-width",
    "rounds",
    "precision",
    "dataset",
    "data-dir",
    "platform",
    "engine",
    "scheduler",
    "workers",
    "time-limit",
    "run-dir",
    "treatment",
    "optimizer",
    "sweep",
    "convergence-compare",
    "convergence-compare-fail",
    "report",
    "plan",
    "resume",
)

CLAIMS = f"""
def pytest_addoption(parser):
    for name in {FORMER_FLAGS}:
        parser.addoption(f"--{{name}}", action="store_true")
"""


@pytest.mark.parametrize("module", ["conftest", "claims"], ids=["after ours", "before ours"])
def test_other_plugins_may_use_every_former_flag(pytester: pytest.Pytester, module: str) -> None:
    """A folder with a plain test runs beside a plugin with the same names, and the flags are that plugin's."""
    pytester.makepyfile(**{module: CLAIMS, "test_plain": "def test_plain(): pass"})
    options = ["-p", "claims"] if module == "claims" else []

    result = pytester.runpytest_subprocess(*options, "--workers", "--report", "--resume", "--engine")

    result.assert_outcomes(passed=1)


def test_every_flag_has_the_prefix() -> None:
    """No flag is registered without `--benchsuite-`, and no ini setting without `benchsuite_`."""
    from benchsuite import pytest_plugin

    flags: list[str] = []
    settings: list[str] = []
    group = SimpleNamespace(addoption=lambda *names, **_: flags.extend(names))
    parser = SimpleNamespace(getgroup=lambda *_: group, addini=lambda name, *_, **__: settings.append(name))
    pytest_plugin.pytest_addoption(parser)

    assert len(flags) == len(settings) + len(["--benchsuite-board"]) >= 22
    assert all(flag.startswith("--benchsuite-") for flag in flags)
    assert all(name.startswith("benchsuite_") for name in settings)


def test_messages_name_the_prefixed_flags() -> None:
    """Flags in messages are those of pytest; commands to be typed in a shell stay as they are."""
    from benchsuite.settings import with_pytest_flags

    message = "add --compare RUN, not --compare-fail; see `benchsuite run --compare RUN` and a--seeds, --seeds-x"

    assert with_pytest_flags(message) == (
        "add --benchsuite-compare RUN, not --benchsuite-compare-fail; see `benchsuite run --compare RUN` and a--seeds,"
        " --seeds-x"
    )


def test_run_without_cases_imports_nothing_heavy(pytester: pytest.Pytester) -> None:
    """Installed beside other tests, the plugin imports settings and errors, and nothing else."""
    pytester.makepyfile(
        """
        import sys

        def test_other():
            heavy = {"jax", "flax", "optax", "numpy", "scipy", "rich", "click", "psutil", "matplotlib", "pooch"}
            assert not heavy & set(sys.modules)
            ours = {name for name in sys.modules if name.startswith("benchsuite.")}
            ours -= {name for name in ours if name.startswith("benchsuite.pytest_plugin")}
            assert ours == {"benchsuite.errors", "benchsuite.seeds", "benchsuite.settings"}
        """
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_pytest_benchmark_is_as_the_plugin_needs_it(pytester: pytest.Pytester) -> None:
    """A canary: says what has changed in the parts of pytest-benchmark that are not its documented interface."""
    pytester.makepyfile(
        """
        import inspect
        import pytest

        TIMES = []

        def timer():
            TIMES.append(len(TIMES))
            return 1.0 * len(TIMES)

        @pytest.mark.benchmark(timer=timer)
        def test_canary(benchmark):
            for name in ("name", "fullname", "enabled", "extra_info", "has_error"):
                assert hasattr(benchmark, name), f"pytest-benchmark: its fixture no longer has the attribute {name}"
            assert benchmark.has_error is False, "pytest-benchmark: has_error no longer marks a failed benchmark"
            assert isinstance(benchmark.extra_info, dict), "pytest-benchmark: extra_info is no longer a dict"
            assert "rounds" in inspect.signature(benchmark.pedantic).parameters, (
                "pytest-benchmark: pedantic() no longer accepts rounds"
            )
            rounds = []
            benchmark.pedantic(lambda: rounds.append(1), rounds=3)
            assert len(rounds) == 3, f"pytest-benchmark: pedantic(rounds=3) calls the function {len(rounds)} times"
            assert TIMES, "pytest-benchmark: the mark benchmark(timer=...) no longer sets the timer of a test"
            assert len(TIMES) == 6, f"pytest-benchmark: it reads the timer {len(TIMES)} times for 3 rounds; expected 6"

        def test_after_error(benchmark):
            benchmark.pedantic(lambda: None, rounds=1)
            benchmark.has_error = True
        """
    )

    result = pytester.runpytest_subprocess("--benchmark-only", "--benchmark-json=out.json", "-p", "no:randomly")

    result.assert_outcomes(passed=2)
    (kept,) = json.loads(Path("out.json").read_text())["benchmarks"]
    assert kept["name"] == "test_canary", (
        "pytest-benchmark: a benchmark with has_error is no longer left out of its files"
    )


def test_help_explains_every_option(pytester: pytest.Pytester) -> None:
    """--help lists each option with its ini setting, without importing JAX."""
    from benchsuite.settings import OPTIONS

    shown = pytester.runpytest_inprocess("--help").stdout.str()

    for option in OPTIONS:
        assert option.pytest_flag in shown
        assert option.ini in shown


def test_several_tries_of_a_case_count_once(cases: pytest.Pytester) -> None:
    """As with --count of pytest-repeat or --reruns of pytest-rerunfailures: the last counts, and it says so."""
    pytester_conftest = """
        def pytest_generate_tests(metafunc):
            if "again" in metafunc.fixturenames:
                metafunc.parametrize("again", range(2))
    """
    cases.makeconftest(pytester_conftest)
    cases.makepyfile(test_cases=CASES.replace(") -> None:", ", again) -> None:"))

    result = run(cases, "-k", "line-at-rest")

    result.assert_outcomes(passed=2)
    rows = [text for text in result.outlines if text.startswith("line-at-rest ") and "stuck" in text]
    assert len(rows) == 1
    result.stdout.fnmatch_lines(["line-at-rest was tried 2 times in this session; the last try counts"])


def test_plugin_that_stops_a_training_is_named(cases: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with --timeout of pytest-timeout: not the case, and with a hint that helps."""
    (cases.path / "impatient.py").write_text("import pytest\n\ndef stop(*_):\n    pytest.fail('Timeout (>1.0s)')\n")
    cases.syspathinsert()
    cases.makeconftest(
        """
        import impatient
        from benchsuite.engine import Ensemble

        def pytest_runtest_setup(item):
            Ensemble._run = impatient.stop
        """
    )
    from benchsuite.engine import Ensemble

    monkeypatch.setattr(Ensemble, "_run", Ensemble._run)  # restores it

    result = run(cases, "-p", "impatient", "-k", "[line]")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "impatient stopped the training: Timeout (>1.0s)",
            "*try: change the options of impatient; finished rounds are kept, use --benchsuite-resume to continue",
        ]
    )


def test_plugin_that_replaces_the_timer_is_named(cases: pytest.Pytester) -> None:
    """As with --codspeed: a sentence in place of an AttributeError."""
    cases.makeconftest(
        """
        import pytest

        class Other:
            pass

        Other.__module__ = "pytest_other.plugin"

        @pytest.fixture
        def benchmark():
            return Other()
        """
    )

    result = cases.runpytest_inprocess("-k", "[line]", "-p", "no:benchmark")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["the fixture benchmark is that of pytest-other, but*", "*try: omit the options of pytest-other"]
    )


def test_plan_lists_what_fails(cases: pytest.Pytester, install_plugin: InstallPlugin) -> None:
    """With its error, and the exit code is that of the run."""
    broken = """
    from benchsuite import Treatment

    def broken(case):
        raise RuntimeError("no such luck")

    @hookimpl
    def benchsuite_treatments():
        yield Treatment("broken", "It fails.", "https://example.org", broken)
    """
    install_plugin("treats", LINE + textwrap.dedent(broken), module="treats")

    result = run(cases, "--benchsuite-plan", "--benchsuite-treatment=broken", "-k", "[line and not rest")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "no such luck" in " ".join(result.stdout.str().split())
