"""Validate names and counts that plugins supply."""

from __future__ import annotations

import re

#: Letters and digits, with single - _ or . between them.
NAME = re.compile(r"[A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+)*")


def is_count(value: object) -> bool:
    """Whether a value is a whole number of at least 1."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def is_name(value: object) -> bool:
    """Whether a value is a name of letters and digits, with single - _ or . between them."""
    return isinstance(value, str) and NAME.fullmatch(value) is not None
