"""Seeds of a run: a number of them, a range, or a list.

In: what the user gives, 1000, "100:200", [3, 7] or range(100, 200).
Out: the numbers in ascending order, and a text that can be stored and typed again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

#: One more than the largest seed, a 32-bit number; also the largest number of seeds.
MAX_SEEDS = 2**32 - 1

#: How seeds are written.
FORMS = "give a number such as 1000, a range such as 100:200, or a list such as 3,7"

_RANGE = re.compile(r"\s*(\d+)\s*:\s*(\d+)\s*")


@dataclass(frozen=True)
class SeedNumbers:
    """Seeds in ascending order, each once.

    Args:
        numbers: a range where they follow each other, so that equal seeds compare equal; else a tuple.
    """

    numbers: range | tuple[int, ...]

    @classmethod
    def of(cls, seeds: int | SeedNumbers) -> SeedNumbers:
        """Number a count of seeds from 0."""
        return seeds if isinstance(seeds, SeedNumbers) else cls(range(seeds))

    def __len__(self) -> int:
        return len(self.numbers)

    def __str__(self) -> str:
        if isinstance(self.numbers, range):
            return f"{self.numbers.start}:{self.numbers.stop}"
        return ",".join(map(str, self.numbers))

    @property
    def is_count(self) -> bool:
        """Whether they are numbered from 0 without a gap."""
        return isinstance(self.numbers, range) and self.numbers.start == 0

    def as_array(self) -> np.ndarray:
        """The numbers as an array (n,)."""
        import numpy as np

        return np.asarray(self.numbers)


def parse_seeds(value: Any) -> int | SeedNumbers:
    """Read seeds: a count stays a number, as do a range and a list that are a count.

    Args:
        value: a whole number, a range, other whole numbers in any order, or a text such as "1000", "100:200" or "3,7".

    Raises:
        TypeError, ValueError: it is none of them, empty, negative, too large, or has a seed twice.
    """
    if isinstance(value, SeedNumbers):
        return value
    if isinstance(value, str) and (found := _RANGE.fullmatch(value)):
        return _numbered(range(int(found[1]), int(found[2])))
    if isinstance(value, str) and "," in value:
        return _numbered(map(int, filter(str.strip, value.split(","))))
    if isinstance(value, Iterable) and not isinstance(value, str):
        return _numbered(value)
    return int(value)


def _numbered(values: Iterable[Any]) -> int | SeedNumbers:
    """Sort seeds that were given one by one; a range is not listed."""
    given: range | list[int]
    given = values if isinstance(values, range) and values.step == 1 else sorted(map(_whole, values))
    if not given:
        raise ValueError("there are no seeds")
    if given[0] < 0 or given[-1] >= MAX_SEEDS:
        raise ValueError(f"a seed is below 0 or above {MAX_SEEDS - 1}")
    if isinstance(given, list) and len(set(given)) < len(given):
        raise ValueError("a seed is given twice")
    first, following = given[0], given[-1] - given[0] + 1 == len(given)
    found = SeedNumbers(range(first, first + len(given)) if following else tuple(given))
    return len(found) if found.is_count else found


def _whole(value: Any) -> int:
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{value!r} is not a whole number")
    return int(value)
