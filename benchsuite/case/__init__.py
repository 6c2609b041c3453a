"""Cases: the declarations of a plugin.

In: a model, a dataset, an optimiser, a schedule and a criterion, each validated at construction.
Out: a `Case`, its claims and its version. Nothing here imports JAX.
"""

from benchsuite.case.case import DTYPES, Case, Diagnostic, Landscape
from benchsuite.case.claim import Bound, Claim, Ends, FailureRate, Figure
from benchsuite.case.dataset import Batch, Download, Split, Stream, Table
from benchsuite.case.factory import UNSET, options_of, with_signature
from benchsuite.case.metrics import (
    accuracy,
    binary_accuracy,
    largest_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    r2,
)
from benchsuite.case.names import NAME, is_name, join_words, number_word
from benchsuite.case.objective import Measure, Player, is_transformation, make_transformation
from benchsuite.case.schedule import LAST, Criterion, Schedule, as_numbers
from benchsuite.case.sweep import FamilyRung, Sweep, SweepRange
from benchsuite.case.version import case_version

__all__ = [
    "DTYPES",
    "LAST",
    "NAME",
    "UNSET",
    "Batch",
    "Bound",
    "Case",
    "Claim",
    "Criterion",
    "Diagnostic",
    "Download",
    "Ends",
    "FailureRate",
    "FamilyRung",
    "Figure",
    "Landscape",
    "Measure",
    "Player",
    "Schedule",
    "Split",
    "Stream",
    "Sweep",
    "SweepRange",
    "Table",
    "accuracy",
    "as_numbers",
    "binary_accuracy",
    "case_version",
    "is_name",
    "is_transformation",
    "join_words",
    "largest_error",
    "make_transformation",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "number_word",
    "options_of",
    "r2",
    "with_signature",
]
