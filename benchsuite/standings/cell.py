"""Cells of a board: an entry on a case, judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from benchsuite import stats
from benchsuite.case import Criterion
from benchsuite.results import Outcome, Result, Summary

#: Share of the starts from which on a case counts as solved.
SOLVED = 0.99


@dataclass(frozen=True, eq=False)
class Cell:
    """The judged rows of one setting of an entry on a case.

    Args:
        entry: its name.
        case: its name.
        family: of the case.
        setting: number of the setting; None where none was chosen.
        options: of the setting, as they are typed.
        result: None where there are no rows.
        wanted: number of judge seeds.
        reason: why rows are missing; empty where none are.
    """

    entry: str
    case: str
    family: str
    setting: int | None
    options: str
    result: Result | None
    wanted: int
    reason: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether all judge seeds were trained."""
        return self.result is not None and self.seeds >= self.wanted

    @property
    def summary(self) -> Summary:
        """The summary of a cell with rows."""
        return self._rows.summary

    @property
    def _rows(self) -> Result:
        if self.result is None:
            raise ValueError(f"{self.entry} has no rows of {self.case}")
        return self.result

    @property
    def seeds(self) -> int:
        """The number of judged seeds."""
        return len(self.result.rows) if self.result else 0

    @property
    def rate(self) -> float:
        """The share of the seeds that converged."""
        return self.summary.rate

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval of the rate."""
        low, high = self.summary.rate_interval
        return low, high

    @property
    def schedule_steps(self) -> int:
        """The optimiser steps of a training that fails."""
        return self.summary.time_to_success["censored_at"]

    @property
    def expected_steps(self) -> float | None:
        """The steps of all seeds per success; None without one."""
        return self.summary.time_to_success["expected_running_time"]

    @cached_property
    def expected_interval(self) -> tuple[float, float | None]:
        """The bootstrap interval of the expected steps; without a success only its lower end."""
        rows, converged = self._rows.rows, self._rows.rows.converged
        expected = self.expected_steps
        times = np.where(converged, rows.steps_to_success, self.schedule_steps)
        plain = stats.expected_running_time(times, converged)
        restarts = expected / plain if expected and plain else 1.0
        low, high = stats.expected_time_interval(restarts * times, converged)
        return low, high

    @property
    def starts_steps(self) -> float | None:
        """The steps after which restarts succeed with a probability of 99 %; None without a success."""
        starts = stats.starts_needed(self.rate)
        return None if starts is None else starts * self.schedule_steps

    @property
    def commonest_failure(self) -> str:
        """The outcome of most failed seeds; empty where none failed."""
        failed = {name: n for name, n in self.summary.outcomes.items() if name != Outcome.CONVERGED and n}
        return max(failed, key=failed.__getitem__) if failed else ""

    def at_threshold(self, bound: float) -> np.ndarray | None:
        """Whether each seed ends with at least some R², in the order of the seeds; None where R² is not recorded."""
        final = self._rows.rows.final.get("r2")
        return None if final is None else (final >= bound)[self._order]

    @property
    def converged(self) -> np.ndarray:
        """Whether each seed converged, in the order of the seeds."""
        return self._rows.rows.converged[self._order]

    @property
    def seed_numbers(self) -> np.ndarray:
        """The seeds, in ascending order."""
        return self._rows.rows.seeds[self._order]

    @property
    def _order(self) -> np.ndarray:
        return self._rows.rows.seeds.argsort()

    def at_share(self, share: float) -> np.ndarray | None:
        """Whether the criterion holds after a share of the schedule, in the order of the seeds.

        None where the evaluations of all seeds are not stored, or there is none in that part.
        """
        curves, criterion = self._rows.curves, parse_criterion(self.summary.criterion)
        values = curves.columns.get(f"metric.{criterion.metric}") if criterion else None
        steps = curves.steps <= share * self.schedule_steps
        if criterion is None or values is None or len(values) < self.seeds or steps.sum() < 2:  # noqa: PLR2004
            return None
        order = curves.seeds.argsort()
        return np.asarray(criterion.met(values[order][:, steps]))

    def first_hits(self, bounds: Sequence[float]) -> np.ndarray | None:
        """The share of the schedule at which each seed first reaches each bound of R², (k, b); infinite for never."""
        curves = self._rows.curves
        values = curves.columns.get("metric.r2")
        if values is None:
            return None
        reached = values[:, :, None] >= np.asarray(bounds)
        first = curves.steps[reached.argmax(axis=1)] / self.schedule_steps
        return np.where(reached.any(axis=1), first, np.inf)

    def to_json(self) -> dict[str, Any]:
        """All figures as plain JSON values."""
        about = {"entry": self.entry, "case": self.case, "family": self.family, "setting": self.setting}
        about |= {"options": self.options, "seeds": self.seeds, "wanted": self.wanted, "reason": self.reason}
        if self.result is None:
            return about
        summary = self.summary
        return about | {
            "converged": summary.converged,
            "rate": summary.rate,
            "rate_interval": list(summary.rate_interval),
            "outcomes": summary.outcomes,
            "expected_steps": self.expected_steps,
            "expected_steps_interval": list(self.expected_interval),
            "median_steps": summary.time_to_success["median"],
            "schedule_steps": self.schedule_steps,
            "device_seconds": summary.device_seconds,
            "protocol": summary.protocol,
            "version": summary.version,
            "device": summary.device,
        }


def parse_criterion(text: str) -> Criterion | None:
    """Read a criterion from its text; None where it has another form."""
    words = text.split(" ", 3)
    if len(words) < 3 or words[1] not in "≥≤":  # noqa: PLR2004  # metric, sign, bound
        return None
    when = next((name for name in ("ever", "best") if f"at {'any' if name == 'ever' else 'the best'}" in text), "last")
    bound = {"at_least" if words[1] == "≥" else "at_most": float(words[2])}
    return Criterion(words[0], when=when, **bound)  # type: ignore[arg-type]  # one of the words


def family_weights(families: Sequence[str]) -> list[float]:
    """The weight of each case in a mean over families, which have equal weights: one over families and cases in it."""
    number = len(set(families))
    return [1 / (number * list(families).count(family)) for family in families]
