"""Two entries compared on the same seeds: case by case, and over all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np

from benchsuite import stats
from benchsuite.standings.cell import Cell, family_weights

#: Level of all tests of a comparison, after adjustment.
LEVEL = 0.05

#: The difference for which the number of seeds that would decide it is stated.
DECIDED = 0.05

#: Fields of summaries that must agree for seeds to be compared.
_ALIKE = ("protocol", "criterion", "dataset", "stand_in", "precision", "dtype", "prng")

#: Whether each seed of a cell succeeds; None where it cannot be said.
Success = Callable[[Cell], np.ndarray | None]


@dataclass(frozen=True)
class CasePair:
    """Two entries on one case, on the same seeds.

    Args:
        case: its name.
        family: of the case.
        both: seeds that both solve.
        won: seeds that the entry alone solves.
        lost: seeds that the reference alone solves.
        neither: seeds that neither solves.
        adjusted: the p-value of McNemar's test, adjusted by Holm's method.
    """

    case: str
    family: str
    both: int
    won: int
    lost: int
    neither: int
    adjusted: float = 1.0

    @property
    def seeds(self) -> int:
        """The number of shared seeds."""
        return self.both + self.won + self.lost + self.neither

    @property
    def difference(self) -> float:
        """The difference of the rates, entry minus reference."""
        return (self.won - self.lost) / self.seeds

    @property
    def interval(self) -> tuple[float, float]:
        """Newcombe's interval of the difference."""
        return stats.paired_difference_interval(self.both, self.won, self.lost, self.neither)

    @property
    def p_value(self) -> float:
        """The p-value of McNemar's exact test."""
        return stats.paired_p_value(self.won, self.lost)

    @property
    def significant(self) -> int:
        """1 where the entry is significantly better, -1 where it is worse, else 0."""
        return int(np.sign(self.difference)) if self.adjusted < LEVEL else 0

    def to_json(self) -> dict[str, Any]:
        """All figures as plain JSON values."""
        shown = {"difference": self.difference, "interval": list(self.interval), "p_value": self.p_value}
        return {**vars(self), **shown, "seeds": self.seeds}


@dataclass(frozen=True)
class EntryPair:
    """Two entries over all cases that both were judged on.

    Args:
        entry: its name.
        reference: that of the entry that it is compared with.
        cases: the comparison of each case.
        adjusted: p-value of the difference over all cases, adjusted by Holm's method over all pairs of entries.
        tests: number of pairs that it is adjusted over.
    """

    entry: str
    reference: str
    cases: Sequence[CasePair]
    adjusted: float = 1.0
    tests: int = 1

    @cached_property
    def _weights(self) -> list[float]:
        return family_weights([pair.family for pair in self.cases])

    @cached_property
    def families(self) -> dict[str, float]:
        """Family → the mean of the differences of its cases."""
        found: dict[str, list[float]] = {}
        for pair in self.cases:
            found.setdefault(pair.family, []).append(pair.difference)
        return {family: float(np.mean(values)) for family, values in found.items()}

    @property
    def difference(self) -> float:
        """The mean over families of the differences of the rates, entry minus reference."""
        return float(np.dot(self._weights, [pair.difference for pair in self.cases]))

    @cached_property
    def interval(self) -> tuple[float, float]:
        """Its interval within these cases: by other seeds it would have been another."""
        differences, limits = [pair.difference for pair in self.cases], [pair.interval for pair in self.cases]
        low, high = stats.combined_interval(differences, limits, self._weights)
        return max(low, -1.0), min(high, 1.0)

    @cached_property
    def family_interval(self) -> tuple[float, float] | None:
        """Its interval for families like these: by others it would have been another; None for a single family."""
        return stats.mean_interval(list(self.families.values()))

    @cached_property
    def family_coverage(self) -> float | None:
        """The coverage of that interval, measured by simulation on these differences."""
        return stats.mean_coverage(list(self.families.values()))

    @cached_property
    def p_value(self) -> float:
        """The p-value that the difference over all cases is zero."""
        per_seed = [weight / pair.seeds for weight, pair in zip(self._weights, self.cases, strict=True)]
        won, lost = [pair.won for pair in self.cases], [pair.lost for pair in self.cases]
        return stats.sign_flip_p_value(won, lost, per_seed)

    @property
    def significant(self) -> int:
        """1 where the entry is significantly better over all cases, -1 where it is worse, else 0."""
        return int(np.sign(self.difference)) if self.adjusted < LEVEL else 0

    @cached_property
    def seeds_to_decide(self) -> int:
        """The seeds of each case at which a difference of 5 points over all cases is found in 4 of 5 comparisons."""
        shares = [(pair.won + pair.lost) / pair.seeds for pair in self.cases]
        return stats.pairs_to_decide(DECIDED, shares, self._weights, LEVEL / self.tests)

    def to_json(self) -> dict[str, Any]:
        """All figures as plain JSON values."""
        return {
            "entry": self.entry,
            "reference": self.reference,
            "difference": self.difference,
            "interval": list(self.interval),
            "families": self.families,
            "family_interval": list(self.family_interval) if self.family_interval else None,
            "family_coverage": self.family_coverage,
            "p_value": self.p_value,
            "adjusted_p_value": self.adjusted,
            "seeds_to_decide_5_points": self.seeds_to_decide,
            "cases": [pair.to_json() for pair in self.cases],
        }


def has_converged(cell: Cell) -> np.ndarray:
    """Whether each seed met the criterion of its case."""
    return cell.converged


def compare_entries(
    entry: Sequence[Cell], reference: Sequence[Cell], success: Success = has_converged
) -> EntryPair | None:
    """Compare two entries on the cases and seeds that both have; None where there are none."""
    others = {cell.case: cell for cell in reference if cell.result}
    pairs = [_compare(cell, others[cell.case], success) for cell in entry if cell.result and cell.case in others]
    found = [pair for pair in pairs if pair]
    return EntryPair(entry[0].entry, reference[0].entry, found) if found else None


def _compare(cell: Cell, reference: Cell, success: Success) -> CasePair | None:
    if any(getattr(cell.summary, name) != getattr(reference.summary, name) for name in _ALIKE):
        return None
    mine, theirs = success(cell), success(reference)
    shared = np.intersect1d(cell.seed_numbers, reference.seed_numbers)
    if mine is None or theirs is None or not len(shared):
        return None
    mine, theirs = (
        values[np.searchsorted(of.seed_numbers, shared)] for values, of in ((mine, cell), (theirs, reference))
    )
    counts = [int(values.sum()) for values in (mine & theirs, mine & ~theirs, ~mine & theirs, ~mine & ~theirs)]
    return CasePair(cell.case, cell.family, *counts)


def adjust_pairs(pairs: Sequence[EntryPair], *, together: bool) -> list[EntryPair]:
    """Adjust the p-values of pairs of entries by Holm's method.

    Args:
        pairs: to adjust.
        together: whether the tests of the cases of all pairs are one family; else those of each pair are one. Those
            over all cases are always one.
    """
    overall = stats.holm([pair.p_value for pair in pairs])
    groups = [list(range(len(pairs)))] if together else [[place] for place in range(len(pairs))]
    adjusted: dict[tuple[int, int], float] = {}
    for group in groups:
        places = [(place, number) for place in group for number in range(len(pairs[place].cases))]
        values = stats.holm([pairs[place].cases[number].p_value for place, number in places])
        adjusted |= dict(zip(places, values, strict=True))
    return [
        replace(
            pair,
            adjusted=overall[place],
            tests=len(pairs),
            cases=[replace(one, adjusted=adjusted[place, number]) for number, one in enumerate(pair.cases)],
        )
        for place, pair in enumerate(pairs)
    ]


def all_pairs(cells: Mapping[str, Sequence[Cell]], success: Success = has_converged) -> list[EntryPair]:
    """Compare each entry with each that comes after it, without adjustment."""
    pairs = (compare_entries(cells[one], cells[other], success) for one, other in combinations(cells, 2))
    return [pair for pair in pairs if pair]
