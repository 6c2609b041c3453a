"""Comparison: results side by side.

In: the results of two runs, or of treated and untreated cases.
Out: paired differences with intervals and p-values, and gates that fail on a drop.
"""

from benchsuite.comparison.gate import LEVEL, Gate, reference_of
from benchsuite.comparison.runs import MISSING, CaseChange, Difference, RunResults, compare_runs
from benchsuite.comparison.treatments import TreatmentComparison, compare_treatments

__all__ = [
    "LEVEL",
    "MISSING",
    "CaseChange",
    "Difference",
    "Gate",
    "RunResults",
    "TreatmentComparison",
    "compare_runs",
    "compare_treatments",
    "reference_of",
]
