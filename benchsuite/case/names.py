"""Names and counts, as plugins give them."""

from __future__ import annotations

import re

NAME = re.compile(r"[A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+)*")


def is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def is_name(value: object) -> bool:
    return isinstance(value, str) and NAME.fullmatch(value) is not None
