"""Check cases: the conformance kit."""

from benchsuite.testing.checks import check_case

__all__ = ["check_case"]
