"""Intervals hold the truth as often as docs/explanation/statistics.md says, and gates raise no more false alarms."""

from __future__ import annotations

import itertools
import math
import re
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from benchsuite import stats
from benchsuite.comparison.gate import Gate

ROOT = Path(__file__).parent.parent
SHOWN = (ROOT / "docs" / "explanation" / "statistics.md").read_text()

#: Figures of 10,000 draws are shown with so many digits, in %.
ROUNDED = 0.05


def load() -> ModuleType:
    """The script, which lies in no package."""
    spec = spec_from_file_location("benchmarks_coverage", ROOT / "benchmarks" / "coverage.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = load()


@pytest.fixture(autouse=True, scope="module")
def remembering() -> Iterator[None]:
    """Counts repeat, as in the script."""
    with script.remembering():
        yield


def shown(first: str, section: str = "") -> list[list[str]]:
    """The rows of the table in a section of the docs whose head begins so."""
    _, _, rest = SHOWN[SHOWN.index(f"## {section}") :].partition(f"\n| {first} |")
    lines = itertools.takewhile(lambda line: line.startswith("|"), rest.splitlines()[2:])
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def agrees(percent: str, share: float) -> bool:
    """Whether a figure of 10,000 draws is what luck makes of such a share."""
    low, high = binom.interval(1 - script.CHANCE, script.DRAWS, share)
    return bool(100 * low / script.DRAWS - ROUNDED <= float(percent) <= 100 * high / script.DRAWS + ROUNDED)


@pytest.mark.parametrize("part", ["rates", "differences", "medians", "figures"])
def test_intervals_hold_the_truth(part: str) -> None:
    """Those of rates, of differences of rates on the same seeds and of medians, and the place of one more figure."""
    assert script.PARTS[part](300).faults == []


@pytest.mark.parametrize("part", ["false-alarms", "claims"])
def test_nothing_changed_and_true_claims_raise_few_alarms(part: str) -> None:
    """The gate of the rate falls, and a true claim is refuted, in no more than 1 % of the cases."""
    assert script.PARTS[part](2000, seeds=(16,)).faults == []


def test_shown_coverage_of_rates_is_the_exact_one() -> None:
    """What the docs say of Wilson's interval are the sums over all counts, and the simulation agrees with them."""
    rows = shown("rate | 16 seeds | 128 seeds | 1,000 seeds")

    assert [float(row[0]) for row in rows] == list(script.RATES)
    for (_, *cells), rate in zip(rows, script.RATES, strict=True):
        for cell, trials in zip(cells, script.SEEDS, strict=True):
            held, exactly, half_width = re.findall(r"[0-9.]+", cell)
            (exact,) = script.exact_coverage(trials, np.array([rate]))
            widths = np.array([np.diff(stats.rate_interval(count, trials)) for count in range(trials + 1)])[:, 0]
            mean = 50 * widths @ np.asarray(binom.pmf(np.arange(trials + 1), trials, rate))
            assert float(exactly) == pytest.approx(100 * exact, abs=ROUNDED + 1e-9)
            assert agrees(held, exact)
            assert float(half_width) == pytest.approx(mean, abs=2 * ROUNDED)


def test_shown_false_alarms_of_other_seeds_are_the_exact_ones() -> None:
    """Of 16 seeds of which half succeed, over all pairs of counts."""
    gate, counts = script.RATE_GATE, range(17)
    likely = np.asarray(binom.pmf(counts, 16, 0.5))
    exact = sum(
        likely[one] * likely[other]
        for one, other in itertools.product(counts, counts)
        if script.falls(gate, [script.other_seeds(16, 16, one, other)])
    )

    (row,) = (row for row in shown("rate | same seeds, 16") if row[0] == "0.5")
    assert agrees(row[2].partition("/")[0], exact)
    assert exact <= gate.level / 2, "a drop is one side of two"


def test_shown_refutations_of_true_claims_are_the_exact_ones() -> None:
    """What the docs say of each kind of claim are the sums over all counts, and the simulation agrees with them."""
    for rate in script.RATES:
        (row,) = (row for row in shown("rate | 16 seeds | 128 seeds | 1,000 seeds", "Claims") if row[0] == f"{rate:g}")
        for cell, (_, check) in zip(row[1].split(" / "), script.CLAIMS.items(), strict=True):
            if cell != "-":
                refuted, exactly = re.findall(r"[0-9.]+", cell)
                exact = script.exactly_refuted(check(rate), 16, rate)
                assert float(exactly) == pytest.approx(100 * exact, abs=0.005 + 1e-9)
                assert agrees(refuted, exact)
                assert exact <= stats.LEVEL


def test_speed_gate_of_few_rounds_is_exact() -> None:
    """Of four rounds and four, one order in 70 has all of them slower: so often it falls where nothing changed."""
    orders = [set(after) for after in itertools.combinations(range(8), 4)]
    seconds = np.array([[sorted(set(range(8)) - after), sorted(after)] for after in orders]) + 1.0
    drawn, change_of = script.speed_draws(seconds[:, None, 0], seconds[:, None, 1])

    assert script.alarms(Gate("speed", 0.05), drawn, change_of) == 1
    assert len(orders) == 70
    row = next(row for row in shown("rounds | gate") if row[:3] == ["4", "speed:0.05", "1"])
    assert agrees(row[3], 1 / 70)


@pytest.mark.parametrize(
    "which",
    range(5),
)
def test_speed_gate_falls_or_says_that_it_cannot(which: int) -> None:
    """When every round of a case is slower than all before."""
    rounds, gate, cases = script.SPEEDS[which]

    assert list(script.silent(gate, rounds, cases)) == []


@pytest.mark.parametrize(
    "sizes",
    [(128, 128), (64, 128)],
)
def test_visible_drops_are_found(sizes: tuple[int, int]) -> None:
    """The drop that is called visible is found as often as is said, or little less."""
    assert script.visible(200, [sizes]).faults == []


@pytest.mark.parametrize("end", [math.inf, 1.0, 0.6])
def test_medians_are_those_of_the_suite(end: float) -> None:
    """Places among successes are what times give, and an interval of rounded times is the rounded interval."""
    for times in np.random.default_rng(0).exponential(size=(20, 30)):
        succeeded = times <= end
        ranks = script.ranks_of_median(30, int(succeeded.sum()))
        ends = [None if rank is None else np.sort(times)[rank - 1] for rank in ranks]

        watched = np.where(succeeded, times, min(end, 10.0))
        assert stats.time_to_success(watched, succeeded).median_interval() == tuple(ends)
        rounded = stats.time_to_success(np.ceil(10 * watched), succeeded).median_interval()
        assert rounded == tuple(None if value is None else np.ceil(10 * value) for value in ends)


def test_script_fails_where_something_is_not_as_it_must_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It shows the tables that are asked for, names the fault, and exits with 1."""
    calls: list[Any] = []

    def part(draws: int) -> object:
        calls.append(draws)
        return script.Table("A part", ("one", "other"), [["1", "2"]], ["it is not so"] * (draws < 9))

    monkeypatch.setitem(script.PARTS, "rates", part)
    for draws, code in (("8", 1), ("9", 0)):
        monkeypatch.setattr(sys, "argv", ["coverage.py", "rates", "--draws", draws])
        assert script.main() == code
        out, err = capsys.readouterr()
        assert out == "## A part\n\n| one | other |\n| ---: | ---: |\n| 1 | 2 |\n\n"
        assert err == ("rates: it is not so\n" if code else "")
    assert calls == [8, 9]
