"""Cases: the declarations of a plugin.

In: a model, a dataset, an optimiser, a schedule and a criterion, each validated at construction.
Out: a `Case`, its claims and its version. Nothing here imports JAX.
"""

from benchsuite.case.case import DTYPES, Case
from benchsuite.case.claim import Bound, Claim, Ends, FailureRate, Figure
from benchsuite.case.dataset import Batch, Download, Split, Stream, Table
from benchsuite.case.diagnostic import Diagnostic, Landscape
from benchsuite.case.factory import UNSET, NestedFactory, options_of, with_signature
from benchsuite.case.metrics import (
    accuracy,
    binary_accuracy,
    largest_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    r2,
)
from benchsuite.case.objective import (
    Measure,
    Optimizer,
    Player,
    is_transformation,
    make_transformation,
    optimizer_name,
)
from benchsuite.case.schedule import LAST, Criterion, Schedule, as_numbers
from benchsuite.case.sweep import Rung, Sweep, SweepRange, combine_values
from benchsuite.case.version import case_version

__all__ = [
    "DTYPES",
    "LAST",
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
    "Figure",
    "Landscape",
    "Measure",
    "NestedFactory",
    "Optimizer",
    "Player",
    "Rung",
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
    "combine_values",
    "is_transformation",
    "largest_error",
    "make_transformation",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "optimizer_name",
    "options_of",
    "r2",
    "with_signature",
]
