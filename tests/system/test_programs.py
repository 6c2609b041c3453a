"""Programs that this process has compiled are used again, and only where they are the same."""

from __future__ import annotations

from test_programs import _nothing_compiled, ensemble
from toys import line


def test_other_lanes_and_pinned_starts_are_compiled() -> None:
    """The number of lanes, and whether they are starts, are part of a program."""
    ensemble(line())

    assert ensemble(line(), 16).trace_seconds > 0
    assert ensemble(line(), pinned=True).trace_seconds > 0
