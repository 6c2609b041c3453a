"""Treatments and sweeps as a user sees them, at both doors."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from conftest import LINE, SUPPLY, Command, InstallPlugin
from stored import GOOD, STUCK, WILD, a_case, store_run, treated
from test_pytest_plugin import CASES

from benchsuite.plugins.registry import load_registry
from benchsuite.report.terminal.summary import render, run_tables
from benchsuite.store.folder import RunFolder
from benchsuite.store.results import read_results

TREATMENTS = """
from dataclasses import replace
from functools import partial
import optax
from benchsuite import DoesNotApply, Treatment, hookimpl

def rest(case, rate=0.0):
    return replace(case, optimizer=partial(optax.sgd, learning_rate=rate))

def never(case):
    raise DoesNotApply("lines need none")

def broken(case):
    raise RuntimeError("oh [red]no[/]")

@hookimpl
def benchsuite_treatments():
    for name, change in {"rest": rest, "null": lambda case: case, "never": never, "broken": broken}.items():
        yield Treatment(name, f"Does {name}.", "https://example.org", change)
"""


@pytest.fixture
def doctor(benchsuite: Command, install_plugin: InstallPlugin) -> Command:
    """Runs a command, with the wrap_errors case `line` and wrap_errors treatments installed."""
    install_plugin("doctor", TREATMENTS)
    return benchsuite


def line_of(text: str, *words: str) -> str:
    """The first line that begins with `words`."""
    pattern = re.compile(r"\s+".join(map(re.escape, words)))
    return next(line for line in text.splitlines() if pattern.match(line.strip()))


def test_hook_benchsuite_treatments(install_plugin: InstallPlugin) -> None:
    """A wrap_errors distribution's treatments are there with no other change."""
    install_plugin("doctor", TREATMENTS)

    registry = load_registry()

    assert registry.treatments["rest"].options == {"rate": 0.0}
    assert "adam" in registry.treatments
    assert registry.left_out == ()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (TREATMENTS.replace("yield Treatment(", "yield str("), "str"),
        (TREATMENTS.replace('"null"', '"all"'), "neither all nor none"),
        (TREATMENTS.replace('"null"', '"adam"'), "treatment adam is already supplied by benchsuite_library.treatments"),
        (TREATMENTS.replace("def benchsuite_treatments", "def benchsuite_treatment"), "unknown hook"),
    ],
    ids=["type", "name", "taken", "misspelt"],
)
def test_broken_treatments_are_left_out(code: str, said: str, install_plugin: InstallPlugin) -> None:
    """A fault in a plugin is told, and costs the others nothing."""
    install_plugin("doctor", code, module=f"doctor_{abs(hash(code))}")

    registry = load_registry()

    (plugin,) = registry.left_out
    assert said in str(plugin.error)
    assert plugin.declared.treatments == ()
    assert "adam" in registry.treatments


def test_treatments_are_listed(doctor: Command) -> None:
    """Each with its options, what it does, who says so, and where it applies; for one case, why not."""
    code, out, _ = doctor("treatments", "line")

    assert code == 0
    for word in ("rest", "rate=0", "Does rest.", "https://example.org", "leaky-relu", "leak=0.01"):
        assert word in out
    assert "line+never: lines need none" in out


def test_run_compares_seed_by_seed(doctor: Command) -> None:
    """The table tells fixed from broken, what does not apply, and a failure of a treatment fails the run at its end."""
    names = ("rest", "null", "never", "broken")
    code, out, err = doctor("run", "-v", "line", *(f"--treatment={name}" for name in names), "--run-dir=out")

    assert code == 1
    assert "error: treatment broken of line failed: RuntimeError: oh [red]no[/]" in err
    assert "untreated: 100.0 %, 83.9–100.0 % of 20 seeds" in out
    assert "−100.0 −100.0 to −77.2" in line_of(out, "rest", "0.0 %")
    assert "+0.0" in line_of(out, "null", "100.0 %")
    assert "20: 0, 1, 2, …" in line_of(out, "rest", "20")
    assert "20 stuck" in line_of(out, "rest", "20")
    assert "does not apply" in line_of(out, "never")
    assert "never does not apply to line: lines need none" in out
    assert set(RunFolder(Path("out")).summaries) == {"line", "line+rest", "line+null"}
    assert out.endswith(doctor("report", "-v", "out")[1])


def test_treatment_applies_nowhere(doctor: Command) -> None:
    """If nothing that was chosen does, that is an error before anything is trained."""
    code, _, err = doctor("run", "line", "--treatment=never", "--run-dir=out")

    assert code == 2
    assert "treatment never applies to no case:\n  line+never: lines need none" in err
    assert not Path("out").exists()


def test_pictures(doctor: Command) -> None:
    """What a run was about is drawn, or what is asked for; what the run does not have is refused."""
    store_run(Path("treated"), a_case("line", *[GOOD] * 9), treated("line", "rest", *[STUCK] * 9))
    ends = [*[STUCK] * 9, *[GOOD] * 9, *[WILD] * 9]
    store_run(Path("swept"), treated("line", "rest", *ends, sweep={"rate": [0.0, 0.1, 1e9]}))

    assert doctor("report", "treated", "-o", "heat.png")[0] == 0
    assert doctor("report", "treated", "--picture=thresholds", "-o", "thresholds.svg")[0] == 0
    assert doctor("report", "swept", "-o", "sweep.svg")[0] == 0
    store_run(Path("still"), treated("line", "rest", *[STUCK] * 18, sweep={"rate": [0.0, 1e-9]}))
    assert doctor("report", "still", "-o", "still.png")[0] == 0, "nothing converged, so there is no median to draw"
    for name in ("heat.png", "thresholds.svg", "sweep.svg"):
        assert Path(name).stat().st_size > 5000
    assert "no option of this run was swept over" in doctor("report", "treated", "--picture=sweep", "-o", "a.png")[2]
    assert "no case of this run was treated" in doctor("report", "swept", "--picture=treatments", "-o", "a.png")[2]
    assert "add -o FILE" in doctor("report", "treated", "--picture=sweep")[2]


def test_tables_at_80_columns() -> None:
    """A narrow terminal never cuts a figure."""
    still = [treated("line", name, *[STUCK] * 1200) for name in ("rest", "rest-0.01")]
    folder = store_run(Path("out"), a_case("line", *[GOOD] * 1200), *still)
    narrow = render(run_tables([], 80, read_results(folder)), 80, colour=False)

    assert max(map(len, narrow.splitlines())) <= 80
    assert re.search(r"−100.0 +−100.0 to −99.[0-9] +↓ < 1e−09", narrow)
    assert "1,200 stuck" in narrow
    assert "1,200: 0, 1, 2, …" in narrow


def test_two_sweeps_in_one_folder(doctor: Command) -> None:
    """Each has its table, and its panels."""
    doctor("run", "line", "--treatment=rest", "--sweep=rate=0.1,0.2", "--seeds=4", "--run-dir=out")
    code, out, _ = doctor("run", "line", "--resume", "--optimizer=sgd(0.1)", "--sweep=momentum=0,0.5", "--run-dir=out")

    assert code == 0
    assert "line+rest: rate from 0.1 to 0.2" in out
    assert "line+sgd-0.1: momentum from 0 to 0.5" in out
    assert "untreated does not apply to line: line has no option 'momentum'" in out
    assert doctor("report", "out", "-o", "both.svg")[0] == 0


def test_a_damaged_shard_of_another_case_costs_no_table(doctor: Command, install_plugin: InstallPlugin) -> None:
    """What was just trained is shown all the same."""
    install_plugin("other", LINE + SUPPLY.replace("line()", "line('other')"))
    doctor("run", "line", "--run-dir=out")
    for path in Path("out/line").glob("seeds-*.npz"):
        path.write_bytes(b"damaged")
    code, out, err = doctor("run", "other", "--seeds=4", "--resume", "--run-dir=out")

    assert code == 0
    assert "other" in out
    assert "treatments and sweeps cannot be shown" in err


def test_sweep_table(doctor: Command) -> None:
    """The table has a line for each value, and the plateau."""
    code, out, _ = doctor("run", "-v", "line", "--treatment=rest", "--sweep=rate=0,0.1,0.2,1e9")

    assert code == 0
    assert "line+rest: rate from 0 to 1000000000, 4 values, 20 seeds" in out
    for value, rate in (("0", "0.0 %"), ("0.1", "100.0 %"), ("0.2", "100.0 %"), ("1000000000", "0.0 %")):
        assert rate in line_of(out, value)
    assert "20 diverged" in line_of(out, "1000000000")
    best = (
        "best: 100.0 % at rate = 0.[12], with the fewest expected steps of 2 that tie; plateau: rate within 5 points of"
    )
    assert re.search(f"{best} its best from 0.1 to 0.2, a factor of 2", " ".join(out.split()))


CHAIN = "chain(clip_by_global_norm(1.0), sgd(linear_schedule(0.1, 0.1, 50)))"


def test_names_in_tables_can_be_typed_again(doctor: Command) -> None:
    """The name of a nested optimiser, swept or not, stands for it in later commands, and in a resumed run."""
    name = "chain-clip-by-global-norm-1.0-sgd-linear-schedule-0.1-0.1-50"
    code, out, _ = doctor("run", "line", f"--optimizer={CHAIN}", "--treatment=rest(0.2)", "--seeds=4")
    assert code == 0
    assert re.sub(r"\s", "", name) in re.sub(r"\s", "", out)

    for typed in (f"line+{name}", "line+rest-0.2"):
        code, out, err = doctor("replay", typed, "--seed=3")
        assert (code, f"{typed}, seed 3: converged" in out) == (0, True), err
    code, out, _ = doctor(
        "run", "line", f"--treatment={name}", "--sweep=init_value=0,0.1", "--sweep=max_norm=1,2", "--seeds=4"
    )
    assert code == 0
    assert f"line+{name}: init_value × max_norm" in out
    code, out, _ = doctor("replay", f"line+{name}@init_value=0.1@max_norm=2", "--seed=3")
    assert code == 0
    assert "seed 3: converged" in out
    assert "there is no treatment 'rest-0.3'" in doctor("replay", "line+rest-0.3", "--seed=3")[2]


def test_grid_in_picture_page_and_export(doctor: Command) -> None:
    """A curve for each value of the option with fewer values, and a column for each option."""
    options = ["--sweep=init_value=0,0.1,0.2", "--sweep=max_norm=1,2"]
    doctor("run", "line", f"--optimizer={CHAIN}", *options, "--seeds=4", "--run-dir=out")

    assert doctor("report", "out", "-o", "grid.svg")[0] == 0
    assert "max_norm = 2" in Path("grid.svg").read_text()
    assert doctor("report", "out", "-o", "page")[0] == 0
    assert "max\\_norm" in Path("page/summary.md").read_text()
    assert doctor("export", "out", "--format=parquet", "-o", "rows.parquet")[0] == 0
    table = pytest.importorskip("pyarrow.parquet").read_table("rows.parquet")
    assert {"setting.init_value", "setting.max_norm"} <= set(table.column_names)
    assert table.num_rows == 4 * 6


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--optimizer=chain(adma(1))"], "    chain(adma(1))\n          ^^^^^^^"),
        (["--sweep=rate=1:0.1:3"], "is reversed"),
        (["--sweep=rate=0:1:3"], "rate=0:1:3:linear"),
        (["--sweep=rates=0.1,0.2"], "--sweep rates applies to no case"),
        (["--treatment=rset"], "did you mean rest"),
        (["--treatment=rest(rates=1)"], "did you mean rate?"),
        (["--optimizer=optax.adma(1)"], "did you mean adam"),
        (["--treatment=none", "--treatment=rest"], "none excludes other treatments"),
    ],
)
def test_bad_options_are_refused_by_both_interfaces(
    doctor: Command, options: list[str], said: str, pytester: pytest.Pytester
) -> None:
    """With a sentence, and before anything is trained."""
    code, _, err = doctor("run", "line", *options)
    pytester.makepyfile(test_cases=CASES)
    prefixed = [option.replace("--", "--benchsuite-", 1) for option in options]
    result = pytester.runpytest_inprocess("--benchmark-only", *prefixed)

    assert code == 2
    assert said in err
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert said.replace("--", "--benchsuite-") in "\n".join(result.errlines)


def test_replay_of_a_treated_seed(doctor: Command) -> None:
    """As the tables name it, or with the options of a run; one treatment at a time."""
    for said in (("line+rest",), ("line", "--treatment=rest"), ("line", "--optimizer=sgd(0.0)")):
        code, out, _ = doctor("replay", *said, "--seed=3")
        assert code == 0
        assert "seed 3: stuck" in out
    code, _, err = doctor("replay", "line", "--treatment=rest", "--treatment=null", "--seed=3")
    assert code == 2
    assert "name one" in err
    assert "lines need none" in doctor("replay", "line+never", "--seed=3")[2]


@pytest.fixture
def cases(pytester: pytest.Pytester, install_plugin: InstallPlugin) -> pytest.Pytester:
    """A folder with the suite's test over all cases, the wrap_errors case `line` and wrap_errors treatments."""
    install_plugin("line", LINE + SUPPLY)
    install_plugin("doctor", TREATMENTS)
    pytester.makepyfile(test_cases=CASES)
    return pytester


def run(pytester: pytest.Pytester, *args: str) -> pytest.RunResult:
    """Run the variants of the wrap_errors case."""
    return pytester.runpytest_inprocess("--benchmark-only", "-p", "no:randomly", *args)


def test_pytest_runs_every_treatment(cases: pytest.Pytester) -> None:
    """Each is a test of its own; one that does not apply is skipped, one that is broken fails in one sentence."""
    names = [f"--benchsuite-treatment={name}" for name in ("rest", "null", "never", "broken")]
    result = run(cases, "-k", "[line", "-rs", "-v", *names)

    result.assert_outcomes(passed=3, skipped=1, failed=0, errors=1)
    text = result.stdout.str()
    for said in (
        "line+rest: 0 of 20 converged",
        "line+null: 20 of 20 converged",
        "test_training[line+rest]",
        "treatment broken of line failed: RuntimeError: oh [red]no[/]",
        "does not apply: lines need none",
        "Effect of treatments: line",
    ):
        assert said in text


def test_treated_cases_are_chosen_repeated_and_compared(cases: pytest.Pytester) -> None:
    """-k, --lf and --benchmark-compare work on them as on any test."""
    chosen = run(cases, "-v", "-k", "[line+rest", "--benchsuite-treatment=rest", "--benchmark-autosave")
    chosen.assert_outcomes(passed=1, deselected=chosen.parseoutcomes()["deselected"])
    assert "the run has no seeds of the untreated case" in chosen.stdout.str()

    compared = run(cases, "-k", "[line+rest", "--benchsuite-treatment=rest", "--benchmark-compare")
    assert "test_training[line+rest] (0001_" in compared.stdout.str()

    failed = run(cases, "-k", "[line", "--benchsuite-treatment=broken")
    assert failed.parseoutcomes()["errors"] == 1
    again = run(cases, "--lf", "-k", "[line", "--benchsuite-treatment=broken")
    assert again.parseoutcomes()["errors"] == 1
    assert "passed" not in again.parseoutcomes()


def test_pytest_runs_sweeps(cases: pytest.Pytester) -> None:
    """The benchmark is that of all values, its figures are one summary for each."""
    result = run(
        cases,
        "-k",
        "[line+rest",
        "--benchsuite-treatment=rest",
        "--benchsuite-sweep=rate=0,0.1",
        "--benchmark-json=out.json",
    )

    result.assert_outcomes(passed=1, deselected=result.parseoutcomes()["deselected"])
    assert "line+rest@rate=0.1: at best 20 of 20 converged" in result.stdout.str()
    (benchmark,) = json.loads(Path("out.json").read_text())["benchmarks"]
    assert [summary["converged"] for summary in benchmark["extra_info"]["sweep"]] == [0, 20]


def test_ini_file_has_treatments(cases: pytest.Pytester) -> None:
    """One on each line."""
    cases.makeini("[pytest]\nbenchsuite_treatment =\n    rest\n    null\n")

    collected = run(cases, "--collect-only", "-q", "-k", "[line").stdout.str()

    assert re.findall(r"test_training\[(line.*?)\]", collected) == ["line", "line+rest", "line+null"]
