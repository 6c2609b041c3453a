"""Testing: check that a case is sound, that an optimiser descends, and that results are reproducible.

In: a case, or the job that trains it.
Out: one result for each promise of the conformance kit, and the differences that an audit found.
"""

from benchsuite.testing.audit import Audit, AuditResult
from benchsuite.testing.checks import FAILED, PROMISES, CheckResult, check_case, find_results, run_checks
from benchsuite.testing.descent import check_descent

__all__ = [
    "FAILED",
    "PROMISES",
    "Audit",
    "AuditResult",
    "CheckResult",
    "check_case",
    "check_descent",
    "find_results",
    "run_checks",
]
