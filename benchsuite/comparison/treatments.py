"""Compare treated cases with the untreated case, seed by seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from benchsuite import stats
from benchsuite.results import Result, SeedTable, Summary

#: Number of fixed and of regressed seeds that are named.
NAMED = 3

#: Steady rounds on each side that a ratio of times needs.
_ROUNDS = 2


class TimeRatio(NamedTuple):
    """The time of a step as a multiple of that of the untreated case, with its 95 % interval."""

    ratio: float
    low: float
    high: float


@dataclass(frozen=True)
class TreatmentComparison:
    """Paired comparison of a treated case with the untreated one.

    Args:
        summary: of the treated case.
        untreated: summary of the untreated case; None if it was not trained, then all fields below are empty.
        seeds: number of seeds trained with and without the treatment.
        difference: of the rates, treated minus untreated.
        difference_interval: Newcombe's, see `stats.paired_difference_interval`.
        p_value: of McNemar's exact test.
        adjusted_p_value: by Holm's method over all comparisons of the run.
        fixed: number of seeds that failed untreated and converged treated.
        regressed: number of seeds that converged untreated and failed treated.
        fixed_seeds: the first fixed seeds.
        regressed_seeds: the first regressed seeds.
        cost: the time of a step over that of the untreated case; None where the rounds cannot give its interval.
    """

    summary: Summary
    untreated: Summary | None = None
    seeds: int = 0
    difference: float | None = None
    difference_interval: tuple[float, float] | None = None
    p_value: float | None = None
    adjusted_p_value: float | None = None
    fixed: int = 0
    regressed: int = 0
    fixed_seeds: tuple[int, ...] = ()
    regressed_seeds: tuple[int, ...] = ()
    cost: TimeRatio | None = None


def compare_treatments(results: Sequence[Result], *, timed: bool = True) -> list[TreatmentComparison]:
    """Compare each treated case of a run with its untreated case, in the order of the run.

    Args:
        results: of the run.
        timed: whether times are compared too; not after warnings about the timing of the run.
    """
    untreated = {
        result.summary.label: result
        for result in results
        if not result.summary.treatment and not result.summary.setting
    }
    compared = [
        _compare(untreated.get(result.summary.untreated_label), result)
        for result in results
        if result.summary.treatment and not result.summary.setting
    ]
    tested = [place for place, comparison in enumerate(compared) if comparison.p_value is not None]
    for place, adjusted in zip(tested, stats.holm([compared[place].p_value or 0 for place in tested]), strict=True):
        compared[place] = replace(compared[place], adjusted_p_value=adjusted)
    return compared if timed else [replace(comparison, cost=None) for comparison in compared]


def _compare(untreated: Result | None, treated: Result) -> TreatmentComparison:
    if untreated is None:
        return TreatmentComparison(treated.summary)
    seeds = np.intersect1d(untreated.rows.seeds, treated.rows.seeds)
    if not len(seeds):
        return TreatmentComparison(treated.summary)
    before, after = converged_at(untreated.rows, seeds), converged_at(treated.rows, seeds)
    fixed, regressed = seeds[~before & after], seeds[before & ~after]
    both = int((before & after).sum())
    neither = len(seeds) - both - len(fixed) - len(regressed)
    return TreatmentComparison(
        treated.summary,
        untreated.summary,
        len(seeds),
        (len(fixed) - len(regressed)) / len(seeds),
        stats.paired_difference_interval(both, len(fixed), len(regressed), neither),
        p_value=stats.paired_p_value(len(fixed), len(regressed)),
        fixed=len(fixed),
        regressed=len(regressed),
        fixed_seeds=tuple(map(int, fixed[:NAMED])),
        regressed_seeds=tuple(map(int, regressed[:NAMED])),
        cost=_cost(untreated.summary, treated.summary),
    )


def _cost(untreated: Summary, treated: Summary) -> TimeRatio | None:
    """Compare the device times of a step of one seed over the steady rounds."""
    before, after = _step_times(untreated), _step_times(treated)
    if min(len(before), len(after)) < _ROUNDS:
        return None
    ratio = float(np.exp(np.log(after).mean() - np.log(before).mean()))
    return TimeRatio(ratio, *stats.ratio_interval(before, after))


def _step_times(summary: Summary) -> np.ndarray:
    """Return (rounds,) the device seconds of a step of one seed in each steady round."""
    seconds = np.array(summary.round_seconds) * summary.device_count
    return seconds / np.maximum(summary.round_seeds, 1) / summary.time_to_success["censored_at"]


def converged_at(rows: SeedTable, seeds: np.ndarray) -> np.ndarray:
    """Return (n,) whether each seed converged; `seeds` are ascending and all in `rows`."""
    order = np.argsort(rows.seeds)
    return rows.converged[order][np.searchsorted(rows.seeds[order], seeds)]
