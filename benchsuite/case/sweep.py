"""Sweeps: the values of one option that are trained side by side, for every seed on the same batches."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchsuite.errors import OptionError

#: Examples of a sweep.
EXAMPLE = "learning_rate=1e-4:1:13 (13 values in equal ratios), momentum=0:0.9:10:linear or learning_rate=0.01,0.1"

_LINEAR = "linear"

#: Most values of a sweep.
_MOST = 1000


@dataclass(frozen=True)
class SweepRange:
    """A parsed `--sweep`: the name of an option, and its values in ascending order."""

    option: str
    values: tuple[float, ...]

    @classmethod
    def parse(cls, text: str) -> SweepRange:
        """Parse "option=low:high:count", the same with ":linear", or "option=value,value,…".

        Raises:
            OptionError: the text has another form, or the range is empty, reversed or not finite.
        """
        option, equals, said = (part.strip() for part in text.partition("="))
        if not (option.isidentifier() and equals and said):
            raise OptionError(f"--sweep is {text!r}", f"write, for example, {EXAMPLE}")
        values = _spaced(text, said) if ":" in said else tuple(_number(text, part) for part in said.split(","))
        if len(values) > _MOST:
            raise OptionError(f"--sweep has {len(values):,} values", f"give at most {_MOST:,}")
        if not all(map(math.isfinite, values)):
            raise OptionError(f"--sweep {text} exceeds the range of floating-point numbers", "choose smaller values")
        if len(set(values)) < len(values):
            raise OptionError(f"--sweep {text} has duplicate values", "give each value once, or a wider range")
        return cls(option, tuple(sorted(values)))


def _spaced(text: str, said: str) -> tuple[float, ...]:
    low_text, high_text, count_text, spacing = (*said.split(":"), "", "", "")[:4]
    if said.count(":") not in (2, 3) or spacing not in ("", _LINEAR):
        raise OptionError(f"--sweep is {text!r}", f"write, for example, {EXAMPLE}")
    low, high, count = _number(text, low_text), _number(text, high_text), _count(text, count_text)
    if low > high:
        raise OptionError(f"--sweep {text} is reversed: {low:g} is above {high:g}", "give the lowest value first")
    if (count == 1) != (low == high):
        raise OptionError(
            f"--sweep {text} has {count} values from {low:g} to {high:g}",
            "give two ends and a count of at least 2",
        )
    if count == 1:
        return (low,)
    if spacing == _LINEAR:
        return tuple(_rounded(low + (high - low) * i / (count - 1)) for i in range(count))
    if low <= 0:
        raise OptionError(f"--sweep {text} cannot go from {low:g} in equal ratios", f"write {text}:{_LINEAR}")
    return tuple(_rounded(low * (high / low) ** (i / (count - 1))) for i in range(count))


def _rounded(value: float) -> float:
    """Round a value to six significant digits, so that it can be typed."""
    return float(f"{value:.6g}")


def _number(text: str, part: str) -> float:
    try:
        value = float(part)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise OptionError(f"--sweep {text}: {part!r} is not a finite number", f"write, for example, {EXAMPLE}")
    return value


def _count(text: str, part: str) -> int:
    if not (part.isdecimal() and len(part) <= len(str(_MOST)) and 1 <= int(part) <= _MOST):
        raise OptionError(f"--sweep {text} has the count {part!r}", f"give a whole number from 1 to {_MOST:,}")
    return int(part)


@dataclass(frozen=True)
class FamilyRung:
    """The place of a case in a family.

    Args:
        family: its name.
        option: the option in which the cases of the family differ.
        value: that of this case.
        published: the share of starts that fail according to the source; None where it gives none.
    """

    family: str
    option: str
    value: float
    published: float | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """The fields of a plan that describe it."""
        return {"family": self.family, "rung": {self.option: self.value}, "published": self.published}


@dataclass(frozen=True, eq=False)
class Sweep:
    """The values of one option of a case.

    Args:
        option: its name.
        values: in ascending order.
        at: value → the Case with that value of the option; the value may be traced by JAX.
    """

    option: str
    values: tuple[float, ...]
    at: Callable[[Any], Any]

    def __str__(self) -> str:
        return self.option
