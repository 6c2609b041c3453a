"""Compare the rate and the speed of each case between two runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchsuite import stats
from benchsuite.comparison.treatments import converged_at
from benchsuite.results import Result, Summary
from benchsuite.store import RunFolder

#: Reasons why a case of one run alone is not compared.
NEW, MISSING = "not in the reference", "not in this run"

#: Power at which the smallest detectable drop of unpaired rates is computed.
POWER = 0.8

#: Rounds on each side that a rank test needs to reach 5 %.
ROUNDS_NEEDED = 4

#: Packages whose version may change the speed.
_PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy")


@dataclass(frozen=True)
class Difference:
    """A rate or speed of a case in two runs, with a test of no difference.

    Args:
        before: value in the reference; of paired seeds where there are any.
        after: value in the run; the same.
        test: name of the test.
        p_value: of the null hypothesis of no difference.
        adjusted_p_value: by Holm's method over all cases.
        interval: 95 % interval of after minus before for rates, and of after by before for speeds, which needs two
            rounds on each side.
        seeds: numbers of seeds "fixed" and "regressed", if seeds are paired.
        pairs: number of paired seeds.
        visible: smallest detectable drop, for rates.
        smallest_p_value: smallest p-value that the test can reach, for speeds.
    """

    before: float
    after: float
    test: str
    p_value: float
    adjusted_p_value: float = 1.0
    interval: tuple[float, float] | None = None
    seeds: Mapping[str, int] | None = None
    pairs: int = 0
    visible: float | None = None
    smallest_p_value: float = 0.0

    @property
    def worse(self) -> bool:
        """Whether the value dropped."""
        return self.after < self.before


@dataclass(frozen=True)
class CaseChange:
    """One case in two runs.

    Args:
        label: of the case.
        rate: change of the rate, or None.
        rate_incomparable: reason why the rates are not comparable, or empty.
        speed: change of the speed in seeds per second, or None.
        speed_incomparable: reason why the speeds are not comparable, or empty.
    """

    label: str
    rate: Difference | None = None
    rate_incomparable: str = ""
    speed: Difference | None = None
    speed_incomparable: str = ""


@dataclass(frozen=True)
class RunResults:
    """Results of one of two compared runs.

    Args:
        results: of the run.
        machine: hardware and versions, see `machine.describe`.
        timing_warnings: reasons to distrust its timing.
    """

    results: Sequence[Result]
    machine: Mapping[str, Any]
    timing_warnings: Sequence[str] = ()

    @classmethod
    def of(cls, folder: RunFolder, results: Sequence[Result]) -> RunResults:
        """Combine some results with the machine and timing of their run."""
        return cls(results, folder.machine, folder.timing_warnings)


def compare_runs(reference: RunResults, now: RunResults, level: float) -> list[CaseChange]:
    """Compare each case of `now` with the case of that name in `reference`; missing cases come last.

    Args:
        reference: run to compare with.
        now: run to compare.
        level: of significance, for the smallest detectable drop.
    """
    before = {result.summary.label: result for result in reference.results}
    pairs = [(before.pop(result.summary.label, None), result) for result in now.results]
    for place, (one, other) in enumerate(pairs):  # same case, but another protocol or other data
        if one is None:
            label = next((label for label, r in before.items() if r.summary.id == other.summary.id), None)
            pairs[place] = (before.pop(label) if label else None, other)
    found = [_change(one, other, reference, now) for one, other in pairs]
    found += [CaseChange(result.summary.label, None, MISSING, None, MISSING) for result in before.values()]
    rated = [place for place, change in enumerate(found) if change.rate]
    for place in rated:
        seeds = [len(result.rows) for result in pairs[place] if result]
        found[place] = replace(found[place], rate=_with_visible(found[place], seeds, level / len(rated)))
    return _adjusted(_adjusted(found, "rate"), "speed")


def _adjusted(found: list[CaseChange], figure: str) -> list[CaseChange]:
    tested = [place for place, change in enumerate(found) if getattr(change, figure)]
    p_values = stats.holm([getattr(found[place], figure).p_value for place in tested])
    for place, adjusted in zip(tested, p_values, strict=True):
        difference = replace(getattr(found[place], figure), adjusted_p_value=adjusted)
        found[place] = replace(found[place], **{figure: difference})
    return found


def _with_visible(change: CaseChange, seeds: Sequence[int], level: float) -> Difference:
    difference = change.rate
    assert difference is not None  # noqa: S101  # the caller selects those with a rate
    if difference.pairs:
        return replace(difference, visible=stats.visible_regressions(level) / difference.pairs)
    before, after = seeds
    return replace(difference, visible=stats.visible_drop(difference.before, before, after, level, POWER))


def _change(before: Result | None, after: Result, reference: RunResults, now: RunResults) -> CaseChange:
    label = after.summary.label
    if before is None:
        return CaseChange(label, None, NEW, None, NEW)
    why = _other_case(before.summary, after.summary, reference.machine, now.machine)
    if why:
        return CaseChange(label, None, why, None, why)
    slow = _disturbed(reference, now) or _other_machine(before.summary, after.summary, reference.machine, now.machine)
    speed = None if slow else _speed(before.summary, after.summary)
    return CaseChange(label, _rate(before, after), "", speed, slow)


def _other_case(before: Summary, after: Summary, reference: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return why two summaries are of different cases; empty if they are of one case."""
    for what, one, other in (
        ("protocol", before.protocol, after.protocol),
        ("data", _data(before), _data(after)),
        ("dtype", before.dtype, after.dtype),
        ("criterion", before.criterion, after.criterion),
        ("case version", before.version, after.version),
    ):
        if one != other:
            return f"different {what}: the reference has {one or 'none'}, this run has {other}"
    # Digests have a kind before a colon, or none in earlier versions; digests of two kinds cannot be compared.
    same_kind = before.program.rpartition(":")[0] == after.program.rpartition(":")[0]
    same_jax = _versions(reference) == _versions(now) and before.platform == after.platform
    if same_kind and same_jax and before.program != after.program:
        return "different case version: the program changed, and JAX did not"
    return ""


def _data(summary: Summary) -> str:
    return f"{summary.dataset}, a stand-in" if summary.stand_in else summary.dataset


def _versions(machine: Mapping[str, Any]) -> dict[str, Any]:
    return {name: machine.get("versions", {}).get(name) for name in _PACKAGES}


def _disturbed(reference: RunResults, now: RunResults) -> str:
    """Return the timing warnings of both runs; empty if there are none."""
    return "; ".join(
        f"timing warnings of {which}: {', '.join(run.timing_warnings)}"
        for which, run in (("the reference", reference), ("this run", now))
        if run.timing_warnings
    )


def _other_machine(before: Summary, after: Summary, reference: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return why the speeds of two summaries are not comparable; empty if they are."""
    for what in ("device", "platform", "device_count", "executor", "workers", "precision", "chunk_size"):
        one, other = getattr(before, what), getattr(after, what)
        if one != other:
            return f"different {what.replace('_', ' ')}: {one}, now {other}"
    for name, one in _versions(reference).items():
        other = _versions(now)[name]
        if one != other:
            return f"different {name}: {one}, now {other}"
    fewest = min(len(before.round_seconds), len(after.round_seconds))
    if fewest < ROUNDS_NEEDED:
        return f"{fewest} steady rounds, but a rank test needs {ROUNDS_NEEDED}: increase --rounds"
    return ""


def _rate(before: Result, after: Result) -> Difference:
    """Compare shared seeds as pairs if one run has all seeds of the other, else both rates as independent ones."""
    one, other = before.summary, after.summary
    shared = np.intersect1d(before.rows.seeds, after.rows.seeds)
    if len(shared) == min(len(before.rows), len(after.rows)):
        return _paired(*(converged_at(result.rows, shared) for result in (before, after)))
    counts = (one.converged, one.seeds), (other.converged, other.seeds)
    return Difference(
        one.rate, other.rate, "Fisher", stats.rates_p_value(*counts), interval=stats.difference_interval(*counts)
    )


def _paired(was: np.ndarray, now: np.ndarray) -> Difference:
    """Compare (n,) whether each seed converged before and after."""
    both, fixed, regressed = int((was & now).sum()), int((~was & now).sum()), int((was & ~now).sum())
    return Difference(
        float(was.mean()),
        float(now.mean()),
        "McNemar",
        stats.paired_p_value(fixed, regressed),
        interval=stats.paired_difference_interval(both, fixed, regressed, len(was) - both - fixed - regressed),
        seeds={"fixed": fixed, "regressed": regressed},
        pairs=len(was),
    )


def _speed(before: Summary, after: Summary) -> Difference:
    one, other = (np.divide(summary.round_seeds, summary.round_seconds) for summary in (before, after))
    return Difference(
        float(np.median(one)),
        float(np.median(other)),
        "Mann-Whitney",
        stats.rank_p_value(one, other),
        interval=stats.ratio_interval(one, other) if min(len(one), len(other)) > 1 else None,
        smallest_p_value=stats.smallest_rank_p_value(len(one), len(other)),
    )
