"""A gate: what may not get worse from a reference run to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchsuite.comparison.runs import MISSING, NEW, CaseChange
from benchsuite.errors import OptionError, near_matches
from benchsuite.settings import OutputSettings
from benchsuite.store import RunFolder

RATE, SPEED = "rate", "speed"

#: Level at which a change counts where no gate says so.
LEVEL = 0.05

#: Below which no level makes a difference: no number of seeds that could be trained would have such a p-value.
_SMALLEST = 1e-100


def reference_of(settings: OutputSettings) -> RunFolder | None:
    """The run to compare with, read together with the gates before anything is trained.

    Raises:
        OptionError: a gate cannot be read.
        StoreError: there is no such run.
    """
    for text in settings.compare_fail:
        Gate.parse(text)
    return RunFolder(settings.compare) if settings.compare else None


@dataclass(frozen=True)
class Gate:
    """One figure, and the level at which a drop of it is one.

    Args:
        figure: "rate" or "speed".
        level: the adjusted p-value from which on a drop is none.
    """

    figure: str
    level: float

    @classmethod
    def parse(cls, text: str) -> Gate:
        """Read "rate:0.01".

        Raises:
            OptionError: it is not of this form.
        """
        figure, colon, level = text.partition(":")
        if figure not in (RATE, SPEED):
            raise OptionError(f"there is no gate {text!r}", near_matches(figure, (RATE, SPEED)) + ", as in rate:0.01")
        try:
            value = float(level) if colon else LEVEL
        except ValueError:
            value = 0.0
        if not _SMALLEST <= value < 1:
            raise OptionError(f"the gate {text!r} has the level {level!r}", "give one between 0 and 1, as in rate:0.01")
        return cls(figure, value)

    def blind(self, changes: Sequence[CaseChange]) -> str:
        """Why it could not have fallen for any case, whatever had happened; empty where it could."""
        tested = [change.speed for change in changes if change.speed]
        reachable = min((len(tested) * difference.smallest_p_value for difference in tested), default=0.0)
        if self.figure == RATE or reachable <= self.level:
            return ""
        return f"speed:{self.level:g} cannot fall: so few rounds give p = {reachable:.2g} at best; give more --rounds"

    def falls(self, changes: Sequence[CaseChange]) -> list[str]:
        """Why it falls, a sentence for each case; none where it holds.

        A case of both runs whose rates cannot be compared lets the gate of the rate fall, for nobody would know. That
        speeds cannot be compared is no fault: machines differ.
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
