"""Gates: levels at which a drop of a rate or a speed fails a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchsuite.comparison.runs import MISSING, NEW, CaseChange, Difference
from benchsuite.errors import OptionError, near_matches
from benchsuite.settings import OutputSettings
from benchsuite.store import RunFolder

RATE, SPEED = "rate", "speed"

#: Default level of significance.
LEVEL = 0.05

#: Smallest level; no feasible number of seeds gives such a p-value.
_SMALLEST = 1e-100


def reference_of(settings: OutputSettings) -> RunFolder | None:
    """Read the reference run and check the gates before training.

    Raises:
        OptionError: the syntax of a gate is wrong.
        StoreError: there is no such run.
    """
    for text in settings.compare_fail:
        Gate.parse(text)
    return RunFolder(settings.compare) if settings.compare else None


@dataclass(frozen=True)
class Gate:
    """A level of significance for drops of one figure, and the smallest drop that fails.

    Args:
        figure: "rate" or "speed".
        level: largest adjusted p-value of a drop that fails.
        drop: smallest drop that fails: of the rate itself, or a share of the speed.
    """

    figure: str
    level: float
    drop: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Gate:
        """Parse "rate:0.01", or "speed:0.001:10%" with the smallest drop.

        Raises:
            OptionError: it is not of this form.
        """
        figure, *values = text.split(":", 2)
        if figure not in (RATE, SPEED):
            raise OptionError(f"unknown gate {text!r}", near_matches(figure, (RATE, SPEED)) + ", as in rate:0.01")
        level = _number(values[0]) if values else LEVEL
        if not _SMALLEST <= level < 1:
            raise OptionError(
                f"the gate {text!r} has the level {values[0]!r}", "give a level between 0 and 1, as in rate:0.01"
            )
        drop = _share(values[1]) if len(values) > 1 else 0.0
        if not 0 <= drop < 1:
            raise OptionError(
                f"the gate {text!r} has the smallest drop {values[1]!r}",
                "give it in percent, below 100%, as in speed:0.001:10%",
            )
        return cls(figure, level, drop)

    def __str__(self) -> str:
        return f"{self.figure}:{self.level:g}" + (f":{100 * self.drop:g}%" if self.drop else "")

    def blind(self, changes: Sequence[CaseChange]) -> str:
        """Return why no result could fail this gate; empty if one could."""
        tested = [change.speed for change in changes if change.speed]
        reachable = min((len(tested) * difference.smallest_p_value for difference in tested), default=0.0)
        if self.figure == RATE or reachable <= self.level:
            return ""
        return f"{self} cannot fail: with so few rounds p is at least {reachable:.2g}; increase --rounds"

    def falls(self, changes: Sequence[CaseChange]) -> list[str]:
        """Return the reasons for failure, one for each case; empty if the gate passes.

        A case of both runs whose rates are not comparable fails the gate of the rate. Speeds that are not comparable
        do not fail the gate of the speed, since machines differ.
        """
        reasons = []
        for change in changes:
            difference = change.rate if self.figure == RATE else change.speed
            if difference and self._fails(difference):
                size = 100 * self._drop(difference)
                by = f"{size:.1f} points" if self.figure == RATE else f"{size:.1f} %"
                p = f"{difference.test}'s p = {difference.adjusted_p_value:.2g}, level {self.level:g}"
                reasons.append(f"{change.label}: its {self.figure} has dropped by {by} ({p})")
            if self.figure == RATE and change.rate is None and change.rate_incomparable not in (NEW, MISSING):
                reasons.append(f"{change.label}: not comparable: {change.rate_incomparable}")
        return reasons

    def _fails(self, difference: Difference) -> bool:
        significant = difference.worse and difference.adjusted_p_value <= self.level
        return significant and self._drop(difference) >= self.drop

    def _drop(self, difference: Difference) -> float:
        drop = difference.before - difference.after
        return drop if self.figure == RATE else drop / difference.before


def _number(text: str) -> float:
    """Parse a number; NaN, which is in no range, for other texts."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _share(text: str) -> float:
    """Parse a share in percent, such as "10%"; NaN for other texts."""
    return _number(text.removesuffix("%")) / 100 if text.endswith("%") else math.nan
