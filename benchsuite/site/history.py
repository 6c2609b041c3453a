"""A case over the nights: its rate and its speed, and where they changed.

Neither direction is better: a rate that rose tells of a changed benchmark as much as one that fell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import ruptures

from benchsuite.site.night import Night, Point

RATE, SPEED = "rate", "speed"

#: A change must lower the sum of squares, in units of the noise, by this many times the logarithm of the nights.
#: Two is Schwarz's criterion for one mean and its place, three keeps a hundred quiet nights free of false alarms.
_PENALTY = 3.0

#: So many nights must agree on a speed before it is another; a rate is known in one.
_NIGHTS = {RATE: 1, SPEED: 3}

#: A running median over so many nights takes away spikes of less than half of them, and leaves steps where they are.
_SPIKE = 5

#: Below this relative noise two speeds of the same machine are taken to be the same.
_EVEN = 0.01

#: Of the median absolute deviation to the standard deviation of normal noise, and of a difference to a value.
_MAD, _DIFFERENCE = 1.4826, 2**-0.5


@dataclass(frozen=True)
class Change:
    """A night from which on a figure is another.

    Args:
        label: the case.
        series: device and data.
        figure: "rate" or "speed".
        night: the first one of the new level.
        before: the mean of the nights between the change before and this one.
        after: the mean of those from this one on, up to the next.
    """

    label: str
    series: str
    figure: str
    night: Night
    before: float
    after: float

    @property
    def said(self) -> str:
        """The change as a sentence."""
        direction = "rose" if self.after > self.before else "fell"
        if self.figure == RATE:
            return f"the rate of {self.label} {direction} from {100 * self.before:.1f} % to {100 * self.after:.1f} %"
        return f"the speed of {self.label} {direction} from {self.before:.4g} to {self.after:.4g} seeds per second"


@dataclass(frozen=True)
class Series:
    """One case on one device and one set of data, in every night that has it, the oldest first."""

    label: str
    name: str
    nights: list[Night] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)

    def changes(self) -> list[Change]:
        """Where its rate and its speed changed."""
        rates = np.array([point.rate for point in self.points])
        speeds = np.array([point.seeds_per_second for point in self.points])
        found = self._changes(RATE, rates, _in_units_of_chance(self.points))
        reliable = [place for place, night in enumerate(self.nights) if not night.doubts]
        logarithms = np.log(np.maximum(speeds[reliable], 1e-12))
        return found + self._changes(SPEED, speeds, _in_units_of_noise(logarithms), reliable)

    def _changes(
        self, figure: str, values: np.ndarray, scaled: np.ndarray, places: Sequence[int] | None = None
    ) -> list[Change]:
        places = list(range(len(values))) if places is None else places
        ends = [0, *change_points(scaled, _NIGHTS[figure]), len(scaled)]
        return [
            Change(
                self.label,
                self.name,
                figure,
                self.nights[places[at]],
                float(values[places[start:at]].mean()),
                float(values[places[at:end]].mean()),
            )
            for start, at, end in zip(ends, ends[1:], ends[2:], strict=False)
        ]


def change_points(values: np.ndarray, shortest: int) -> list[int]:
    """The places at which the mean of values of unit noise changes.

    Args:
        values: (n,) one for each night.
        shortest: how many nights a level lasts at least.

    Source: R. Killick, P. Fearnhead, I. A. Eckley (2012), J. Am. Stat. Assoc. 107, 1590-1598; `ruptures`.
    """
    if len(values) < 2 * shortest:
        return []
    model = ruptures.KernelCPD(kernel="linear", min_size=shortest).fit(values[:, None])
    return [int(end) for end in model.predict(pen=_PENALTY * np.log(max(len(values), 3)))[:-1]]


def _in_units_of_chance(points: Sequence[Point]) -> np.ndarray:
    """Rates as Anscombe transforms them: whatever the rate, chance makes them vary by about one."""
    converged, seeds = (np.array([getattr(point, name) for point in points]) for name in ("converged", "seeds"))
    return 2 * np.sqrt(seeds + 0.5) * np.arcsin(np.sqrt((converged + 3 / 8) / (seeds + 3 / 4)))


def _in_units_of_noise(logarithms: np.ndarray) -> np.ndarray:
    """Speeds without spikes over their noise from night to night, which a few jumps do not enlarge."""
    if len(logarithms) < 2:  # noqa: PLR2004  # no difference of one night
        return logarithms
    from scipy.ndimage import median_filter

    noise = _MAD * _DIFFERENCE * float(np.median(np.abs(np.diff(logarithms))))
    return np.asarray(median_filter(logarithms, _SPIKE, mode="nearest")) / max(noise, _EVEN)


def history(nights: Sequence[Night]) -> dict[str, list[Series]]:
    """The series of every case, by its label, in the order of the alphabet."""
    found: dict[tuple[str, str], Series] = {}
    for night in sorted(nights, key=lambda night: (night.created, night.name)):
        for point in night.points:
            series = found.setdefault((point.label, point.series), Series(point.label, point.series))
            series.nights.append(night)
            series.points.append(point)
    by_label: dict[str, list[Series]] = {}
    for label, name in sorted(found):
        by_label.setdefault(label, []).append(found[label, name])
    return by_label
