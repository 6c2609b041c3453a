"""Intervals and tests agree with published numbers."""

from __future__ import annotations

import numpy as np

from benchsuite import stats


def test_null_treatment_raises_few_false_alarms() -> None:
    """Of 1,000 comparisons of 2,000 seeds, in which nothing but chance cures and breaks, at most 5 % are alarms."""
    drawn = np.random.default_rng(2026).multinomial(2000, [0.43, 0.04, 0.04, 0.49], size=1000)

    alarms = [stats.paired_p_value(int(fixed), int(regressed)) <= 0.05 for _, fixed, regressed, _ in drawn]
    missed = [not low <= 0 <= high for low, high in (stats.paired_difference_interval(*map(int, row)) for row in drawn)]

    assert np.mean(alarms) <= 0.05
    assert np.mean(missed) <= 0.07, "the interval covers the truth as often as it says, but for the luck of 1,000 draws"
