"""Validate names and counts that plugins supply."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: What a name cannot hold, as in the words that `join_words` joins.
_OTHER = re.compile(r"[^A-Za-z0-9.]+")

#: Letters and digits, with single - _ or . between them.
NAME = re.compile(r"[A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+)*")


def join_words(words: Iterable[str]) -> str:
    """Join words to a name that a case or treatment can have: "adam-learning-rate-0.1"."""
    return _OTHER.sub("-", "-".join(words)).strip("-.")


def number_word(value: float) -> str:
    """Write a number as part of a name, such that different numbers give different names."""
    return repr(value).replace("+", "").replace("e-", "e_").replace("-", "minus").replace("e_", "e-")


def is_count(value: object) -> bool:
    """Whether a value is a whole number of at least 1."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def is_name(value: object) -> bool:
    """Whether a value is a name of letters and digits, with single - _ or . between them."""
    return isinstance(value, str) and NAME.fullmatch(value) is not None
