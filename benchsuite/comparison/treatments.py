"""A treated case beside the untreated one, seed by seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchsuite import stats
from benchsuite.results.result import Result
from benchsuite.results.seeds import Rows
from benchsuite.results.summary import Record

#: So many of the seeds that a treatment cures or breaks are named, to be replayed.
NAMED = 3


@dataclass(frozen=True)
class Comparison:
    """What a treatment did to the seeds that were trained with and without it.

    Args:
        record: of the treated case.
        untreated: the record of the untreated one; None where it has not been trained, and then all below is empty.
        seeds: how many were trained both ways.
        difference: of their rates, treated minus untreated.
        difference_interval: Newcombe's, see `stats.paired_difference_interval`.
        p_value: McNemar's exact test.
        adjusted_p_value: the same by Holm's method over all comparisons of the run.
        cured: how many failed untreated and converged treated.
        broken: how many converged untreated and failed treated.
        cured_seeds: the first of those.
        broken_seeds: the first of these.
    """

    record: Record
    untreated: Record | None = None
    seeds: int = 0
    difference: float | None = None
    difference_interval: tuple[float, float] | None = None
    p_value: float | None = None
    adjusted_p_value: float | None = None
    cured: int = 0
    broken: int = 0
    cured_seeds: tuple[int, ...] = ()
    broken_seeds: tuple[int, ...] = ()


def compare(results: Sequence[Result]) -> list[Comparison]:
    """Every treated case of a run beside its untreated one, in the order of the run."""
    untreated = {
        result.record.label: result for result in results if not result.record.treatment and not result.record.setting
    }
    compared = [
        _compare(untreated.get(result.record.untreated_label), result)
        for result in results
        if result.record.treatment and not result.record.setting
    ]
    tested = [place for place, comparison in enumerate(compared) if comparison.p_value is not None]
    for place, adjusted in zip(tested, stats.holm([compared[place].p_value or 0 for place in tested]), strict=True):
        compared[place] = replace(compared[place], adjusted_p_value=adjusted)
    return compared


def _compare(untreated: Result | None, treated: Result) -> Comparison:
    if untreated is None:
        return Comparison(treated.record)
    seeds = np.intersect1d(untreated.rows.seeds, treated.rows.seeds)
    if not len(seeds):
        return Comparison(treated.record)
    before, after = _converged(untreated.rows, seeds), _converged(treated.rows, seeds)
    cured, broken = seeds[~before & after], seeds[before & ~after]
    both = int((before & after).sum())
    neither = len(seeds) - both - len(cured) - len(broken)
    return Comparison(
        treated.record,
        untreated.record,
        len(seeds),
        (len(cured) - len(broken)) / len(seeds),
        stats.paired_difference_interval(both, len(cured), len(broken), neither),
        p_value=stats.paired_p_value(len(cured), len(broken)),
        cured=len(cured),
        broken=len(broken),
        cured_seeds=tuple(map(int, cured[:NAMED])),
        broken_seeds=tuple(map(int, broken[:NAMED])),
    )


def _converged(rows: Rows, seeds: np.ndarray) -> np.ndarray:
    """Whether each of `seeds`, which are in ascending order and all there, converged."""
    order = np.argsort(rows.seeds)
    return rows.converged[order][np.searchsorted(rows.seeds[order], seeds)]
