"""How many seeds a wanted precision needs, and what a run is going to take, before anything is trained."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Command
from hypothesis import given
from hypothesis import strategies as st
from stored import GOOD, STUCK, a_case, store_run

from benchsuite import stats
from benchsuite.errors import OptionError
from benchsuite.settings import TrainingSettings
from benchsuite.store.folder import ROOT, RunFolder


@given(st.floats(0.005, 0.4), st.floats(0, 1), st.floats(0, 1))
def test_trials_are_enough_and_not_too_many(half_width: float, one: float, other: float) -> None:
    """Wilson's interval is narrow enough at every rate that is expected, and would not be with a trial less."""
    low, high = sorted((one, other))
    trials = stats.trials_for(half_width, low, high)

    def width(rate: float, trials: int) -> float:
        z2 = 3.841458820694124
        return (z2 * (rate * (1 - rate) * trials + z2 / 4)) ** 0.5 / (trials + z2)

    worst = min(max(low, 0.5), high)
    for rate in (low, worst, high):
        assert width(rate, trials) <= half_width + 1e-9
    assert trials == 1 or width(worst, trials - 1) > half_width - 1e-9


@pytest.mark.parametrize(
    ("half_width", "low", "high", "trials"), [(0.01, 0, 1, 9600), (0.05, 0, 1, 381), (0.1, 0, 0, 16)]
)
def test_trials_agree_with_the_interval_that_is_printed(
    half_width: float, low: float, high: float, trials: int
) -> None:
    """At one half 9,604 would do for Wald's interval; where nothing succeeds 16 leave 0 to 19 %."""
    rate = min(max(low, 0.5), high)
    ends = [stats.rate_interval(round(rate * n), n) for n in (trials, trials - 2)]

    assert stats.trials_for(half_width, low, high) == trials
    assert (ends[0][1] - ends[0][0]) / 2 <= half_width < (ends[1][1] - ends[1][0]) / 2


def test_half_width_without_history_is_kept_at_any_rate(benchsuite: Command) -> None:
    """The summary has the number of seeds that was settled beforehand, also after a run is resumed."""
    code, out, _ = benchsuite("run", "line", "--half-width", "0.2", "--run-dir", "out")
    assert code == 0
    assert RunFolder(Path("out")).plans[0].seeds == stats.trials_for(0.2) == 21

    assert benchsuite("run", "line", "--resume", "--run-dir", "out")[1].endswith(out[out.index("case") :])
    benchsuite("run", "line", "--resume", "--run-dir", "out", "--seeds", "25")
    assert RunFolder(Path("out")).plans[0].seeds == 25


def test_half_width_takes_the_rate_of_the_latest_run(benchsuite: Command) -> None:
    """The fewer fail or succeed, the fewer seeds are needed; a run that is damaged tells nothing."""
    store_run(ROOT / "20260101-000000", a_case("line", *[GOOD] * 50, *[STUCK] * 50))
    store_run(ROOT / "20260102-000000", a_case("line", *[GOOD] * 100, plan={"protocol": "source"}))
    (ROOT / "20260103-000000").mkdir()
    (ROOT / "20260103-000000" / "run.json").write_text("{")

    out = benchsuite("run", "line", "--half-width", "0.02", "--plan")[1]

    low = stats.rate_interval(100, 100)[0]
    assert f" {stats.trials_for(0.02, low, 1.0):,} " in out
    assert "± 2 % at a rate of 96 to 100 %" in out


def test_plan_tells_time_and_memory_of_a_run_alike(benchsuite: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is trained, and no folder is made."""
    monkeypatch.setattr("benchsuite.system.machine.cpu_name", lambda: "a device")
    about = {"predicted_bytes": 3 * 2**20, "device_count": 2, "trace_seconds": 1.0, "compile_seconds": 2.0}
    folder = store_run(ROOT / "20260101-000000", a_case("line", *[GOOD] * 12, plan=about))
    speed = folder.summaries["line"].seeds_per_second

    code, out, _ = benchsuite("run", "line", "relu-bias", "--seeds", "100", "--plan")

    assert code == 0
    assert "20260101-000000" in out
    assert "6 MiB" in out
    assert f"2 to run, 200 seeds: {3 + 100 / speed:.3g} s, 6 MiB, and 1 without an estimate" in out
    assert [path.parent.name for path in ROOT.glob("*/run.json")] == ["20260101-000000"]


def test_a_partly_filled_block_takes_as_long_as_a_full_one(
    benchsuite: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time of an earlier run that filled an eighth of its blocks is that of eight times as many seeds."""
    monkeypatch.setattr("benchsuite.system.machine.cpu_name", lambda: "a device")
    folder = store_run(ROOT / "20260101-000000", a_case("line", *[GOOD] * 12, plan={"chunk_size": 16}))
    speed = folder.summaries["line"].seeds_per_second

    few, many, more = (benchsuite("run", "line", "--seeds", seeds, "--plan")[1] for seeds in ("2", "16", "17"))

    assert f"2 seeds: {2 / speed:.3g} s" in few
    assert f"16 seeds: {2 / speed:.3g} s" in many
    assert f"17 seeds: {4 / speed:.3g} s" in more


def test_plan_in_pytest_runs_nothing(pytester: pytest.Pytester) -> None:
    """It shows what would run of what was selected."""
    pytester.makepyfile(test_cases="def test_training(registered_case, bench):\n    bench(registered_case)\n")

    result = pytester.runpytest(
        "--benchmark-only", "--benchsuite-plan", "-k", "relu-bias or relu-output", "--benchsuite-half-width=0.05"
    )

    result.stdout.fnmatch_lines(["*= plan =*", "relu-bias * 381 *", "relu-output * 381 *", "2 to run, 762 seeds: *"])
    assert result.ret == 0
    assert not list(pytester.path.glob(".benchsuite/*/run.json"))


@pytest.mark.parametrize("options", [{"half_width": 0.5}, {"half_width": 0.0}, {"half_width": 0.1, "seeds": 9}])
def test_wrong_half_widths_are_refused(options: dict[str, float]) -> None:
    """Before anything runs."""
    with pytest.raises(OptionError, match="half-width"):
        TrainingSettings(**options)  # type: ignore[arg-type]  # on purpose
