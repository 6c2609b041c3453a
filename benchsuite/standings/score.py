"""Scores, ranks and costs of the entries of a board under one set of rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from benchsuite import stats
from benchsuite.results import GRADIENT_EVALUATIONS
from benchsuite.standings.cell import SOLVED, Cell, family_weights
from benchsuite.standings.pairs import EntryPair, Success, has_converged
from benchsuite.tuning import Rules

#: Thresholds of R² at which the order of the entries is computed again.
THRESHOLDS = (0.9, 0.99, 0.999, 0.9999)


@dataclass(frozen=True)
class EntryCost:
    """What an entry costs, apart from its score.

    Args:
        steps: optimiser steps of judging.
        gradients: gradient evaluations of judging.
        judge_seconds: device seconds of judging.
        tune_trainings: trainings of tuning.
        tune_steps: optimiser steps of tuning.
        tune_seconds: device seconds of tuning.
    """

    steps: float
    gradients: float
    judge_seconds: float
    tune_trainings: int = 0
    tune_steps: float = 0.0
    tune_seconds: float = 0.0


@dataclass(frozen=True)
class EntryScore:
    """The score of an entry.

    Args:
        entry: its name.
        cells: of the entry, one for each case.
        cost: of its cells and of its tuning.
        rank: first and last rank that the significant differences allow; None for an entry that is not ranked.
    """

    entry: str
    cells: Sequence[Cell]
    cost: EntryCost
    rank: tuple[int, int] | None = None

    @property
    def judged(self) -> list[Cell]:
        """The cells with rows."""
        return [cell for cell in self.cells if cell.result]

    @property
    def is_complete(self) -> bool:
        """Whether all seeds of all cases were trained; only then the entry has a score and a rank."""
        return all(cell.is_complete for cell in self.cells)

    @property
    def families(self) -> dict[str, float]:
        """Family → the mean rate of its cases."""
        found: dict[str, list[float]] = {}
        for cell in self.judged:
            found.setdefault(cell.family, []).append(cell.rate)
        return {family: float(np.mean(rates)) for family, rates in found.items()}

    @property
    def score(self) -> float | None:
        """The mean rate over families, from 0 to 1; None for an entry without all of its rows."""
        return float(np.mean(list(self.families.values()))) if self.is_complete else None

    @cached_property
    def interval(self) -> tuple[float, float] | None:
        """The interval of the score within these cases; None where there is no score."""
        if not self.is_complete:
            return None
        weights = family_weights([cell.family for cell in self.cells])
        rates, limits = [cell.rate for cell in self.cells], [cell.interval for cell in self.cells]
        low, high = stats.combined_interval(rates, limits, weights)
        return max(low, 0.0), min(high, 1.0)

    @property
    def worst_family(self) -> tuple[str, float] | None:
        """The family with the lowest mean rate, and that rate."""
        return min(self.families.items(), key=lambda item: item[1], default=None)

    @property
    def solved(self) -> float | None:
        """The share of the judged cases that 99 % of the starts solve."""
        return float(np.mean([cell.rate >= SOLVED for cell in self.judged])) if self.judged else None

    def restarted(self, starts: int) -> float | None:
        """The mean over families of the chance that one of several starts succeeds; None without all rows."""
        if not self.is_complete or any(cell.seeds < starts for cell in self.cells):
            return None
        weights = family_weights([cell.family for cell in self.cells])
        chances = [stats.any_success(cell.summary.converged, cell.seeds, starts) for cell in self.cells]
        return float(np.dot(weights, chances))

    def to_json(self) -> dict[str, Any]:
        """All figures as plain JSON values."""
        return {
            "entry": self.entry,
            "score": self.score,
            "interval": list(self.interval) if self.interval else None,
            "rank": list(self.rank) if self.rank else None,
            "families": self.families,
            "worst_family": list(self.worst_family) if self.worst_family else None,
            "solved": self.solved,
            "cost": vars(self.cost),
            "cells": [cell.to_json() for cell in self.cells],
        }


def cost_of(cells: Sequence[Cell]) -> EntryCost:
    """Add the costs of judged cells."""
    judged = [cell for cell in cells if cell.result]
    gradients = sum(_gradients(cell) for cell in judged)
    steps = sum(float(cell.seeds * cell.schedule_steps) for cell in judged)
    return EntryCost(steps, gradients, sum(cell.summary.device_seconds for cell in judged))


def _gradients(cell: Cell) -> float:
    counted = {one["name"]: one["median"] for one in cell.summary.diagnostics}
    return cell.seeds * float(counted.get(GRADIENT_EVALUATIONS) or cell.schedule_steps)


@dataclass(frozen=True)
class OrderCheck:
    """The order of the entries under another definition of success.

    Args:
        name: of the definition, in words.
        scores: entry → its score there.
        kendall: Kendall's rank correlation with the order of the board; None where it has no value.
        reversed: pairs that differ significantly on the board, and lie the other way round here: (better, worse).
    """

    name: str
    scores: Mapping[str, float]
    kendall: float | None
    reversed: Sequence[tuple[str, str]]

    def to_json(self) -> dict[str, Any]:
        """All fields as plain JSON values."""
        return {**vars(self), "scores": dict(self.scores), "reversed": [list(pair) for pair in self.reversed]}


def check_order(
    name: str, cells: Mapping[str, Sequence[Cell]], pairs: Sequence[EntryPair], success: Success
) -> OrderCheck | None:
    """Compute the order of entries under another definition of success; None where it cannot be said for all cells.

    Args:
        name: of the definition.
        cells: entry → its cells, all of them complete.
        pairs: of the board, adjusted.
        success: the definition; cells for which it gives None keep their own criterion.
    """
    now, before = ({entry: _mean(of, how) for entry, of in cells.items()} for how in (success, has_converged))
    turned = [
        (pair.entry, pair.reference) if pair.significant > 0 else (pair.reference, pair.entry)
        for pair in pairs
        if pair.significant * (now[pair.entry] - now[pair.reference]) < 0
    ]
    return OrderCheck(name, now, _kendall(list(before.values()), list(now.values())), turned)


def _mean(cells: Sequence[Cell], success: Success) -> float:
    weights = family_weights([cell.family for cell in cells])
    found = (success(cell) for cell in cells)
    rates = [(cell.converged if one is None else one).mean() for cell, one in zip(cells, found, strict=True)]
    return float(np.dot(weights, rates))


def _kendall(before: Sequence[float], now: Sequence[float]) -> float | None:
    from scipy.stats import kendalltau

    if len(set(before)) < 2 or len(set(now)) < 2:  # noqa: PLR2004  # all are equal
        return None
    return float(kendalltau(before, now).statistic)


@dataclass(frozen=True)
class Ranking:
    """The entries of a board under one set of rules.

    Args:
        rules: how settings were chosen.
        scores: of all entries, the highest score first, those without all rows last.
        pairs: all pairs of complete entries, adjusted together, for the ranks.
        against: each entry compared with the reference, adjusted; empty without a reference.
        checks: the order under other definitions of success.
    """

    rules: Rules
    scores: Sequence[EntryScore]
    pairs: Sequence[EntryPair]
    against: Sequence[EntryPair]
    checks: Sequence[OrderCheck]

    @property
    def ranked(self) -> list[EntryScore]:
        """The entries with all rows."""
        return [score for score in self.scores if score.is_complete]

    def to_json(self) -> dict[str, Any]:
        """All figures as plain JSON values."""
        shown = {
            name: [one.to_json() for one in getattr(self, name)] for name in ("scores", "pairs", "against", "checks")
        }
        return {"rules": str(self.rules), **shown}


def pair_ranks(entries: Sequence[str], pairs: Sequence[EntryPair]) -> dict[str, tuple[int, int]]:
    """The interval of the rank of each entry, from all pairs with adjusted p-values."""
    place = {entry: number for number, entry in enumerate(entries)}
    better = [[False] * len(entries) for _ in entries]
    for pair in pairs:
        one, other = place[pair.entry], place[pair.reference]
        better[one][other], better[other][one] = pair.significant > 0, pair.significant < 0
    return dict(zip(entries, stats.rank_intervals(better), strict=True))
