"""Of many random starts, how many trainings of a little network succeed, how do the others fail, and how fast is it?

These names are what a plugin needs. Importing them imports no JAX.
"""

from importlib.metadata import version

from benchsuite.case.case import Case, Diagnostic, Landscape
from benchsuite.case.claim import Bound, Claim, Ends, FailureRate, Figure
from benchsuite.case.dataset import Download, Split, Stream, Table
from benchsuite.case.metrics import largest_error, mean_absolute_percentage_error, mean_squared_error, r2
from benchsuite.case.schedule import Criterion, Schedule
from benchsuite.errors import BenchsuiteError, CaseError, DataError, DoesNotApply
from benchsuite.plugins.hookspecs import hookimpl
from benchsuite.variants.treatment import Treatment

__version__ = version("benchsuite")

__all__ = [
    "BenchsuiteError",
    "Bound",
    "Case",
    "CaseError",
    "Claim",
    "Criterion",
    "DataError",
    "Diagnostic",
    "DoesNotApply",
    "Download",
    "Ends",
    "FailureRate",
    "Figure",
    "Landscape",
    "Schedule",
    "Split",
    "Stream",
    "Table",
    "Treatment",
    "hookimpl",
    "largest_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "r2",
]
