"""Formats of numbers that all reports share."""

from __future__ import annotations

import re
from collections.abc import Iterable

_THREE_DIGITS = 100

#: Smaller p-values are shown as smaller than this.
_TINY = 1e-9


def interval(ends: Iterable[float]) -> str:
    """Format an interval of a share in percent."""
    low, high = ends
    return f"{100 * low:.1f}–{100 * high:.1f} %"


def points(*differences: float) -> str:
    """Format a difference of shares, or the ends of its interval, in percentage points."""
    return " to ".join(_with_minus(f"{100 * difference:+.1f}") for difference in differences)


def _with_minus(text: str) -> str:
    """Write the hyphens of a formatted number as minus signs."""
    return text.replace("-", "−")


def metric_name(text: str) -> str:
    """Write R² for the metric r2, alone or in a criterion."""
    return re.sub(r"\br2\b", "R²", text)


def percent(share: float | None) -> str:
    """Format a share in percent; "-" for None."""
    return "-" if share is None else f"{100 * share:.1f} %"


def p_value(value: float | None) -> str:
    """Format a p-value to two significant digits; "-" for None."""
    if value is None:
        return "-"
    return _with_minus(f"{value:.2g}" if value >= _TINY else f"< {_TINY:g}")


def number(value: float | None) -> str:
    """Format a number to four significant digits, large ones with separators; "-" for None."""
    if value is None:
        return "-"
    scientific = not 1e3 <= abs(value) < 1e7  # noqa: PLR2004  # as large numbers are read
    return _with_minus(f"{value:.4g}" if scientific else f"{value:,.0f}")


def count(value: float | None) -> str:
    """Format a whole number; "-" for None."""
    return "-" if value is None else f"{value:,.0f}"


def per_second(value: float) -> str:
    """Format a number per second to three significant digits or more."""
    return f"{value:#.3g}".rstrip(".") if value < _THREE_DIGITS else f"{value:,.0f}"


def size(value: int | None) -> str:
    """Format a number of bytes in MiB; "-" for None."""
    return "-" if value is None else f"{value / 2**20:,.0f} MiB" if value >= 2**20 else "< 1 MiB"


def seconds(value: float | None) -> str:
    """Format a time to three significant digits in µs, ms, s or min; "-" for None."""
    if value is None:
        return "-"
    for limit, factor, unit in ((0.9995e-3, 1e6, "µs"), (0.9995, 1e3, "ms"), (600, 1, "s")):
        if value < limit:
            return f"{value * factor:.3g} {unit}"
    return f"{value / 60:.0f} min"
