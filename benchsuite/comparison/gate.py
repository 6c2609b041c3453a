"""Gates: levels at which a drop of a rate or a speed fails a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchsuite.comparison.runs import MISSING, NEW, CaseChange
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
    """A level of significance for drops of one figure.

    Args:
        figure: "rate" or "speed".
        level: largest adjusted p-value of a drop that fails.
    """

    figure: str
    level: float

    @classmethod
    def parse(cls, text: str) -> Gate:
        """Parse "rate:0.01".

        Raises:
            OptionError: it is not of this form.
        """
        figure, colon, level = text.partition(":")
        if figure not in (RATE, SPEED):
            raise OptionError(f"unknown gate {text!r}", near_matches(figure, (RATE, SPEED)) + ", as in rate:0.01")
        try:
            value = float(level) if colon else LEVEL
        except ValueError:
            value = 0.0
        if not _SMALLEST <= value < 1:
            raise OptionError(
                f"the gate {text!r} has the level {level!r}", "give a level between 0 and 1, as in rate:0.01"
            )
        return cls(figure, value)

    def blind(self, changes: Sequence[CaseChange]) -> str:
        """Return why no result could fail this gate; empty if one could."""
        tested = [change.speed for change in changes if change.speed]
        reachable = min((len(tested) * difference.smallest_p_value for difference in tested), default=0.0)
        if self.figure == RATE or reachable <= self.level:
            return ""
        return f"speed:{self.level:g} cannot fail: with so few rounds p is at least {reachable:.2g}; increase --rounds"

    def falls(self, changes: Sequence[CaseChange]) -> list[str]:
        """Return the reasons for failure, one for each case; empty if the gate passes.

        A case of both runs whose rates are not comparable fails the gate of the rate. Speeds that are not comparable
        do not fail the gate of the speed, since machines differ.
        """
        reasons = []
        for change in changes:
            difference = change.rate if self.figure == RATE else change.speed
            if difference and difference.worse and difference.adjusted_p_value <= self.level:
                p = f"{difference.test}'s p = {difference.adjusted_p_value:.2g}"
                reasons.append(f"{change.label}: its {self.figure} has dropped ({p}, level {self.level:g})")
            if self.figure == RATE and change.rate is None and change.rate_incomparable not in (NEW, MISSING):
                reasons.append(f"{change.label}: not comparable: {change.rate_incomparable}")
        return reasons
