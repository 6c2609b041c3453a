"""Seeds end as they did in an earlier version: outcome, steps to success and final metrics."""

from __future__ import annotations

import pytest
from golden import GOLDEN, trained

QUICK = ("relu-bias",)


@pytest.mark.parametrize("name", QUICK)
def test_a_small_case_reproduces_earlier_rows(name: str) -> None:
    """A small case gives the rows that are stored; tests/system has all others."""
    assert trained(name) == GOLDEN[name]
