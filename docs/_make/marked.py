"""Replace the part of a page between two comments."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def write_between(page: Path, begin: str, end: str, lines: Iterable[str]) -> None:
    """Write lines into a page in place of those between two comments, which stay."""
    before, _, rest = page.read_text().partition(begin)
    page.write_text("\n".join([before + begin, *lines, end + rest.partition(end)[2]]))
