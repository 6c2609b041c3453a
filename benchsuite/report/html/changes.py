"""The changes since a reference run: their sentence, and which cases changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchsuite.comparison import LEVEL, CaseChange, Difference


@dataclass(frozen=True)
class Changes:
    """The cases of two runs, by whether they changed.

    Args:
        reference: name of the reference run.
        changed: cases whose rate or speed differs significantly, or whose rates are not comparable.
        same: all others.
    """

    reference: str
    changed: Sequence[CaseChange]
    same: Sequence[CaseChange]

    @classmethod
    def of(cls, changes: Sequence[CaseChange], reference: str) -> Changes:
        """Divide the changes of a comparison."""
        changed = [change for change in changes if change.rate is None or _significant(change)]
        return cls(reference, changed, [change for change in changes if change not in changed])

    @property
    def sentence(self) -> str:
        """The result of the comparison in one sentence, without a full stop."""
        parts = [text for change in self.changed for text in _sentences(change)]
        others = len(self.same)
        if len(parts) > _NAMED:
            parts = [*parts[:_NAMED], f"{len(parts) - _NAMED} more"]
        if parts:
            return "; ".join(parts) + (f"; {others} unchanged" if others else "")
        return f"Nothing changed since {self.reference}{self._visible()}"

    def _visible(self) -> str:
        visible = [change.rate.visible for change in self.same if change.rate and change.rate.visible is not None]
        return f"; drops over {100 * max(visible):.0f} points would have been seen" if visible else ""


#: Most changes that a sentence names.
_NAMED = 3


def _significant(change: CaseChange) -> list[tuple[str, Difference]]:
    both = (("rate", change.rate), ("speed", change.speed))
    return [(what, of) for what, of in both if of and of.adjusted_p_value <= LEVEL]


def _sentences(change: CaseChange) -> list[str]:
    if change.rate is None:
        return [
            f"{change.label} is {change.rate_incomparable}"
            if _is_missing(change)
            else f"{change.label} is not comparable"
        ]
    return [_sentence(change.label, what, of) for what, of in _significant(change)]


def _is_missing(change: CaseChange) -> bool:
    return change.rate_incomparable.startswith("not in")


def _sentence(label: str, what: str, of: Difference) -> str:
    direction = "fell" if of.worse else "rose"
    if what == "rate":
        return f"{label} {direction} by {100 * abs(of.after - of.before):.1f} points"
    return f"the speed of {label} {direction} to {of.after / of.before:.2f} times"
