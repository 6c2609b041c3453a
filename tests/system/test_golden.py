"""All cases, and one case under every treatment, reproduce the rows of an earlier version."""

from __future__ import annotations

import os

import pytest
from golden import GOLDEN, trained

#: Takes minutes; another case of the same kind does not.
LONG = "mnist-identity-4L"

later = pytest.mark.skipif(not os.environ.get("BENCHSUITE_LIBRARY"), reason="takes minutes: set BENCHSUITE_LIBRARY=2")


@pytest.mark.parametrize("name", [pytest.param(name, marks=[later] * (name == LONG)) for name in sorted(GOLDEN)])
def test_all_cases_and_treatments_reproduce_earlier_rows(name: str) -> None:
    """Outcome, steps to success and final metrics of three seeds are those that are stored."""
    assert trained(name) == GOLDEN[name]
