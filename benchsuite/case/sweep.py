"""Sweeps: the values of options that are trained side by side, for every seed on the same batches."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchsuite.errors import OptionError

#: Examples of a sweep.
EXAMPLE = "learning_rate=1e-4:1:13 (13 values in equal ratios), momentum=0:0.9:10:linear or learning_rate=0.01,0.1"

_LINEAR = "linear"

#: Most values of a sweep, and most combinations of the values of several.
_MOST = 1000

#: The name of an option, or its path: "adam.learning_rate", "adam.2.learning_rate".
_OPTION = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*", re.ASCII)


@dataclass(frozen=True)
class SweepRange:
    """A parsed `--sweep`: the name or path of an option, and its values in ascending order."""

    option: str
    values: tuple[float, ...]

    @classmethod
    def parse(cls, text: str) -> SweepRange:
        """Parse "option=low:high:count", the same with ":linear", or "option=value,value,…".

        Raises:
            OptionError: the text has another form, or the range is empty, reversed or not finite.
        """
        option, equals, said = (part.strip() for part in text.partition("="))
        if not (_OPTION.fullmatch(option) and equals and said):
            raise OptionError(f"--sweep is {text!r}", f"write, for example, {EXAMPLE}")
        values = _spaced(text, said) if ":" in said else tuple(_number(text, part) for part in said.split(","))
        if len(values) > _MOST:
            raise OptionError(f"--sweep has {len(values):,} values", f"give at most {_MOST:,}")
        if not all(map(math.isfinite, values)):
            raise OptionError(f"--sweep {text} exceeds the range of floating-point numbers", "choose smaller values")
        if len(set(values)) < len(values):
            raise OptionError(f"--sweep {text} has duplicate values", "give each value once, or a wider range")
        return cls(option, tuple(sorted(values)))

    @classmethod
    def parse_all(cls, texts: Sequence[str]) -> list[SweepRange]:
        """Parse the values of several `--sweep`, which make a grid.

        Raises:
            OptionError: one is invalid, an option is given twice, or there are too many combinations.
        """
        ranges = [cls.parse(text) for text in texts]
        options = [item.option for item in ranges]
        for option in options:
            if options.count(option) > 1:
                raise OptionError(f"--sweep {option} is given twice", "give all of its values in one --sweep")
        if (total := math.prod(len(item.values) for item in ranges)) > _MOST:
            raise OptionError(f"the sweeps have {total:,} combinations", f"give at most {_MOST:,}")
        return ranges


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
class Rung:
    """The place of a case in a ladder.

    Args:
        ladder: its name.
        option: the option in which the cases of the ladder differ.
        value: that of this case.
        published: the share of starts that fail according to the source; None where it gives none.
    """

    ladder: str
    option: str
    value: int | float
    published: float | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """The fields of a plan that describe it."""
        return {"ladder_name": self.ladder, "rung": {self.option: self.value}, "published": self.published}


@dataclass(frozen=True, eq=False)
class Sweep:
    """The values of options of a case that are trained side by side: all combinations.

    Args:
        values: option → its values in ascending order.
        at: {option: value} → the Case with these values; they may be traced by JAX.
    """

    values: Mapping[str, tuple[float, ...]]
    at: Callable[[Mapping[str, Any]], Any]

    @property
    def settings(self) -> list[dict[str, float]]:
        """The combinations of the values, the first option varying slowest."""
        return combine_values(self.values)


def combine_values(values: Mapping[str, Sequence[float]]) -> list[dict[str, float]]:
    """List all combinations of the values of options, the first option varying slowest."""
    return [dict(zip(values, combination, strict=True)) for combination in itertools.product(*values.values())]
