"""Detect change points of the rate and the speed of a case over the nights.

Rises and falls both count: either shows that the benchmark changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import ruptures

from benchsuite.publish.night import Night, Point

RATE, SPEED = "rate", "speed"

#: A change must lower the sum of squares, in units of the noise, by this many times the logarithm of the nights.
#: Two is Schwarz's criterion for one mean and its place; with four, at most one of a hundred quiet series of any length
#: has a false alarm.
_PENALTY = 4.0

#: Nights of the running median of speeds. It removes slumps of fewer than half of them and keeps the place of a step:
#: a change of the speed is known after three nights, one of the rate after one.
_WINDOW = 5

#: Smallest number of nights in the penalty; fewer would give too many false alarms.
_FEWEST = 30

#: Smallest relative noise of speeds of one machine.
_EVEN = 0.01

#: Factors from median absolute deviation to standard deviation (normal noise), and from a difference to a value.
_MAD, _DIFFERENCE = 1.4826, 2**-0.5


@dataclass(frozen=True)
class ChangePoint:
    """A night at which the mean of a rate or a speed changed.

    Args:
        label: of the case.
        series: device and data.
        figure: "rate" or "speed".
        night: first night of the new level.
        known: night at which the change was detected.
        before: mean of the nights since the previous change.
        after: mean of the nights from this one to the next change.
    """

    label: str
    series: str
    figure: str
    night: Night
    known: Night
    before: float
    after: float

    @property
    def sentence(self) -> str:
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

    def changes(self) -> list[ChangePoint]:
        """Detect the changes of its rate and its speed."""
        rates = [point.rate for point in self.points]
        found = self._changes(RATE, rates, list(range(len(rates))), _in_units_of_chance(self.points), delay=0)
        reliable = [place for place, night in enumerate(self.nights) if not night.timing_warnings]
        speeds = [self.points[place].seeds_per_second for place in reliable]
        return found + self._changes(SPEED, speeds, reliable, _in_units_of_noise(speeds), delay=_WINDOW // 2)

    def _changes(
        self, figure: str, values: Sequence[float], places: Sequence[int], scaled: np.ndarray, delay: int
    ) -> list[ChangePoint]:
        """Detect the changes of one figure.

        Args:
            figure: "rate" or "speed".
            values: (n,) one for each night that counts.
            places: (n,) positions of their nights.
            scaled: (n - 2 delay,) the values in units of noise.
            delay: nights from a change to its detection.
        """
        ends = [0, *(end + delay for end in change_points(scaled)), len(values)]
        return [
            ChangePoint(
                self.label,
                self.name,
                figure,
                self.nights[places[at]],
                self.nights[places[at + delay]],
                float(np.mean(values[start:at])),
                float(np.mean(values[at:end])),
            )
            for start, at, end in zip(ends, ends[1:], ends[2:], strict=False)
        ]


def change_points(values: np.ndarray) -> list[int]:
    """Find the positions at which the mean of values of unit noise changes.

    Args:
        values: (n,) one for each night.

    Source: R. Killick, P. Fearnhead, I. A. Eckley (2012), J. Am. Stat. Assoc. 107, 1590-1598; `ruptures`.
    """
    if len(values) < 2:  # noqa: PLR2004  # nothing to compare with
        return []
    model = ruptures.KernelCPD(kernel="linear", min_size=1).fit(values[:, None])
    return [int(end) for end in model.predict(pen=_PENALTY * np.log(max(len(values), _FEWEST)))[:-1]]


def _in_units_of_chance(points: Sequence[Point]) -> np.ndarray:
    """Rates such that, whatever the rate, chance makes those of the night with the fewest seeds vary by about one.

    Source: F. J. Anscombe (1948), Biometrika 35, 246-254.
    """
    seeds = np.array([point.seeds for point in points])
    converged = np.array([point.converged for point in points])
    return 2 * np.sqrt(seeds.min() + 0.5) * np.arcsin(np.sqrt((converged + 3 / 8) / (seeds + 3 / 4)))


def _in_units_of_noise(speeds: Sequence[float]) -> np.ndarray:
    """Running medians of speeds over their noise from night to night, which a few jumps do not enlarge."""
    if len(speeds) < _WINDOW:
        return np.empty(0)
    logarithms = np.log(np.maximum(speeds, np.finfo(float).tiny))
    noise = _MAD * _DIFFERENCE * float(np.median(np.abs(np.diff(logarithms))))
    return np.median(np.lib.stride_tricks.sliding_window_view(logarithms, _WINDOW), axis=1) / max(noise, _EVEN)


def history(nights: Sequence[Night]) -> dict[str, list[Series]]:
    """Group the points of all nights into series, by the label of the case in alphabetical order."""
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
