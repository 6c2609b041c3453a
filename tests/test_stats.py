"""Intervals and tests agree with published numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchsuite import stats


@pytest.mark.parametrize(
    ("successes", "trials", "interval"),
    [
        # R. G. Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3 (score, no correction).
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
    ],
)
def test_interval_is_wilsons(successes: int, trials: int, interval: tuple[float, float]) -> None:
    """The interval of a rate is the score interval."""
    assert stats.rate_interval(successes, trials) == pytest.approx(interval, abs=5e-5)


def test_interval_without_trials_says_nothing() -> None:
    """Nothing tried leaves every rate possible."""
    assert stats.rate_interval(0, 0) == (0, 1)


@given(st.integers(1, 2000), st.data())
def test_interval_holds_the_rate_and_stays_within_bounds(trials: int, data: st.DataObject) -> None:
    """The interval always has the observed rate within it, and never leaves [0, 1]."""
    successes = data.draw(st.integers(0, trials))

    low, high = stats.rate_interval(successes, trials)

    assert 0 <= low <= successes / trials + 1e-12
    assert successes / trials - 1e-12 <= high <= 1
    assert low < high


def test_p_value_is_that_of_the_exact_binomial_test() -> None:
    """Mendel's 682 of 925 at 3/4 gives p = 0.3825, as Conover (1971, pp. 97-104) and R's binom.test have it."""
    assert stats.rate_p_value(682, 925, 0.75) == pytest.approx(0.3825, abs=5e-5)


def test_p_value_of_a_certain_rate_is_all_or_nothing() -> None:
    """A rate of one is refuted by a single failure and by nothing else."""
    assert stats.rate_p_value(8, 8, 1.0) == 1
    assert stats.rate_p_value(7, 8, 1.0) == 0
