"""Search spaces of the options of an entry, and their quasi-random settings."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchsuite.errors import OptionError, near_matches

#: Most settings of an entry. That many are always drawn, so that the first ones do not depend on how many are used.
LARGEST = 128

#: Examples of the values of an option.
FORMS = '"log(1e-4, 1)", "linear(0.5, 1)", "complement(0.001, 0.5)" or "[0.9, 0.99]", each also with "if option=value"'

_RANGE = re.compile(r"(\w+)\(\s*([^,()]+?)\s*,\s*([^,()]+?)\s*\)")

_OPTION = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*", re.ASCII)

#: Kind of a range → (low, high, point from 0 to 1) → value.
_RANGES: dict[str, Callable[[float, float, float], float]] = {
    "log": lambda low, high, point: low * (high / low) ** point,
    "linear": lambda low, high, point: low + (high - low) * point,
    "complement": lambda low, high, point: 1 - low * (high / low) ** point,
}


@dataclass(frozen=True)
class OptionRange:
    """The values that one option may have.

    Args:
        text: as it is written.
        pick: point from 0 to 1 → value.
        when: another option and its values without which this one is not given; None for always.
    """

    text: str
    pick: Callable[[float], Any]
    when: tuple[str, Sequence[Any]] | None = None

    @classmethod
    def parse(cls, option: str, text: object) -> OptionRange:
        """Parse "log(low, high)", "linear(low, high)", "complement(low, high)" or "[value, …]".

        A complement is 1 - x, with x between low and high on a logarithmic scale, as for a momentum. All may be
        followed by "if other=value" or "if other=value,value".

        Raises:
            OptionError: the text has another form, or the range is empty or reversed.
        """
        if isinstance(text, list | tuple):
            return cls(repr(list(text)), _choice(option, list(text)))
        if not isinstance(text, str):
            raise OptionError(f"the values of {option} are {text!r}", f"write {FORMS}")
        values, _, condition = (part.strip() for part in text.partition(" if "))
        found = _RANGE.fullmatch(values)
        pick = _spread(option, values, *found.groups()) if found else _choice(option, _literal(option, values))
        return cls(text, pick, _condition(option, condition) if condition else None)


def _spread(option: str, text: str, kind: str, *ends: str) -> Callable[[float], float]:
    if kind not in _RANGES:
        raise OptionError(f"the values of {option} are {text}", near_matches(kind, _RANGES))
    low, high = (_number(option, end) for end in ends)
    if not low < high:
        raise OptionError(f"the values {text} of {option} are none: {low:g} is not below {high:g}", "exchange the ends")
    if kind != "linear" and low <= 0:
        raise OptionError(f"the values {text} of {option} begin at {low:g}", "give ends above 0, or linear(low, high)")
    return lambda point: float(f"{_RANGES[kind](low, high, point):.6g}")  # so that it can be typed


def _number(option: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise OptionError(f"{text!r} among the values of {option} is not a finite number", f"write {FORMS}")
    return value


def _literal(option: str, text: str) -> list[Any]:
    try:
        values = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        values = None
    if not isinstance(values, list | tuple):
        raise OptionError(f"the values of {option} are {text!r}", f"write {FORMS}")
    return list(values)


def _choice(option: str, values: list[Any]) -> Callable[[float], Any]:
    if not values:
        raise OptionError(f"the list of values of {option} is empty", "give at least one value")
    for value in values:
        if not isinstance(value, int | float | str | None):
            kind = type(value).__name__
            raise OptionError(f"{value!r} among the values of {option} is a {kind}", "give numbers or texts")
    return lambda point: values[min(int(point * len(values)), len(values) - 1)]


def _condition(option: str, text: str) -> tuple[str, Sequence[Any]]:
    other, equals, values = (part.strip() for part in text.partition("="))
    if not (equals and _OPTION.fullmatch(other)):
        raise OptionError(
            f"the condition of {option} is {text!r}",
            'write, for example, "[True, False] if momentum=0.9"',
        )
    return other, _literal(option, f"[{values}]")


@dataclass(frozen=True)
class Space:
    """The options of an entry that are searched over.

    Args:
        options: option → its values, in their order.
    """

    options: Mapping[str, OptionRange]

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Space:
        """Read a space from option → text.

        Raises:
            OptionError: a name, the values or the condition of an option cannot be used.
        """
        for option in values:
            if not _OPTION.fullmatch(option):
                raise OptionError(f"an option is named {option!r}", "use the name of an argument, or a path to it")
        options = {option: OptionRange.parse(option, text) for option, text in values.items()}
        for option, one in options.items():
            if one.when and one.when[0] not in list(options)[: list(options).index(option)]:
                raise OptionError(
                    f"{option} depends on {one.when[0]}, which is no option before it", f"list {one.when[0]} before it"
                )
        return cls(options)

    @classmethod
    def parse_texts(cls, texts: Sequence[str]) -> Space:
        """Read a space from texts such as "learning_rate=log(1e-4, 1)".

        Raises:
            OptionError: one is invalid, or an option is given twice.
        """
        values: dict[str, str] = {}
        for text in texts:
            option, equals, said = (part.strip() for part in text.partition("="))
            if not (equals and said):
                raise OptionError(f"--space is {text!r}", 'write, for example, "learning_rate=log(1e-4, 1)"')
            if option in values:
                raise OptionError(f"--space {option} is given twice", "give all of its values once")
            values[option] = said
        return cls.parse(values)

    def __len__(self) -> int:
        return len(self.options)

    def to_json(self) -> dict[str, str]:
        """The texts of the options."""
        return {option: one.text for option, one in self.options.items()}

    def draw(self, number: int = LARGEST) -> list[dict[str, Any]]:
        """Draw settings: option → value, each the same however many are drawn.

        They are the points of the Halton sequence after its first, which is zero: the first setting has the middle of
        every range.

        Source: J. H. Halton (1960), Numerische Mathematik 2, 84-90; `scipy.stats.qmc.Halton`. For tuning O. Bousquet et
        al. (2017), Critical hyper-parameters: no random, no cry, arXiv:1706.03200.
        """
        from scipy.stats.qmc import Halton

        if not self.options:
            return []
        points = Halton(len(self.options), scramble=False).fast_forward(1).random(number)
        return [self._setting(point) for point in points.tolist()]

    def _setting(self, point: Sequence[float]) -> dict[str, Any]:
        setting: dict[str, Any] = {}
        for (option, one), share in zip(self.options.items(), point, strict=True):
            if one.when is None or setting.get(one.when[0]) in one.when[1]:
                setting[option] = one.pick(float(share))
        return setting
