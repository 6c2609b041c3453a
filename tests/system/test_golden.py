"""All cases, and one case under every treatment, reproduce the rows of an earlier version."""

from __future__ import annotations

import pytest
from golden import GOLDEN, trained


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_all_cases_and_treatments_reproduce_earlier_rows(name: str) -> None:
    """Outcome, steps to success and final metrics of three seeds are those that are stored."""
    assert trained(name) == GOLDEN[name]
