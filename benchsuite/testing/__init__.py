"""Testing: is this case sound?

In: a case, or the job that trains it.
Out: one result per promise of the conformance kit, and an audit of reproducibility.
"""

from benchsuite.testing.audit import Audit, AuditResult
from benchsuite.testing.checks import FAILED, PROMISES, CheckResult, check_case, run_checks

__all__ = ["FAILED", "PROMISES", "Audit", "AuditResult", "CheckResult", "check_case", "run_checks"]
