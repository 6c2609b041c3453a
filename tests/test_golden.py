"""Seeds end as they did in an earlier version: outcome, steps to success and final metrics."""

from __future__ import annotations

import pytest
from golden import GOLDEN, trained

QUICK = ("euclidean-distance", "relu-bias", "relu-to-relu")


@pytest.mark.parametrize("name", QUICK)
def test_small_cases_reproduce_earlier_rows(name: str) -> None:
    """Small cases give the rows that are stored; tests/system has all others."""
    assert trained(name) == GOLDEN[name]
